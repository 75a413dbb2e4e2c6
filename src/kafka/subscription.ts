import type { AbortedTransaction } from './recordBatch.ts'
import { nextOffsetOf } from './recordBatch.ts'
import type { FetchedPartition } from './requests/fetch.ts'

/** Bytes of one partition as one fetch response brought them, for `scanRecords`. */
export interface FetchedChunk {
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
/** A partition that became full a moment ago will have room again soon. */
const RECENTLY_FULL_MS = 1_000

/** One subscribed partition, as the fetcher sees it: a bounded queue of chunks and what the broker said last. */
export class SubscribedPartition implements Subscription {
  readonly topic: string
  readonly partition: number
  position: number
  highWatermark = -1
  highWatermarkAskedAtMs = 0
  lastStableOffset = -1
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

  /** True if anything came or moved. `askedAtMs` is when the fetch was sent. Throws ProtocolError. */
  accept(fetched: FetchedPartition, askedAtMs: number): void {
    const moved = fetched.highWatermark !== this.highWatermark || fetched.lastStableOffset !== this.lastStableOffset
    const next = nextOffsetOf(fetched.bytes)
    this.highWatermark = fetched.highWatermark
    this.highWatermarkAskedAtMs = askedAtMs
    this.lastStableOffset = fetched.lastStableOffset
    this.logStartOffset = fetched.logStartOffset
    this.lastError = undefined
    this.failures = 0
    this.outOfRange = 0
    if (next > this.position) {
      this.queue.push({ fromOffset: this.position, bytes: fetched.bytes, aborted: fetched.aborted, nextOffset: next })
      this.position = next
      this.queuedBytes += fetched.bytes.length
      if (this.isFull) this.fullSinceMs = performance.now()
    }
    if (moved || next >= 0) this.onReady()
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
