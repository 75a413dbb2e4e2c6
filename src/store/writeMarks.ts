/** So much later writes are in LevelDB's tables, not in its log: twice over, at its write buffer of 16 MiB. */
const SETTLED_BYTES = 64 << 20
const PREFIX = '\u0000write/'

/** Range of the marks among a store's keys. */
export const MARK_RANGE = { gte: PREFIX, lt: '\u0000write0' } as const

/** A write is missing between others: what the store says cannot be trusted. */
export class MissingWritesError extends Error {
  override readonly name = 'MissingWritesError'
  readonly code = 'STORE_WRITES_MISSING'

  constructor(directory: string, after: number, next: number) {
    super(`${directory}: writes are missing between number ${after} and ${next}; the changelog will refill it`)
  }
}

/**
 * Numbers a store's writes, each with a mark in its own batch. LevelDB's log is not synced on each write and its recovery
 * skips damaged blocks silently: after an operating system crash a write in the middle can be gone although a later one,
 * with a later checkpoint, is there. A gap between the marks tells. Marks of writes that have settled are pruned.
 */
export class WriteMarks {
  private readonly unpruned: { readonly number: number; readonly atBytes: number }[]
  private number: number
  private writtenBytes = 0

  /** `found`: the marks in the store, in order. Throws MissingWritesError. */
  constructor(directory: string, found: readonly string[]) {
    const numbers = found.map(key => Number(key.slice(PREFIX.length)))
    for (const [index, number] of numbers.entries()) {
      const before = numbers[index - 1]
      if (before !== undefined && number !== before + 1) throw new MissingWritesError(directory, before, number)
    }
    this.number = numbers.at(-1) ?? 0
    // Opening it has moved them out of the log.
    this.unpruned = numbers.map(number => ({ number, atBytes: -SETTLED_BYTES }))
  }

  /** For the next write of about `bytes`: its mark, and those that may go with it. The last one always stays. */
  next(bytes: number): { readonly put: string; readonly prune: readonly string[] } {
    this.writtenBytes += bytes
    const prune: string[] = []
    while (this.unpruned.length > 1 && this.unpruned[0]!.atBytes + SETTLED_BYTES <= this.writtenBytes) {
      prune.push(keyOf(this.unpruned.shift()!.number))
    }
    this.unpruned.push({ number: ++this.number, atBytes: this.writtenBytes })
    return { put: keyOf(this.number), prune }
  }
}

function keyOf(number: number): string {
  return PREFIX + String(number).padStart(16, '0')
}
