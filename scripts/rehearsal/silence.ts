import { testClient } from '../../test/support/topics.ts'

/** Arrivals of committed records on one topic, as a consumer that knows nothing of onfile sees them. */
export class SilenceWatch {
  private readonly lastMs = new Map<number, number>()
  private readonly longestMs = new Map<number, number>()
  private readonly stopConsumer: () => Promise<void>

  private constructor(stopConsumer: () => Promise<void>) {
    this.stopConsumer = stopConsumer
  }

  /** kafkajs's own consumer: read_committed is its default. */
  static async start(brokers: string, topic: string, groupId: string): Promise<SilenceWatch> {
    const consumer = testClient(brokers).consumer({ groupId, maxWaitTimeInMs: 50 })
    const watch = new SilenceWatch(() => consumer.disconnect())
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({
      partitionsConsumedConcurrently: 8,
      eachBatch: ({ batch }) => {
        watch.arrived(batch.partition)
        return Promise.resolve()
      },
    })
    return watch
  }

  /** The longest time without a committed record, in ms over all partitions, since the last call; what lasts counts. */
  longest(): number {
    const now = Date.now()
    for (const [partition, lastMs] of this.lastMs) this.note(partition, now - lastMs)
    const longest = Math.max(0, ...this.longestMs.values())
    this.longestMs.clear()
    for (const partition of this.lastMs.keys()) this.lastMs.set(partition, now)
    return longest
  }

  stop(): Promise<void> {
    return this.stopConsumer()
  }

  private arrived(partition: number): void {
    const now = Date.now()
    const lastMs = this.lastMs.get(partition)
    if (lastMs !== undefined) this.note(partition, now - lastMs)
    this.lastMs.set(partition, now)
  }

  private note(partition: number, silenceMs: number): void {
    this.longestMs.set(partition, Math.max(this.longestMs.get(partition) ?? 0, silenceMs))
  }
}
