import type { Config } from '../config/config.ts'
import type { AccessRight } from '../config/accessRights.ts'
import type { FoundTopic, FoundTopics, TopicCreation } from '../config/topicPlan.ts'
import { TopicAdmin as KafkaTopicAdmin } from '../kafka/admin.ts'
import { Cluster } from '../kafka/cluster.ts'
import { KafkaError } from '../kafka/errors.ts'
import { groupOperations, knowsTransactionalId, topicOperations } from '../kafka/grantedRights.ts'
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

  async describe(names: readonly string[]): Promise<FoundTopics> {
    const found = new Map<string, FoundTopic | 'hidden'>()
    for (const [name, topic] of await this.admin.describeTopics(names)) {
      if (topic === null) continue
      if (topic === 'hidden') {
        found.set(name, topic)
        continue
      }
      const { partitions, replicationFactor, config } = topic
      found.set(name, { name, partitions, replicationFactor, settings: config })
    }
    return found
  }

  async missingRights(rights: readonly AccessRight[]): Promise<AccessRight[]> {
    const { cluster } = this
    const topics = rights.flatMap(({ resource, name }) => (resource === 'topic' ? [name] : []))
    const onTopics = await topicOperations(cluster, topics)
    const missing = await Promise.all(
      rights.map(async (right): Promise<AccessRight[]> => {
        const { resource, name, operations } = right
        if (resource === 'transactional id') return (await knowsTransactionalId(cluster, name)) ? [] : [right]
        const granted = resource === 'topic' ? onTopics.get(name) : await groupOperations(cluster, name)
        const lacking = operations.filter(operation => granted?.has(operation) === false)
        return lacking.length === 0 ? [] : [{ ...right, operations: lacking }]
      }),
    )
    return missing.flat()
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
