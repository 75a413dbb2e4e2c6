import type { Cluster } from './cluster.ts'
import { Fetcher } from './fetcher.ts'
import { listOffset } from './offsets.ts'
import { scanRecords } from './recordBatch.ts'
import type { RecordView } from './recordBatch.ts'
import { pause } from './retry.ts'
import type { Subscription } from './subscription.ts'

export interface TopicFollowerOptions {
  readonly cluster: Cluster
  readonly topic: string
  /** Each record, from the topic's start on, in the order of its partition. `record` is valid during the call only. */
  readonly onRecord: (record: RecordView) => void
  /** After some records, and at least every `CHECK_MS`. */
  readonly onChecked: () => void
  /** Default `read_uncommitted`: a record must not wait for the end of a transaction (a stop would wait with it). */
  readonly isolation?: 'read_uncommitted' | 'read_committed'
  /** The topic is about to be read from its start again: what is known of it counts no more. */
  readonly onRestart?: () => void
}

const CHECK_MS = 250
const RETRY_MS = 500
/** An empty topic is asked for so long at a time: `readUpToMs` is behind by no more while all is well. */
const MAX_WAIT_MS = 500

interface Followed {
  readonly subscription: Subscription
  position: number
  /** What came cannot be read. */
  failure?: unknown
}

/**
 * A small topic that every process reads whole and then follows, without a group.
 */
export class TopicFollower {
  readonly #options: TopicFollowerOptions
  readonly #isolation: NonNullable<TopicFollowerOptions['isolation']>
  readonly #fetcher: Fetcher
  readonly #stopping = new AbortController()
  #partitions: Followed[] = []
  #readUpToMs = 0
  #problem: string | null = null
  #running: Promise<void> = Promise.resolve()

  constructor(options: TopicFollowerOptions) {
    this.#options = options
    this.#isolation = options.isolation ?? 'read_uncommitted'
    this.#fetcher = new Fetcher(options.cluster, { isolation: this.#isolation, maxWaitMs: MAX_WAIT_MS })
  }

  /** Wall clock: everything that had been appended (or committed) before has been given to `onRecord`. 0 = not yet. */
  get readUpToMs(): number {
    if (this.#partitions.length === 0) return this.#readUpToMs
    let oldestMs = Number.POSITIVE_INFINITY
    for (const { subscription, position } of this.#partitions) {
      const { highWatermark, lastStableOffset, highWatermarkAskedAtMs } = subscription
      const end = this.#isolation === 'read_committed' ? lastStableOffset : highWatermark
      if (end < 0 || position < end) return this.#readUpToMs
      oldestMs = Math.min(oldestMs, highWatermarkAskedAtMs)
    }
    this.#readUpToMs = Math.max(this.#readUpToMs, oldestMs)
    return this.#readUpToMs
  }

  /** Why it does not get on; null while it does. */
  get problem(): string | null {
    const failed = this.#partitions.find(({ subscription }) => subscription.lastError !== undefined)
    return this.#problem ?? failed?.subscription.lastError?.message ?? null
  }

  start(): void {
    this.#running = this.#run()
  }

  async close(): Promise<void> {
    this.#stopping.abort()
    await this.#running
    await this.#fetcher.close()
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      try {
        if (this.#partitions.length === 0) await this.#subscribe(signal)
        this.#problem = null
        this.#restartFailed()
      } catch (error) {
        this.#problem = messageOf(error)
      }
      this.#options.onChecked()
      await pause(this.#problem === null ? CHECK_MS : RETRY_MS, signal).catch(() => undefined)
    }
  }

  async #subscribe(signal: AbortSignal): Promise<void> {
    const { cluster, topic } = this.#options
    const count = await cluster.partitionCount(topic)
    const starts = await Promise.all(
      Array.from({ length: count }, (_, partition) => listOffset(cluster, topic, partition, 'earliest', signal)),
    )
    signal.throwIfAborted()
    this.#partitions = starts.map((offset, partition) => this.#follow(partition, offset))
  }

  #follow(partition: number, fromOffset: number): Followed {
    const ready = () => this.#drain(followed)
    const followed: Followed = {
      subscription: this.#fetcher.subscribe(this.#options.topic, partition, fromOffset, ready),
      position: fromOffset,
    }
    return followed
  }

  #drain(followed: Followed): void {
    try {
      for (let chunk = followed.subscription.take(); chunk !== undefined; chunk = followed.subscription.take()) {
        const aborted = this.#isolation === 'read_committed' ? chunk.aborted : []
        scanRecords(chunk.bytes, followed.position, aborted, record => {
          this.#options.onRecord(record)
          return true
        })
        followed.position = chunk.nextOffset
      }
    } catch (error) {
      followed.failure = error
    }
    this.#options.onChecked()
  }

  /**
   * The log begins later than where we were, or anew (the topic was made again), or broke: all of it once more. Until it is
   * whole again nothing is known: what comes first is old, and what came after it takes it back.
   */
  #restartFailed(): void {
    const failed = this.#partitions.find(one => (one.failure ?? one.subscription.failure) !== undefined)
    if (failed === undefined) return
    const failure = failed.failure ?? failed.subscription.failure
    this.#problem = messageOf(failure)
    for (const { subscription } of this.#partitions) subscription.close()
    this.#partitions = []
    this.#readUpToMs = 0
    this.#options.onRestart?.()
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
