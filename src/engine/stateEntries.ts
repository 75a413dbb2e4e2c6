import type { Cycle } from './cycle.ts'
import { ValueArena } from '../store/valueArena.ts'

/** Entries of one table that are in memory: slot by key. */
export class EntryTable {
  /** In front of every key, in the changelog and in the store. */
  readonly prefix: string
  readonly slots = new Map<string, number>()

  constructor(prefix: string) {
    this.prefix = prefix
  }
}

/** Looked at since the hand came by last. */
const USED = 1
/** Committed, not in the store yet. */
const DIRTY = 2
/** A store write with it is under way. */
const FLUSHING = 4
/** Deleted: the store may still have it. */
const DELETED = 8
/** So many decoded values are kept. */
const KEPT_DECODED = 16
/** So many slots are looked at for one to let go, then the memory grows: all of them wait for a commit or the store. */
const SWEEP_STEPS = 64

/**
 * What is in memory of a task's state: per entry its encoded committed value, and where its newest value stands in a
 * cycle that has not committed yet. Bounded by a clock: one bit per use, and a hand that lets go what was not used since
 * it came by last, but never what is in no other place. Columns by slot number instead of an object per entry: hundreds
 * of thousands of them would be what every major garbage collection walks.
 */
export class StateEntries {
  readonly arena = new ValueArena()
  /** Entries that are committed and not in the store, and about how many bytes their values have. */
  dirtyCount = 0
  dirtyBytes = 0
  private readonly limit: number
  private readonly tables: (EntryTable | undefined)[] = []
  private readonly keys: string[] = []
  private readonly pendingIn: (Cycle<unknown> | undefined)[] = []
  private readonly pendingAt: number[] = []
  /** Decoded values by slot, and the slots that have one, the last written at `decodedAt` - 1: see `keep`. */
  private readonly decoded: unknown[] = []
  private readonly decodedSlots = new Int32Array(KEPT_DECODED).fill(-1)
  private decodedAt = 0
  private flags = new Uint8Array(1024)
  private readonly free: number[] = []
  private dirty: number[] = []
  private hand = 0
  private inUse = 0

  constructor(limit: number) {
    this.limit = limit
  }

  tableOf(slot: number): EntryTable {
    return this.tables[slot]!
  }

  /** As in the changelog and in the store. */
  storeKeyOf(slot: number): string {
    return this.tables[slot]!.prefix + this.keys[slot]!
  }

  touch(slot: number): void {
    this.flags[slot]! |= USED
  }

  /** The cycle that has the entry's newest value and has not committed, if any, and its number among that cycle's changes. */
  pendingCycle(slot: number): Cycle<unknown> | undefined {
    return this.pendingIn[slot]
  }

  pendingChange(slot: number): number {
    return this.pendingAt[slot]!
  }

  isDeleted(slot: number): boolean {
    return (this.flags[slot]! & DELETED) !== 0
  }

  /** A slot for a key that has none, letting others go where there are too many. */
  add(table: EntryTable, key: string): number {
    if (this.inUse >= this.limit) this.sweep()
    const slot = this.free.pop() ?? this.keys.length
    if (slot >= this.flags.length) {
      const larger = new Uint8Array(this.flags.length * 2)
      larger.set(this.flags)
      this.flags = larger
    }
    this.tables[slot] = table
    this.keys[slot] = key
    this.pendingIn[slot] = undefined
    this.pendingAt[slot] = -1
    this.decoded[slot] = undefined
    this.flags[slot] = USED
    table.slots.set(key, slot)
    this.inUse++
    return slot
  }

  /** A value as the store has it. */
  fill(slot: number, bytes: Buffer): void {
    this.arena.set(slot, bytes, 0, bytes.length)
  }

  change(slot: number, cycle: Cycle<unknown>, index: number): void {
    this.pendingIn[slot] = cycle
    this.pendingAt[slot] = index
    this.flags[slot]! |= USED
  }

  /** The cycle has committed: its values are what the store shall get. */
  commit(cycle: Cycle<unknown>): void {
    const { changedSlots, changedBatches, changedStarts, changedEnds } = cycle
    for (let i = 0; i < changedSlots.length; i++) {
      const slot = changedSlots[i]!
      if (this.pendingIn[slot] === cycle) {
        if (this.pendingAt[slot] !== i) continue
        this.pendingIn[slot] = undefined
      }
      const start = changedStarts[i]!
      const flags = this.flags[slot]!
      if (start < 0) {
        this.arena.remove(slot)
        this.flags[slot] = flags | DIRTY | DELETED
      } else {
        this.arena.set(slot, changedBatches[i]!.buffer, start, changedEnds[i]!)
        this.flags[slot] = (flags | DIRTY) & ~DELETED
      }
      if ((flags & DIRTY) === 0) this.addDirty(slot)
    }
  }

  /** The entry's newest value as it was decoded, or put; undefined where it is not at hand. */
  decodedOf(slot: number): unknown {
    return this.decoded[slot]
  }

  /**
   * Keeps a decoded value for a moment: a record asks for its user several times, and the next record seldom asks for the
   * same one. Kept for a whole cycle they outlive the young collections, which have to move them: resident memory of
   * `node bench/cycle.ts --users 200000 --records 1000000 --cycle 9000` was 650 to 698 MB so, and is 479 to 544 MB.
   */
  keep(slot: number, value: unknown): void {
    if (this.decoded[slot] === undefined) {
      const at = this.decodedAt
      const oldest = this.decodedSlots[at]!
      if (oldest >= 0) this.decoded[oldest] = undefined
      this.decodedSlots[at] = slot
      this.decodedAt = (at + 1) % KEPT_DECODED
    }
    this.decoded[slot] = value
  }

  /** What the store lacks, to be given to it; until `flushed` they stay. */
  takeDirty(): number[] {
    const taken = this.dirty
    this.dirty = []
    this.dirtyCount = 0
    this.dirtyBytes = 0
    for (const slot of taken) this.flags[slot] = (this.flags[slot]! & ~DIRTY) | FLUSHING
    return taken
  }

  /** The store has taken them, or could not. */
  flushed(slots: readonly number[], taken: boolean): void {
    for (const slot of slots) {
      const flags = this.flags[slot]!
      this.flags[slot] = flags & ~FLUSHING
      if (taken || (flags & DIRTY) !== 0) continue
      this.flags[slot] |= DIRTY
      this.addDirty(slot)
    }
  }

  private addDirty(slot: number): void {
    this.dirty.push(slot)
    this.dirtyCount++
    if (this.arena.has(slot)) this.dirtyBytes += this.arena.endOf(slot) - this.arena.startOf(slot)
  }

  /** Lets up to two entries go: so it comes back under its limit after it had to grow. */
  private sweep(): void {
    let toGo = 2
    for (let step = 0; step < SWEEP_STEPS && toGo > 0; step++) {
      const slot = this.hand
      this.hand = slot + 1 >= this.keys.length ? 0 : slot + 1
      const table = this.tables[slot]
      if (table === undefined) continue
      const flags = this.flags[slot]!
      if ((flags & (DIRTY | FLUSHING)) !== 0 || this.pendingIn[slot] !== undefined) continue
      if (this.decoded[slot] !== undefined) continue
      if ((flags & USED) !== 0) {
        this.flags[slot] = flags & ~USED
        continue
      }
      table.slots.delete(this.keys[slot]!)
      this.arena.remove(slot)
      this.tables[slot] = undefined
      this.keys[slot] = ''
      this.free.push(slot)
      this.inUse--
      toGo--
    }
  }
}
