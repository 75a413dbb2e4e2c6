import { setTimeout as wait } from 'node:timers/promises'
import kafkajs from 'kafkajs'
import type { ChainRun } from './harness.ts'

const TOPIC = kafkajs.ConfigResourceTypes.TOPIC

/** Moves the log start of the changelog, which a broker allows only while deletion is one of its policies. */
export async function truncateChangelog(run: ChainRun, offsets: ReadonlyMap<number, number>): Promise<void> {
  const topic = run.topics.changelog
  const setPolicy = async (policy: string) => {
    const configEntries = [
      { name: 'cleanup.policy', value: policy },
      { name: 'retention.ms', value: '-1' },
    ]
    await run.kafka.alterConfigs({ validateOnly: false, resources: [{ type: TOPIC, name: topic, configEntries }] })
    await wait(500)
  }
  await setPolicy('compact,delete')
  const partitions = [...offsets].map(([partition, offset]) => ({ partition, offset: String(offset) }))
  // A broker refuses until it has heard of the policy.
  for (let tries = 1; ; tries++) {
    try {
      await run.kafka.deleteTopicRecords({ topic, partitions })
      break
    } catch (error) {
      if (tries === 20) throw error
      await wait(500)
    }
  }
  await setPolicy('compact')
}
