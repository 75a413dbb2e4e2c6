import type { FetchedChunk, Subscription } from '../kafka/fetcher.ts'
import { CorruptBatchError } from '../kafka/errors.ts'
import { firstTimestampOf, scanRecords } from '../kafka/recordBatch.ts'
import type { RecordView } from '../kafka/recordBatch.ts'
import { Backoff, sleep } from './backoff.ts'
import { InputNotReadyError } from './processor.ts'

/** One try of a look-up that the input waits for may take so long. */
const LOOK_UP_DEADLINE_MS = 30_000
/**
 * What is looked up at once of a chunk. A chunk of 256 KiB may hold hundreds of batches that unpack to 16 MiB each, or
 * millions of records of a few bytes: they are held in turn.
 */
const MAX_PREPARED_BYTES = 32 << 20
const MAX_PREPARED_RECORDS = 10_000
/** A producer's transaction times out after 60 s by default; what is open for longer is nobody's commit under way. */
const OPEN_TRANSACTION_MS = 60_000

export interface TaskInputOptions {
  readonly subscription: Subscription
  readonly position: number
  /** The processor's `prepare`, where it has one. */
  readonly prepare: ((records: readonly RecordView[], signal: AbortSignal) => Promise<void>) | undefined
  readonly signal: AbortSignal
  readonly wake: () => void
  /** Why the input waits, null when it goes on. */
  readonly onWaiting: (reason: string | null) => void
}

/**
 * The task's own input: takes fetched chunks and hands out records one by one, remembers how far it came, waits (without
 * stopping timers' bookkeeping, commits or effects) while a look-up is missing, and knows up to which moment everything
 * that had been appended has been read.
 */
export class TaskInput {
  /** Next offset to process. */
  position: number
  /** Everything appended before this moment has been processed: the limit for timers. */
  readUpToMs = 0
  private readonly options: TaskInputOptions
  private chunk: FetchedChunk | undefined
  private prepared: RecordView[] | undefined
  private preparedAt = 0
  /** First offset that is not among `prepared`. */
  private preparedUntil = 0
  private blocked = false
  /** A batch whose contents are damaged: nothing from there on is handed out. */
  private damage: CorruptBatchError | undefined
  /** A high watermark still to be reached, and the moment before which it was asked for. */
  private gate: { highWatermark: number; askedAtMs: number } | undefined

  constructor(options: TaskInputOptions) {
    this.options = options
    this.position = options.position
  }

  /**
   * Why no more comes (offset out of range, a damaged batch), once everything that had come is handed out: retention may
   * have deleted it since, and then it is nowhere but here. Undefined until then.
   */
  get failure(): Error | undefined {
    if (this.damage !== undefined) return this.damage
    const { subscription } = this.options
    return this.chunk === undefined && subscription.next === undefined ? subscription.failure : undefined
  }

  /** Why fetching does not get on: it is tried again, or what had come before is handed out first. */
  get lastError(): Error | undefined {
    const { failure, lastError } = this.options.subscription
    return this.damage ?? failure ?? lastError
  }

  get lastStableOffset(): number {
    return this.options.subscription.lastStableOffset
  }

  /**
   * Offsets between the last stable one and the end of the log: what open transactions hide, their own records and all
   * that stand behind. 0 while anything before them is still to be read, and while nobody answers how far that is.
   */
  get blockedRecords(): number {
    const { lastStableOffset, highWatermark, lastError } = this.options.subscription
    if (lastError !== undefined || this.position < lastStableOffset) return 0
    return Math.max(0, highWatermark - lastStableOffset)
  }

  /** Why nothing comes though the log has more, null while it is not for longer than a commit may take. */
  get openTransaction(): { reason: string; sinceMs: number } | null {
    const { blockedSinceMs, lastStableOffset } = this.options.subscription
    if (blockedSinceMs === 0 || this.blockedRecords === 0) return null
    const forMs = performance.now() - blockedSinceMs
    if (forMs < OPEN_TRANSACTION_MS) return null
    const reason =
      `an open transaction of another producer at offset ${lastStableOffset} of the input hides ${this.blockedRecords} offsets: ` +
      'the owner of that producer must end it; the owner of the cluster finds it by kafka-transactions find-hanging, and ends it by abort'
    return { reason, sinceMs: Date.now() - forMs }
  }

  get waiting(): boolean {
    return this.blocked
  }

  /**
   * Append time of the oldest record that was not handed out yet, milliseconds; infinity when there is none. While
   * records are known of that could not be fetched, the time of the last answer: they are at least so old as it is.
   */
  get oldestPendingMs(): number {
    const { subscription } = this.options
    const prepared = this.prepared?.[this.preparedAt]
    if (prepared !== undefined) return prepared.timestamp
    for (const chunk of [this.chunk, subscription.next]) {
      if (chunk === undefined) continue
      const timestampMs = firstTimestampOf(chunk.bytes, Math.max(chunk.fromOffset, this.position))
      if (timestampMs >= 0) return timestampMs
    }
    const behind = Math.max(this.position, subscription.position) < subscription.lastStableOffset
    return behind ? subscription.highWatermarkAskedAtMs : Number.POSITIVE_INFINITY
  }

  /**
   * Hands out what is there until `handle` answers false (then that record was not taken) or nothing is left. True if the
   * position moved. `handle` may throw InputNotReadyError before it has changed anything.
   */
  take(handle: (record: RecordView) => boolean): boolean {
    if (this.blocked || this.damage !== undefined) return false
    this.chunk ??= this.options.subscription.take()
    const before = this.position
    if (this.chunk !== undefined) {
      try {
        if (this.options.prepare) this.takePrepared(this.chunk, handle)
        else this.scan(this.chunk, handle)
      } catch (error) {
        if (!(error instanceof CorruptBatchError)) throw error
        this.endAt(error)
      }
    }
    this.moveGate()
    return this.position !== before
  }

  close(): void {
    this.options.subscription.close()
  }

  private scan(chunk: FetchedChunk, handle: (record: RecordView) => boolean): void {
    let at: RecordView | undefined
    try {
      const visit = (record: RecordView) => {
        at = record
        return handle(record)
      }
      this.position = scanRecords(chunk.bytes, this.position, chunk.aborted, visit, chunk.source)
      if (this.position >= chunk.nextOffset) this.chunk = undefined
    } catch (error) {
      if (at === undefined) throw error
      if (error instanceof InputNotReadyError) {
        this.position = at.offset
        this.block(error.message, error.resolve)
        return
      }
      // The view is set for whole records only: that one was taken.
      if (error instanceof CorruptBatchError) this.position = at.offset + 1
      throw error
    }
  }

  private takePrepared(chunk: FetchedChunk, handle: (record: RecordView) => boolean): void {
    if (this.prepared === undefined) {
      const records = this.collect(chunk)
      this.prepared = records
      this.preparedAt = 0
      if (records.length > 0) {
        this.block('looking up what this batch needs', signal => this.options.prepare!(records, signal))
        return
      }
    }
    const records = this.prepared
    while (this.preparedAt < records.length) {
      const record = records[this.preparedAt]!
      try {
        if (!handle(record)) return
      } catch (error) {
        if (!(error instanceof InputNotReadyError)) throw error
        this.block(error.message, error.resolve)
        return
      }
      this.position = record.offset + 1
      this.preparedAt++
    }
    this.position = this.preparedUntil
    this.prepared = undefined
    if (this.position >= chunk.nextOffset) this.chunk = undefined
  }

  /** Records of a chunk from `position` on, as many as may be held at once; `preparedUntil` is where the others begin. */
  private collect(chunk: FetchedChunk): RecordView[] {
    const records: RecordView[] = []
    let last = chunk.bytes
    let heldBytes = 0
    const visit = (record: RecordView) => {
      if (records.length >= MAX_PREPARED_RECORDS) return false
      // Each compressed batch has a buffer of its own.
      if (record.buffer !== last) {
        if (records.length > 0 && heldBytes + record.buffer.length > MAX_PREPARED_BYTES) return false
        last = record.buffer
        heldBytes += last.length
      }
      records.push(record.clone())
      return true
    }
    try {
      this.preparedUntil = scanRecords(chunk.bytes, this.position, chunk.aborted, visit, chunk.source)
    } catch (error) {
      // What stands before the damage comes first; then it is met again.
      const last = records.at(-1)
      if (!(error instanceof CorruptBatchError) || last === undefined) throw error
      this.preparedUntil = last.offset + 1
    }
    return records
  }

  /** What stands before the damage has been handed out; nothing behind it is. */
  private endAt(damage: CorruptBatchError): void {
    this.damage = damage
    this.chunk = undefined
    this.close()
  }

  /** Stops handing out records until `resolve` succeeds; tries again with back-off for as long as it takes. */
  private block(reason: string, resolve: (signal: AbortSignal) => Promise<void>): void {
    this.blocked = true
    void this.unblock(reason, resolve)
  }

  private async unblock(reason: string, resolve: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const { signal, onWaiting, wake } = this.options
    const backoff = new Backoff(200, 30_000)
    let failed = false
    while (!signal.aborted) {
      try {
        await resolve(AbortSignal.any([signal, AbortSignal.timeout(LOOK_UP_DEADLINE_MS)]))
        break
      } catch (error) {
        failed = true
        onWaiting(`${reason}: ${error instanceof Error ? error.message : String(error)}`)
        await sleep(backoff.nextMs(), signal)
      }
    }
    if (failed) onWaiting(null)
    this.blocked = false
    wake()
  }

  /**
   * The high watermark in an answer to a fetch that was sent at t covers everything appended before t. Once the position
   * reaches it, timers due before t may fire; then the next such pair is taken. Not the last stable offset: behind an open
   * transaction stand records of others that have long committed, an opt-out among them, and a timer would go past it.
   */
  private moveGate(): void {
    const { subscription } = this.options
    this.gate ??= gateOf(subscription)
    if (this.gate === undefined || this.position < this.gate.highWatermark) return
    this.readUpToMs = this.gate.askedAtMs
    const next = gateOf(subscription)
    if (next !== undefined && this.position >= next.highWatermark) {
      this.readUpToMs = next.askedAtMs
      this.gate = undefined
    } else {
      this.gate = next
    }
  }
}

function gateOf(subscription: Subscription): { highWatermark: number; askedAtMs: number } | undefined {
  if (subscription.highWatermark < 0) return undefined
  return { highWatermark: subscription.highWatermark, askedAtMs: subscription.highWatermarkAskedAtMs }
}
