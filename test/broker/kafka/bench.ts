import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import { TopicAdmin } from '../../../src/kafka/admin.ts'
import { Cluster } from '../../../src/kafka/cluster.ts'
import { Fetcher } from '../../../src/kafka/fetcher.ts'
import { GroupMember } from '../../../src/kafka/groupMember.ts'
import type { GroupMemberOptions } from '../../../src/kafka/groupMember.ts'
import { listOffset } from '../../../src/kafka/offsets.ts'
import { BatchBuilder, scanRecords } from '../../../src/kafka/recordBatch.ts'
import type { Isolation } from '../../../src/kafka/requests/offsets.ts'
import type { OutputBatch } from '../../../src/kafka/transaction.ts'

export const textEncoder = {
  encode: (value: string, buffer: Buffer, position: number): number => {
    const size = Buffer.byteLength(value)
    if (position + size <= buffer.length) buffer.write(value, position, size, 'utf8')
    return position + size
  },
}

export function batchOf(...values: readonly string[]): BatchBuilder {
  const batch = new BatchBuilder(1024)
  for (const value of values) batch.append(Date.now(), Buffer.from(value), value, textEncoder)
  return batch
}

export function output(topic: string, partition: number, ...values: readonly string[]): OutputBatch {
  return { topic, partition, batch: batchOf(...values) }
}

export function unique(name: string): string {
  return `${name}-${randomUUID().slice(0, 8)}`
}

/** What the tests of this folder share: a cluster, and topics of their own. */
export class Bench implements AsyncDisposable {
  readonly cluster: Cluster
  private readonly clusters: Cluster[]
  private readonly members: GroupMember[] = []

  private constructor(cluster: Cluster) {
    this.cluster = cluster
    this.clusters = [cluster]
  }

  static async open(brokers: string): Promise<Bench> {
    return new Bench(await Cluster.connect({ brokers: brokers.split(','), clientId: 'test' }))
  }

  /** Another client, with connections of its own. */
  async client(brokers: string, requestTimeoutMs = 30_000): Promise<Cluster> {
    const cluster = await Cluster.connect({ brokers: brokers.split(','), clientId: 'test-2', requestTimeoutMs })
    this.clusters.push(cluster)
    return cluster
  }

  async topic(partitions: number, config: Readonly<Record<string, string>> = {}): Promise<string> {
    const admin = await TopicAdmin.connect(this.cluster)
    const name = unique('t')
    await admin.createTopics([{ name, partitions, replicationFactor: 1, config }])
    await admin.close()
    return name
  }

  /**
   * The values of a partition once no transaction is open there: the coordinator answers EndTxn before the partitions
   * have their markers.
   */
  async read(topic: string, partition = 0): Promise<string[]> {
    const end = await listOffset(this.cluster, topic, partition, 'latest')
    while ((await listOffset(this.cluster, topic, partition, 'lastStable')) < end) {
      await new Promise(resolve => setTimeout(resolve, 10))
    }
    return this.readNow(topic, partition)
  }

  /** The values that a reader sees now. */
  async readNow(topic: string, partition = 0, isolation: Isolation = 'read_committed'): Promise<string[]> {
    const bound = isolation === 'read_committed' ? 'lastStable' : 'latest'
    const end = await listOffset(this.cluster, topic, partition, bound)
    const fetcher = new Fetcher(this.cluster, { isolation, maxWaitMs: 20 })
    const values: string[] = []
    let position = 0
    await new Promise<void>((resolve, reject) => {
      if (end === 0) return resolve()
      const subscription = fetcher.subscribe(topic, partition, 0, () => {
        if (subscription.failure) return reject(subscription.failure)
        for (let chunk = subscription.take(); chunk !== undefined; chunk = subscription.take()) {
          position = scanRecords(chunk.bytes, chunk.fromOffset, chunk.aborted, record => {
            values.push(record.value()?.toString() ?? 'null')
            return true
          })
        }
        if (position >= end) resolve()
      })
    })
    await fetcher.close()
    return values
  }

  /** A member of the group that has been assigned something, so that commits pass the group's check. */
  async member(groupId: string, topic: string, options: Partial<GroupMemberOptions> = {}): Promise<GroupMember> {
    const assigned = Promise.withResolvers<unknown>()
    const member = new GroupMember(this.cluster, {
      groupId,
      topics: [topic],
      instanceId: null,
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      heartbeatIntervalMs: 200,
      owned: () => [],
      warm: () => [],
      onAssigned: assigned.resolve,
      onLost: () => undefined,
      onFailed: () => undefined,
      log: pino({ level: 'silent' }),
      ...options,
    })
    this.members.push(member)
    member.start()
    await assigned.promise
    return member
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.members.map(member => member.stop({ leave: true })))
    for (const cluster of this.clusters) await cluster.close()
  }
}
