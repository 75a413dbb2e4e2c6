import { Kafka, logLevel } from 'kafkajs'
import type { ITopicConfig } from 'kafkajs'

/** A kafkajs client for what surrounds a test: creating topics, writing its input. */
export function testClient(brokers: string): Kafka {
  return new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING, retry: { retries: 10 } })
}

/** Creates the topics and waits until every partition has a leader (createTopics answers before that on KRaft). */
export async function createTopics(brokers: string, topics: readonly ITopicConfig[]): Promise<void> {
  const admin = testClient(brokers).admin()
  await admin.connect()
  try {
    // kafkajs's own waiting fails where a broker does not know the topic yet.
    await admin.createTopics({ topics: [...topics], waitForLeaders: false })
    for (let attempt = 0; attempt < 200; attempt++) {
      const found = await admin.fetchTopicMetadata({ topics: topics.map(t => t.topic) }).catch(() => null)
      if (found?.topics.every(t => t.partitions.length > 0 && t.partitions.every(p => p.leader >= 0))) return
      await new Promise(resolve => setTimeout(resolve, 50))
    }
    throw new Error('topics without leaders')
  } finally {
    await admin.disconnect()
  }
}
