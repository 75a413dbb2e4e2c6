import type { Lane } from './broker.ts'
import type { Cluster } from './cluster.ts'
import { CorruptBatchError, KafkaError } from './errors.ts'
import { fetchRecords } from './requests/fetch.ts'
import type { FetchedPartition, FetchResponse } from './requests/fetch.ts'
import type { Isolation } from './requests/offsets.ts'
import { SubscribedPartition } from './subscription.ts'
import type { Subscription } from './subscription.ts'

export type { FetchedChunk, Subscription } from './subscription.ts'

export interface FetcherOptions {
  /** An idle broker answers after so long; a new subscription waits at most so long for its first fetch. Default 100. */
  readonly maxWaitMs?: number
  /** The broker waits for so much, at most `maxWaitMs`. Raising it saves CPU on a trickle and costs latency. Default 1. */
  readonly minBytes?: number
  /**
   * After a response of less than 32 KiB that leader is left alone for so long, so that what trickles in gathers: without
   * it each record costs a fetch of its own. Adds as much latency at most, none to the first record after a pause. Default 10.
   */
  readonly paceMs?: number
  /** Per partition and response; one batch larger than that still comes. Default 256 KiB. */
  readonly partitionMaxBytes?: number
  /** A partition with so much waiting is not fetched. Default 512 KiB. */
  readonly queueBytes?: number
  readonly isolation?: Isolation
}

const RESPONSE_MAX_BYTES = 8 << 20
/** While a partition waits for room that it will have soon, the others must not hold its broker for long. */
const SHORT_WAIT_MS = 10
const SMALL_RESPONSE_BYTES = 32 << 10
const OFFSET_OUT_OF_RANGE = 1
/** A leader that has just been elected may not know the end of its log yet: the answer counts when it stays. */
const OUT_OF_RANGE_TRIES = 3
/** Damage on the way, or on one replica only, is gone when it is asked for again, or by another leader. */
const CORRUPT_TRIES = 3

let fetcherCount = 0

/**
 * Reads partitions: at most one fetch under way per leader, on connections of its own, only for partitions whose queue
 * has room, and so always one response ahead of the consumer. Moved leaders, lost connections and refused rights are
 * tried again with a visible reason; only a position outside of the log and a batch that stays damaged are final.
 *
 * The partitions of a fetch are asked for in turn: those that brought something go to the end, so that a partition whose
 * next batch is larger than any limit comes first at some time, and then gets it whole.
 */
export class Fetcher {
  private readonly cluster: Cluster
  private readonly lane: Lane
  private readonly options: Required<FetcherOptions>
  /** In the order in which they are asked for. */
  private subscriptions: SubscribedPartition[] = []
  private readonly inFlight = new Map<number, Promise<void>>()
  /** Leaders whose last response was small, and until when they are left alone. */
  private readonly paced = new Map<number, number>()
  private timer: NodeJS.Timeout | undefined
  private scheduled = false
  private closed = false

  constructor(cluster: Cluster, options: FetcherOptions = {}) {
    this.cluster = cluster
    this.lane = `fetch-${++fetcherCount}`
    this.options = {
      maxWaitMs: options.maxWaitMs ?? 100,
      minBytes: options.minBytes ?? 1,
      paceMs: options.paceMs ?? 10,
      partitionMaxBytes: options.partitionMaxBytes ?? 256 << 10,
      queueBytes: options.queueBytes ?? 512 << 10,
      isolation: options.isolation ?? 'read_committed',
    }
  }

  /**
   * Begins to fetch. `onReady` is called when a chunk is there, when a watermark has moved, and when the subscription has
   * failed; it must be cheap and must not throw.
   */
  subscribe(topic: string, partition: number, fromOffset: number, onReady: () => void): Subscription {
    const at = { topic, partition, fromOffset }
    const subscription = new SubscribedPartition(at, this.options.queueBytes, {
      onReady,
      onRoom: () => this.schedule(),
      onClose: closed => {
        this.subscriptions = this.subscriptions.filter(other => other !== closed)
      },
    })
    this.subscriptions.push(subscription)
    this.schedule()
    return subscription
  }

  /** Ends all subscriptions and waits until no fetch is under way. */
  async close(): Promise<void> {
    this.closed = true
    clearTimeout(this.timer)
    for (const subscription of this.subscriptions) subscription.close()
    this.cluster.closeLane(this.lane)
    await Promise.all(this.inFlight.values())
  }

  /** Once per turn of the event loop's microtasks, however many reasons there are. */
  private schedule(): void {
    if (this.scheduled || this.closed) return
    this.scheduled = true
    queueMicrotask(() => {
      this.scheduled = false
      this.pump()
    })
  }

  private pump(): void {
    if (this.closed) return
    const now = performance.now()
    const byLeader = new Map<number, SubscribedPartition[]>()
    /** One response cannot serve two positions of one partition: the second waits for the next fetch. */
    const taken = new Set<string>()
    let wakeAtMs = Number.POSITIVE_INFINITY
    for (const subscription of this.subscriptions) {
      if (subscription.isFull || subscription.inFlight || subscription.resolving || subscription.failure) continue
      if (subscription.retryAtMs > now) {
        wakeAtMs = Math.min(wakeAtMs, subscription.retryAtMs)
        continue
      }
      const leader = this.cluster.knownLeader(subscription.topic, subscription.partition)
      if (leader === undefined) {
        void this.resolveLeader(subscription)
        continue
      }
      const pacedUntilMs = this.paced.get(leader) ?? 0
      if (pacedUntilMs > now) wakeAtMs = Math.min(wakeAtMs, pacedUntilMs)
      else if (!this.inFlight.has(leader) && !taken.has(nameOf(subscription))) {
        taken.add(nameOf(subscription))
        const ofLeader = byLeader.get(leader)
        if (ofLeader === undefined) byLeader.set(leader, [subscription])
        else ofLeader.push(subscription)
      }
    }
    for (const [leader, ofLeader] of byLeader) this.begin(leader, ofLeader)
    clearTimeout(this.timer)
    if (wakeAtMs < Number.POSITIVE_INFINITY) {
      this.timer = setTimeout(() => this.schedule(), Math.max(1, wakeAtMs - now))
    }
  }

  private async resolveLeader(subscription: SubscribedPartition): Promise<void> {
    subscription.resolving = true
    try {
      await this.cluster.leaderOf(subscription.topic, subscription.partition)
    } catch (error) {
      subscription.postpone(asError(error))
    } finally {
      subscription.resolving = false
      this.schedule()
    }
  }

  private begin(leader: number, subscriptions: readonly SubscribedPartition[]): void {
    for (const subscription of subscriptions) subscription.inFlight = true
    const fetch = this.fetch(leader, subscriptions)
      .catch((error: unknown) => {
        for (const subscription of subscriptions) this.retry(subscription, asError(error))
      })
      .finally(() => {
        for (const subscription of subscriptions) subscription.inFlight = false
        this.inFlight.delete(leader)
        this.schedule()
      })
    this.inFlight.set(leader, fetch)
  }

  private async fetch(leader: number, subscriptions: readonly SubscribedPartition[]): Promise<void> {
    const { isolation, minBytes, partitionMaxBytes } = this.options
    const soon = this.subscriptions.some(subscription => subscription.isRecentlyFull)
    const maxWaitMs = soon ? Math.min(SHORT_WAIT_MS, this.options.maxWaitMs) : this.options.maxWaitMs
    const asked = subscriptions.map(({ topic, partition, position }) => ({
      topic,
      partition,
      fromOffset: position,
      maxBytes: partitionMaxBytes,
    }))
    const request = fetchRecords(asked, { isolation, minBytes, maxWaitMs, maxBytes: RESPONSE_MAX_BYTES })
    const askedAtMs = Date.now()
    const response = await this.cluster.call(leader, this.lane, request)
    if (response.errorCode !== 0) throw new KafkaError(request.api.name, response.errorCode)
    const bytes = response.partitions.reduce((sum, fetched) => sum + fetched.bytes.length, 0)
    if (bytes > 0 && bytes < SMALL_RESPONSE_BYTES) this.paced.set(leader, performance.now() + this.options.paceMs)
    this.distribute(subscriptions, response, askedAtMs)
  }

  private distribute(subscriptions: readonly SubscribedPartition[], response: FetchResponse, askedAtMs: number): void {
    const byName = new Map(subscriptions.map(one => [nameOf(one), one]))
    const served = new Set<SubscribedPartition>()
    const firstWithBytes = response.partitions.find(({ bytes }) => bytes.length > 0)
    for (const fetched of response.partitions) {
      const subscription = byName.get(nameOf(fetched))
      if (subscription === undefined || subscription.closed) continue
      if (fetched.bytes.length > 0) served.add(subscription)
      if (fetched.errorCode === 0) {
        this.accept(subscription, fetched, askedAtMs, fetched === firstWithBytes)
        continue
      }
      const name = `${fetched.topic}-${fetched.partition} at ${subscription.position}`
      const error = new KafkaError('Fetch', fetched.errorCode, name)
      if (fetched.errorCode === OFFSET_OUT_OF_RANGE && ++subscription.outOfRange >= OUT_OF_RANGE_TRIES) {
        subscription.fail(error)
      } else {
        this.retry(subscription, error)
      }
    }
    if (served.size === 0) return
    this.subscriptions = [
      ...this.subscriptions.filter(subscription => !served.has(subscription)),
      ...this.subscriptions.filter(subscription => served.has(subscription)),
    ]
  }

  private accept(
    subscription: SubscribedPartition,
    fetched: FetchedPartition,
    askedAtMs: number,
    isFirst: boolean,
  ): void {
    try {
      subscription.accept(fetched, askedAtMs, isFirst)
    } catch (error) {
      if (error instanceof CorruptBatchError && ++subscription.corrupt >= CORRUPT_TRIES) subscription.fail(error)
      else this.retry(subscription, asError(error))
    }
  }

  /** Whatever it was, the leader may be another one now. */
  private retry(subscription: SubscribedPartition, error: Error): void {
    this.cluster.forgetLeaders(subscription.topic)
    subscription.postpone(error)
  }
}

function nameOf({ topic, partition }: { readonly topic: string; readonly partition: number }): string {
  return `${topic}/${partition}`
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
