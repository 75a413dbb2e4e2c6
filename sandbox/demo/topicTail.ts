import { setTimeout as sleep } from 'node:timers/promises'
import type { Cluster } from '../../src/kafka/cluster.ts'
import { Fetcher } from '../../src/kafka/fetcher.ts'
import type { Subscription } from '../../src/kafka/fetcher.ts'
import { listOffset } from '../../src/kafka/offsets.ts'
import { scanRecords } from '../../src/kafka/recordBatch.ts'
import type { Header } from '../../src/kafka/recordBatch.ts'
import type { Position } from './evidence.ts'

/** A committed record. */
export interface SeenRecord extends Position {
  readonly key: string | null
  readonly value: Buffer | null
  readonly headers: readonly Header[]
}

interface Tail {
  readonly topic: string
  readonly partition: number
  readonly subscription: Subscription
  /** Next offset to read. */
  position: number
}

/** Reads topics from their beginning, committed records only, and goes on as they grow: any downstream reader. */
export class TopicTail {
  readonly #cluster: Cluster
  readonly #fetcher: Fetcher
  readonly #tails: Tail[] = []
  readonly #onRecord: (record: SeenRecord) => void

  private constructor(cluster: Cluster, onRecord: (record: SeenRecord) => void) {
    this.#cluster = cluster
    this.#fetcher = new Fetcher(cluster, { maxWaitMs: 100, isolation: 'read_committed' })
    this.#onRecord = onRecord
  }

  static async start(
    cluster: Cluster,
    topics: readonly string[],
    onRecord: (record: SeenRecord) => void,
  ): Promise<TopicTail> {
    const tail = new TopicTail(cluster, onRecord)
    for (const topic of topics) {
      const partitions = await cluster.partitionCount(topic)
      for (let partition = 0; partition < partitions; partition++) tail.#follow(topic, partition)
    }
    return tail
  }

  /** Resolves when everything that is committed now has been read. */
  async caughtUp(): Promise<void> {
    for (const tail of this.#tails) {
      const end = await listOffset(this.#cluster, tail.topic, tail.partition, 'lastStable')
      while (tail.position < end) {
        if (tail.subscription.failure !== undefined) throw tail.subscription.failure
        await sleep(10)
      }
    }
  }

  async close(): Promise<void> {
    for (const { subscription } of this.#tails) subscription.close()
    await this.#fetcher.close()
  }

  #follow(topic: string, partition: number): void {
    const ready = (): void => this.#take(tail)
    const tail: Tail = {
      topic,
      partition,
      position: 0,
      subscription: this.#fetcher.subscribe(topic, partition, 0, () => queueMicrotask(ready)),
    }
    this.#tails.push(tail)
  }

  #take(tail: Tail): void {
    for (let chunk = tail.subscription.take(); chunk !== undefined; chunk = tail.subscription.take()) {
      const { topic, partition } = tail
      const next = scanRecords(chunk.bytes, chunk.fromOffset, chunk.aborted, record => {
        this.#onRecord({
          topic,
          partition,
          offset: record.offset,
          key: record.keyString(),
          value: record.value(),
          headers: record.headers(),
        })
      })
      tail.position = Math.max(next, chunk.nextOffset)
    }
  }
}

/** Every byte of a topic as the brokers keep it: aborted transactions, markers and headers included. */
export const rawTopic = async (cluster: Cluster, topic: string): Promise<Buffer[]> => {
  const fetcher = new Fetcher(cluster, { maxWaitMs: 50, isolation: 'read_uncommitted' })
  const chunks: Buffer[] = []
  try {
    const partitions = await cluster.partitionCount(topic)
    for (let partition = 0; partition < partitions; partition++) {
      const start = await listOffset(cluster, topic, partition, 'earliest')
      const end = await listOffset(cluster, topic, partition, 'latest')
      const subscription = fetcher.subscribe(topic, partition, start, () => undefined)
      let position = start
      while (position < end) {
        if (subscription.failure !== undefined) throw subscription.failure
        const chunk = subscription.take()
        if (chunk === undefined) {
          await sleep(5)
          continue
        }
        chunks.push(chunk.bytes)
        position = chunk.nextOffset
      }
      subscription.close()
    }
    return chunks
  } finally {
    await fetcher.close()
  }
}
