import type { Cluster } from './cluster.ts'
import { createKafkajsAdmin, TOPIC_RESOURCE } from './connection.ts'
import type { KafkajsAdmin } from './connection.ts'
import { KafkaError } from './errors.ts'
import { setTopicConfig } from './requests/alterConfigs.ts'
import { pause } from './retry.ts'

export interface NewTopic {
  readonly name: string
  readonly partitions: number
  /** -1: the broker's default. */
  readonly replicationFactor: number
  /** Topic configuration by Kafka's own keys (`cleanup.policy`, `retention.ms`, ...). */
  readonly config: Readonly<Record<string, string>>
}

export interface TopicDescription {
  readonly name: string
  readonly partitions: number
  /** Of the partition with the fewest replicas. */
  readonly replicationFactor: number
  /** What is in force, defaults included; null where this principal may not see it (DESCRIBE_CONFIGS). */
  readonly config: ReadonlyMap<string, string> | null
}

export interface ClusterDescription {
  readonly brokerCount: number
  /** -1 while there is no controller. */
  readonly controllerId: number
}

const UNKNOWN_TOPIC_OR_PARTITION = 3
const TOPIC_AUTHORIZATION_FAILED = 29
const LEADERS_DEADLINE_MS = 30_000

/**
 * Topics: what `onfile topics plan|apply` needs. kafkajs's admin client does the talking, except where its request would
 * replace a topic's whole configuration. Close it when done.
 */
export class TopicAdmin {
  private readonly cluster: Cluster
  private readonly client: KafkajsAdmin

  private constructor(cluster: Cluster, client: KafkajsAdmin) {
    this.cluster = cluster
    this.client = client
  }

  static async connect(cluster: Cluster): Promise<TopicAdmin> {
    const { brokers, connection } = cluster.settings
    const client = createKafkajsAdmin(brokers, connection)
    await client.connect()
    return new TopicAdmin(cluster, client)
  }

  close(): Promise<void> {
    return this.client.disconnect()
  }

  async describeCluster(): Promise<ClusterDescription> {
    const { nodes, controllerId } = await this.cluster.describe([])
    return { brokerCount: nodes.length, controllerId }
  }

  /** Null for a topic that does not exist, `hidden` for one that this principal may not see. Throws KafkaError. */
  async describeTopics(names: readonly string[]): Promise<Map<string, TopicDescription | 'hidden' | null>> {
    const described = new Map<string, TopicDescription | 'hidden' | null>(names.map(name => [name, null]))
    for (const { errorCode, topic, partitions } of (await this.cluster.describe(names)).topics) {
      if (errorCode === UNKNOWN_TOPIC_OR_PARTITION) continue
      if (errorCode === TOPIC_AUTHORIZATION_FAILED) {
        described.set(topic, 'hidden')
        continue
      }
      if (errorCode !== 0) throw new KafkaError('Metadata', errorCode, topic)
      described.set(topic, {
        name: topic,
        partitions: partitions.length,
        replicationFactor: Math.min(...partitions.map(({ replicas }) => replicas.length)),
        config: await this.configOf(topic),
      })
    }
    return described
  }

  /** Waits until each partition has a leader. Throws KafkaError, TOPIC_ALREADY_EXISTS among them. */
  async createTopics(topics: readonly NewTopic[]): Promise<void> {
    for (const { name, partitions, replicationFactor, config } of topics) {
      const configEntries = Object.entries(config).map(([key, value]) => ({ name: key, value }))
      const topic = { topic: name, numPartitions: partitions, replicationFactor, configEntries }
      const created = await this.translate('CreateTopics', name, () =>
        this.client.createTopics({ topics: [topic], waitForLeaders: false }),
      )
      if (!created) throw new KafkaError('CreateTopics', 36, name)
    }
    await this.waitForLeaders(topics)
  }

  /** Raises a topic to `partitions`. Records of a key may change their partition by that. Throws KafkaError. */
  async createPartitions(topic: string, partitions: number): Promise<void> {
    await this.translate('CreatePartitions', topic, () =>
      this.client.createPartitions({ topicPartitions: [{ topic, count: partitions }] }),
    )
    const sized: NewTopic = { name: topic, partitions, replicationFactor: -1, config: {} }
    await this.waitForLeaders([sized])
  }

  /** Sets these keys and leaves the others as they are. Throws KafkaError. */
  async setConfig(topic: string, config: Readonly<Record<string, string>>): Promise<void> {
    const request = setTopicConfig(topic, config)
    const { errorCode, errorMessage } = await this.cluster.callAny(request)
    if (errorCode !== 0) throw new KafkaError(request.api.name, errorCode, topic, errorMessage)
  }

  /** Throws KafkaError. */
  async deleteTopics(topics: readonly string[]): Promise<void> {
    await this.translate('DeleteTopics', topics.join(', '), () => this.client.deleteTopics({ topics: [...topics] }))
  }

  private async configOf(topic: string): Promise<Map<string, string> | null> {
    const answer = await this.translate('DescribeConfigs', topic, () =>
      this.client.describeConfigs({ includeSynonyms: false, resources: [{ type: TOPIC_RESOURCE, name: topic }] }),
    ).catch((error: unknown) => {
      if (error instanceof KafkaError && error.errorCode === TOPIC_AUTHORIZATION_FAILED) return null
      throw error
    })
    if (answer === null) return null
    const { resources } = answer
    const entries = resources.flatMap(({ configEntries }) => configEntries)
    return new Map(entries.map(({ configName, configValue }) => [configName, configValue]))
  }

  private async waitForLeaders(topics: readonly NewTopic[]): Promise<void> {
    const names = topics.map(({ name }) => name)
    const startedMs = performance.now()
    for (;;) {
      const seen = (await this.cluster.describe(names)).topics
      const missing = topics.find(({ name, partitions }) => {
        const described = seen.find(({ topic }) => topic === name)
        return described?.partitions.filter(({ leader }) => leader >= 0).length !== partitions
      })
      if (missing === undefined) return
      if (performance.now() - startedMs > LEADERS_DEADLINE_MS) throw new KafkaError('Metadata', 5, missing.name)
      await pause(50)
    }
  }

  /** kafkajs's errors carry the broker's code, alone or in an aggregate. */
  private async translate<T>(api: string, subject: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      const code = brokerCode(error)
      if (code === null) throw error
      throw new KafkaError(api, code, subject, error instanceof Error ? error.message : null)
    }
  }
}

function brokerCode(error: unknown): number | null {
  if (typeof error !== 'object' || error === null) return null
  if ('code' in error && typeof error.code === 'number') return error.code
  if ('errors' in error && Array.isArray(error.errors)) return brokerCode(error.errors[0])
  if ('cause' in error) return brokerCode(error.cause)
  return null
}
