import type { Config } from '../config/config.ts'
import type { FoundTopic, TopicCreation } from '../config/topicPlan.ts'
import { TopicAdmin as KafkaTopicAdmin } from '../kafka/admin.ts'
import { Cluster } from '../kafka/cluster.ts'
import { KafkaError } from '../kafka/errors.ts'
import { kafkaOptionsOf } from './kafkaOptions.ts'
import type { TopicAdmin } from './topics.ts'

const TOPIC_ALREADY_EXISTS = 36
/** A one-shot command asks one broker at a time: a dead one must leave time for the others. */
const REQUEST_TIMEOUT_MS = 10_000
const CONNECTION_TIMEOUT_MS = 5_000

/** The topics of a real cluster, for the topic commands and `onfile check`. */
export async function connectClusterTopics(config: Config, signal: AbortSignal): Promise<TopicAdmin> {
  const cluster = await Cluster.connect({
    ...kafkaOptionsOf(config),
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
    connectionTimeoutMs: CONNECTION_TIMEOUT_MS,
  })
  try {
    signal.throwIfAborted()
    return new ClusterTopics(cluster, await KafkaTopicAdmin.connect(cluster))
  } catch (error) {
    await cluster.close()
    throw error
  }
}

class ClusterTopics implements TopicAdmin {
  private readonly cluster: Cluster
  private readonly admin: KafkaTopicAdmin

  constructor(cluster: Cluster, admin: KafkaTopicAdmin) {
    this.cluster = cluster
    this.admin = admin
  }

  async describe(names: readonly string[]): Promise<ReadonlyMap<string, FoundTopic>> {
    const found = new Map<string, FoundTopic>()
    for (const [name, topic] of await this.admin.describeTopics(names)) {
      if (topic === null) continue
      const { partitions, replicationFactor, config } = topic
      found.set(name, { name, partitions, replicationFactor, settings: config })
    }
    return found
  }

  async create(topics: readonly TopicCreation[]): Promise<void> {
    for (const { name, partitions, replicationFactor, settings } of topics) {
      const config = Object.fromEntries(settings.map(setting => [setting.name, setting.value]))
      try {
        await this.admin.createTopics([{ name, partitions, replicationFactor, config }])
      } catch (error) {
        // Created by somebody else since the look: the plan that follows judges it.
        if (!(error instanceof KafkaError) || error.errorCode !== TOPIC_ALREADY_EXISTS) throw error
      }
    }
  }

  async close(): Promise<void> {
    await this.admin.close()
    await this.cluster.close()
  }
}
