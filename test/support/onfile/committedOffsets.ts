import { setTimeout as wait } from 'node:timers/promises'
import { testClient } from '../topics.ts'

/** When the offset that a group has committed was first seen at a number, per partition of one topic, in the order of time. */
export class CommittedOffsets {
  private readonly seen = new Map<number, { offset: number; atMs: number }[]>()
  private readonly stopping = new AbortController()
  private watching: Promise<void> = Promise.resolve()

  /** Asks every `everyMs` from now on. */
  static async watch(brokers: string, groupId: string, topic: string, everyMs: number): Promise<CommittedOffsets> {
    const admin = testClient(brokers).admin()
    await admin.connect()
    const offsets = new CommittedOffsets()
    const ask = async (): Promise<void> => {
      while (!offsets.stopping.signal.aborted) {
        const answers = await admin.fetchOffsets({ groupId, topics: [topic] }).catch(() => [])
        for (const { partition, offset } of answers[0]?.partitions ?? []) offsets.see(partition, Number(offset))
        await wait(everyMs)
      }
      await admin.disconnect()
    }
    offsets.watching = ask()
    return offsets
  }

  /** The moment at which the group was known to be past `offset`; undefined if it never was. */
  passedAtMs(partition: number, offset: number): number | undefined {
    return this.seen.get(partition)?.find(entry => entry.offset > offset)?.atMs
  }

  async stop(): Promise<void> {
    this.stopping.abort()
    await this.watching
  }

  private see(partition: number, offset: number): void {
    const entries = this.seen.get(partition) ?? []
    this.seen.set(partition, entries)
    if (entries.at(-1)?.offset !== offset) entries.push({ offset, atMs: Date.now() })
  }
}
