import { checkBatches } from './batchCheck.ts'
import type { CheckedBatches } from './batchCheck.ts'
import { CorruptBatchError } from './errors.ts'
import type { AbortedTransaction } from './recordBatch.ts'
import type { FetchedPartition } from './requests/fetch.ts'

/** Whole batches of one partition as one fetch response brought them, checked: for `scanRecords`. */
export interface FetchedChunk {
  /** Topic and partition, for errors. */
  readonly source: string
  readonly fromOffset: number
  readonly bytes: Buffer
  readonly aborted: readonly AbortedTransaction[]
  /** Where the next chunk begins. */
  readonly nextOffset: number
}

export interface Subscription {
  /** The oldest chunk that was not taken yet. */
  take(): FetchedChunk | undefined
  /** The same chunk, left where it is. */
  readonly next: FetchedChunk | undefined
  /** Next offset to fetch. */
  readonly position: number
  /** The log's end as of the last answer, -1 before the first. */
  readonly highWatermark: number
  /**
   * Wall clock, milliseconds: when the fetch was sent that brought `highWatermark`. Everything appended before is below
   * that watermark. 0 before the first answer.
   */
  readonly highWatermarkAskedAtMs: number
  /** What a read_committed reader may reach, -1 before the first answer. */
  readonly lastStableOffset: number
  /**
   * Since when the last stable offset stands still below the high watermark, monotonic clock, milliseconds: a transaction
   * is open there. 0 while none is. On a busy topic there is always one; there it moves.
   */
  readonly blockedSinceMs: number
  /** -1 before the first answer. */
  readonly logStartOffset: number
  /** Why fetching is being tried again; undefined while it works. */
  readonly lastError: Error | undefined
  /** Fetching has ended: the position is outside of the log. */
  readonly failure: Error | undefined
  close(): void
}

const RETRY_FIRST_MS = 50
const RETRY_MAX_MS = 1_000
/** No log grows by so much while a broker answers: a batch so far behind its end has a damaged offset. */
const BEYOND_THE_END = 1 << 20
/** A partition that became full a moment ago will have room again soon. */
const RECENTLY_FULL_MS = 1_000

/** One part in so many: how much more than itself a queued chunk may keep in memory. */
const MAX_PINNED_RATIO = 2

/**
 * A slice of a response keeps the whole of it: 8 MiB of all partitions of a leader for the few records of one that is
 * paused. Copied where it is a small part: 256 KiB take 0.15 to 0.3 ms with and without it, for the checksum (`bench/fetchQueue.ts`).
 */
function ownBytes(bytes: Buffer): Buffer {
  if (bytes.buffer.byteLength <= bytes.length * MAX_PINNED_RATIO) return bytes
  // Not from the pool, whose 8 KiB would be kept by each small one.
  const own = Buffer.allocUnsafeSlow(bytes.length)
  bytes.copy(own)
  return own
}

/** One subscribed partition, as the fetcher sees it: a bounded queue of chunks and what the broker said last. */
export class SubscribedPartition implements Subscription {
  readonly topic: string
  readonly partition: number
  position: number
  highWatermark = -1
  highWatermarkAskedAtMs = 0
  lastStableOffset = -1
  blockedSinceMs = 0
  logStartOffset = -1
  lastError: Error | undefined
  failure: Error | undefined
  closed = false
  /** A fetch for it is under way. */
  inFlight = false
  /** Its leader is being looked up. */
  resolving = false
  /** Not before then (monotonic clock): it failed just now. */
  retryAtMs = 0
  /** Consecutive answers that the position is outside of the log. */
  outOfRange = 0
  /** Consecutive answers that begin with a damaged batch. */
  corrupt = 0
  private failures = 0
  private fullSinceMs = 0
  private queuedBytes = 0
  private readonly queue: FetchedChunk[] = []
  private readonly queueBytes: number
  private readonly onReady: () => void
  private readonly onRoom: () => void
  private readonly onClose: (subscription: SubscribedPartition) => void

  constructor(
    at: { readonly topic: string; readonly partition: number; readonly fromOffset: number },
    queueBytes: number,
    callbacks: {
      readonly onReady: () => void
      readonly onRoom: () => void
      readonly onClose: (subscription: SubscribedPartition) => void
    },
  ) {
    this.topic = at.topic
    this.partition = at.partition
    this.position = at.fromOffset
    this.queueBytes = queueBytes
    this.onReady = callbacks.onReady
    this.onRoom = callbacks.onRoom
    this.onClose = callbacks.onClose
  }

  take(): FetchedChunk | undefined {
    const chunk = this.queue.shift()
    if (chunk === undefined) return undefined
    const wasFull = this.isFull
    this.queuedBytes -= chunk.bytes.length
    if (wasFull && this.queuedBytes < this.queueBytes) this.onRoom()
    return chunk
  }

  get next(): FetchedChunk | undefined {
    return this.queue[0]
  }

  close(): void {
    if (this.closed) return
    this.closed = true
    this.queue.length = 0
    this.onClose(this)
  }

  get isFull(): boolean {
    return this.queuedBytes >= this.queueBytes
  }

  get isRecentlyFull(): boolean {
    return this.isFull && performance.now() - this.fullSinceMs < RECENTLY_FULL_MS
  }

  /**
   * Queues the whole batches that came. `askedAtMs` is when the fetch was sent, `isFirst` whether no other partition of
   * that response had bytes: then the broker sends a whole batch, however large. What stands before a damaged batch is
   * taken; throws CorruptBatchError where it is the first one.
   */
  accept(fetched: FetchedPartition, askedAtMs: number, isFirst: boolean): void {
    const source = `${this.topic}-${this.partition}`
    const checked = checkBatches(fetched.bytes, source)
    const { nextOffset, sizeBytes } = checked
    const defect = this.defectOf(fetched, checked, isFirst, source)
    if (defect !== undefined) throw defect
    const moved = fetched.highWatermark !== this.highWatermark || fetched.lastStableOffset !== this.lastStableOffset
    if (fetched.lastStableOffset >= fetched.highWatermark) this.blockedSinceMs = 0
    else if (this.blockedSinceMs === 0 || fetched.lastStableOffset !== this.lastStableOffset) {
      this.blockedSinceMs = performance.now()
    }
    this.highWatermark = fetched.highWatermark
    this.highWatermarkAskedAtMs = askedAtMs
    this.lastStableOffset = fetched.lastStableOffset
    this.logStartOffset = fetched.logStartOffset
    this.lastError = undefined
    this.failures = 0
    this.outOfRange = 0
    this.corrupt = 0
    if (nextOffset > this.position) {
      const bytes = ownBytes(fetched.bytes.subarray(0, sizeBytes))
      this.queue.push({ source, fromOffset: this.position, bytes, aborted: fetched.aborted, nextOffset })
      this.position = nextOffset
      this.queuedBytes += sizeBytes
      if (this.isFull) this.fullSinceMs = performance.now()
    }
    if (moved || nextOffset >= 0) this.onReady()
  }

  /** Of an answer from which nothing can be taken: one that would otherwise be asked for again and again in silence. */
  private defectOf(
    fetched: FetchedPartition,
    { nextOffset, defect }: CheckedBatches,
    isFirst: boolean,
    source: string,
  ): CorruptBatchError | undefined {
    if (nextOffset < 0) {
      if (defect !== undefined || fetched.bytes.length === 0 || !isFirst) return defect
      return new CorruptBatchError(source, this.position, `did not come whole in ${fetched.bytes.length} bytes`)
    }
    if (nextOffset <= this.position) return new CorruptBatchError(source, nextOffset - 1, 'was not asked for')
    if (nextOffset <= fetched.highWatermark + BEYOND_THE_END) return undefined
    return new CorruptBatchError(source, nextOffset - 1, `lies beyond the end of the log (${fetched.highWatermark})`)
  }

  /** Tried again after a while, doubling. */
  postpone(error: Error): void {
    this.lastError = error
    this.retryAtMs = performance.now() + Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** Math.min(this.failures++, 5))
  }

  fail(error: Error): void {
    this.failure = error
    this.onReady()
  }
}
