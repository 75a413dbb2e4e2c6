import { setTimeout as wait } from 'node:timers/promises'
import type { ChainRun } from './harness.ts'

const REMAKE_TRIES = 50

/** Deletes a topic and creates it anew; Kafka deletes behind its answer. */
export async function remakeTopic(run: ChainRun, topic: string, cleanup: 'compact' | 'delete'): Promise<void> {
  await run.kafka.deleteTopics({ topics: [topic] })
  const configEntries = [{ name: 'cleanup.policy', value: cleanup }]
  const topics = [{ topic, numPartitions: run.partitions, replicationFactor: 1, configEntries }]
  for (let tries = 1; ; tries++) {
    await wait(300)
    try {
      if (await run.kafka.createTopics({ topics })) return
    } catch (error) {
      if (tries === REMAKE_TRIES) throw error
    }
  }
}
