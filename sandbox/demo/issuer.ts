import { Kafka, Partitioners, logLevel } from 'kafkajs'
import type { Admin, Producer } from 'kafkajs'
import { SchemaRegistry } from '../../src/avro/registry.ts'
import { valueSubject } from '../../src/avro/subjects.ts'
import type { Position } from './evidence.ts'
import { ISSUER_SCHEMA } from './lifecycleRecord.ts'

/** What a producer sends. */
export interface OutgoingRecord {
  readonly key: string | null
  readonly value: Buffer | null
  readonly headers?: Readonly<Record<string, string>>
}

const PARTITIONS = 3

/** The issuer's side of the bus: makes its topics, registers its schema, writes events. */
export class Issuer {
  /** Id of `ISSUER_SCHEMA` in the registry. */
  readonly schemaId: number
  readonly #admin: Admin
  readonly #producer: Producer

  private constructor(schemaId: number, admin: Admin, producer: Producer) {
    this.schemaId = schemaId
    this.#admin = admin
    this.#producer = producer
  }

  /** @param topics the issuer's topics; the first one carries Avro */
  static async open(
    brokers: string,
    registryUrl: string,
    topics: readonly [lifecycle: string, ...others: string[]],
  ): Promise<Issuer> {
    const kafka = new Kafka({ clientId: 'issuer', brokers: brokers.split(','), logLevel: logLevel.NOTHING })
    const admin = kafka.admin()
    const producer = kafka.producer({
      allowAutoTopicCreation: false,
      createPartitioner: Partitioners.DefaultPartitioner,
    })
    const registry = new SchemaRegistry({ url: registryUrl })
    try {
      await Promise.all([admin.connect(), producer.connect()])
      await admin.createTopics({ topics: topics.map(topic => ({ topic, numPartitions: PARTITIONS })) })
      const schemaId = await registry.register(valueSubject(topics[0]), JSON.stringify(ISSUER_SCHEMA))
      return new Issuer(schemaId, admin, producer)
    } catch (error) {
      await Promise.all([admin.disconnect(), producer.disconnect()])
      throw error
    } finally {
      await registry.close()
    }
  }

  /** Resolves when all in-sync replicas have it, with where it stands. */
  async write(topic: string, { key, value, headers = {} }: OutgoingRecord): Promise<Position> {
    const [written] = await this.#producer.send({
      topic,
      acks: -1,
      messages: [{ key, value, headers: { ...headers } }],
    })
    if (written?.baseOffset === undefined) throw new TypeError(`Kafka did not say where the record of ${topic} stands.`)
    return { topic, partition: written.partition, offset: Number(written.baseOffset) }
  }

  /** All topics of the cluster, Kafka's own included. */
  async topics(): Promise<string[]> {
    return this.#admin.listTopics()
  }

  /** Removes those of `topics` that exist. */
  async removeTopics(topics: readonly string[]): Promise<void> {
    const existing = await this.#admin.listTopics()
    await this.#admin.deleteTopics({ topics: topics.filter(topic => existing.includes(topic)) })
  }

  /** Removes those of `groups` that exist. Rejects where members were killed, whose session lives on for a while. */
  async removeGroups(groups: readonly string[]): Promise<void> {
    const existing = (await this.#admin.listGroups()).groups.map(({ groupId }) => groupId)
    const left = groups.filter(group => existing.includes(group))
    await this.#admin.deleteGroups(left).catch((error: unknown) => {
      throw new Error(`The consumer groups ${left.join(', ')} are still on the cluster: somebody must remove them.`, {
        cause: error,
      })
    })
  }

  async close(): Promise<void> {
    await Promise.all([this.#admin.disconnect(), this.#producer.disconnect()])
  }
}
