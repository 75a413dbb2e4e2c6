import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { TopicAdmin } from '../../../src/kafka/admin.ts'
import type { Cluster } from '../../../src/kafka/cluster.ts'
import { MemberStoppedError } from '../../../src/kafka/errors.ts'
import { GroupMember } from '../../../src/kafka/groupMember.ts'
import type { GroupMemberOptions, TopicPartition } from '../../../src/kafka/groupMember.ts'
import { KafkaProxy } from '../../support/kafkaProxy.ts'
import { Bench, unique } from './bench.ts'

const brokers = inject('brokers')
let bench: Bench
let proxy: KafkaProxy | undefined
let groupId: string
const roles: Role[] = []

const idOf = ({ topic, partition }: TopicPartition) => `${topic}/${partition}`

/**
 * What the engine does with a membership: holds tasks, closes those that it loses (which takes a while) and then asks
 * for a new assignment. `holders` sees every task of every role of the test.
 */
class Role {
  readonly held = new Map<string, TopicPartition>()
  readonly lost: string[] = []
  readonly member: GroupMember
  assignments = 0
  private readonly holders: Map<string, Role>

  constructor(
    cluster: Cluster,
    topics: readonly string[],
    holders: Map<string, Role>,
    options: Partial<GroupMemberOptions>,
  ) {
    this.holders = holders
    this.member = new GroupMember(cluster, {
      groupId,
      topics,
      instanceId: null,
      sessionTimeoutMs: 6_000,
      rebalanceTimeoutMs: 20_000,
      heartbeatIntervalMs: 100,
      owned: () => [...this.held.values()],
      warm: () => [],
      onAssigned: assignment => this.assigned(assignment),
      onLost: reason => this.lost.push(reason),
      onFailed: () => undefined,
      log: pino({ level: 'silent' }),
      ...options,
    })
    roles.push(this)
    this.member.start()
  }

  get partitions(): string[] {
    return [...this.held.keys()].toSorted()
  }

  private assigned(assignment: readonly TopicPartition[]): void {
    this.assignments++
    const desired = new Map(assignment.map(tp => [idOf(tp), tp]))
    const leaving = [...this.held.keys()].filter(id => !desired.has(id))
    if (leaving.length > 0) {
      setTimeout(() => {
        for (const id of leaving) {
          this.held.delete(id)
          this.holders.delete(id)
        }
        this.member.requestRebalance()
      }, 150)
    }
    for (const [id, tp] of desired) {
      const other = this.holders.get(id)
      if (other !== undefined && other !== this) throw new Error(`${id} is still held by another member`)
      this.holders.set(id, this)
      this.held.set(id, tp)
    }
  }
}

let holders: Map<string, Role>
beforeEach(async () => {
  bench = await Bench.open(brokers)
  groupId = unique('g')
  holders = new Map()
})
afterEach(async () => {
  await Promise.all(roles.splice(0).map(({ member }) => member.stop({ leave: true })))
  await bench[Symbol.asyncDispose]()
  await proxy?.stop()
  proxy = undefined
})

async function join(
  topics: readonly string[],
  options: Partial<GroupMemberOptions> = {},
  via = brokers,
): Promise<Role> {
  return new Role(await bench.client(via, 5_000), topics, holders, options)
}

const settled = (role: Role, count: number) =>
  expect.poll(() => role.partitions.length, { timeout: 15_000 }).toBe(count)

describe('a group', () => {
  it('gives all to its one member, and its share to each that comes, never one partition to two', async () => {
    const topics = [await bench.topic(4), await bench.topic(3)]
    const first = await join(topics)
    await settled(first, 7)
    const second = await join(topics)
    await Promise.all([settled(first, 4), settled(second, 3)])
    const third = await join(topics)
    await expect
      .poll(() => [first, second, third].map(role => role.partitions.length).toSorted(), { timeout: 15_000 })
      .toEqual([2, 2, 3])
    const all = [first, second, third].flatMap(role => role.partitions)
    expect(all.toSorted()).toEqual(
      [0, 1, 2, 3]
        .map(p => `${topics[0]!}/${p}`)
        .concat([0, 1, 2].map(p => `${topics[1]!}/${p}`))
        .toSorted(),
    )
    // The shares are final before the last round of them is: a member that gave up a partition joins once more.
    for (const { member } of [first, second, third]) {
      await expect.poll(() => member.state, { timeout: 15_000 }).toBe('stable')
      expect(member.failure).toBeUndefined()
    }
  })

  it('moves a partition at once when its member leaves', async () => {
    const topics = [await bench.topic(4)]
    const [first, second] = [await join(topics), await join(topics)]
    await Promise.all([settled(first, 2), settled(second, 2)])
    const kept = first.partitions
    for (const id of second.partitions) holders.delete(id)
    await second.member.stop({ leave: true })
    await settled(first, 4)
    expect(first.partitions).toEqual(expect.arrayContaining(kept))
    expect(second.member.state).toBe('stopped')
  })

  it('moves nothing when a static member restarts, and the others see no rebalance', async () => {
    const topics = [await bench.topic(4)]
    const first = await join(topics, { instanceId: 'pod-0' })
    const second = await join(topics, { instanceId: 'pod-1' })
    await Promise.all([settled(first, 2), settled(second, 2)])
    await expect.poll(() => first.member.state).toBe('stable')
    const generation = first.member.membership.generation
    const before = { assignments: first.assignments, partitions: second.partitions }
    for (const id of second.partitions) holders.delete(id)
    await second.member.stop({ leave: false })
    const back = await join(topics, { instanceId: 'pod-1' })
    await settled(back, 2)
    expect(back.partitions).toEqual(before.partitions)
    await back.member.confirmed()
    expect(back.member.membership.generation).toBe(generation)
    await first.member.confirmed()
    expect([first.member.membership.generation, first.assignments]).toEqual([generation, before.assignments])
  })

  it('also when the static member was its leader, which leads again at the next change', async () => {
    const topic = await bench.topic(2)
    const first = await join([topic], { instanceId: 'pod-0' })
    await settled(first, 2)
    holders.clear()
    await first.member.stop({ leave: false })
    const back = await join([topic], { instanceId: 'pod-0' })
    await settled(back, 2)
    const admin = await TopicAdmin.connect(bench.cluster)
    await admin.createPartitions(topic, 3)
    await admin.close()
    back.member.requestRebalance()
    await settled(back, 3)
  })

  it('ends the older of two processes with one instance id, and says so', async () => {
    const topics = [await bench.topic(2)]
    const older = await join(topics, { instanceId: 'pod-0' })
    await settled(older, 2)
    holders.clear()
    const newer = await join(topics, { instanceId: 'pod-0' })
    await settled(newer, 2)
    await expect.poll(() => older.member.state).toBe('failed')
    expect([older.lost, older.member.failure?.message]).toEqual([
      ['fenced-instance'],
      `Heartbeat for ${groupId} was answered FENCED_INSTANCE_ID: another process uses this instance id; the operator must ` +
        'give each instance its own kafka.groupInstanceId',
    ])
    await expect(older.member.confirmed()).rejects.toThrow(MemberStoppedError)
  })

  it('assigns the partitions by which a topic has grown, whoever asks', async () => {
    const topic = await bench.topic(2)
    const [first, second] = [await join([topic]), await join([topic])]
    await Promise.all([settled(first, 1), settled(second, 1)])
    const admin = await TopicAdmin.connect(bench.cluster)
    await admin.createPartitions(topic, 4)
    await admin.close()
    second.member.requestRebalance()
    await Promise.all([settled(first, 2), settled(second, 2)])
  })

  it('waits for topics that do not exist, with a visible reason', async () => {
    const topic = unique('later')
    const role = await join([topic])
    await expect
      .poll(() => role.member.lastError?.message)
      .toContain(`Metadata for ${topic} was answered UNKNOWN_TOPIC`)
    expect(role.member.state).toBe('joining')
    const admin = await TopicAdmin.connect(bench.cluster)
    await admin.createTopics([{ name: topic, partitions: 2, replicationFactor: 1, config: {} }])
    await admin.close()
    await settled(role, 2)
    expect(role.member.lastError).toBeUndefined()
  })

  it('gives a member that was cut off to others after its session, and takes it back as a new one', async () => {
    proxy = await KafkaProxy.start(brokers)
    const topics = [await bench.topic(2)]
    const cutOff = await join(topics, {}, proxy.brokers)
    const other = await join(topics)
    await Promise.all([settled(cutOff, 1), settled(other, 1)])
    const id = cutOff.member.membership.memberId
    proxy.partition()
    for (const held of cutOff.partitions) holders.delete(held)
    await settled(other, 2)
    expect(cutOff.member.heartbeatAgeMs()).toBeGreaterThan(4_000)
    holders.clear()
    cutOff.held.clear()
    for (const held of other.partitions) holders.set(held, other)
    proxy.heal()
    await Promise.all([settled(cutOff, 1), settled(other, 1)])
    expect(cutOff.lost).toEqual(['unknown-member'])
    expect(cutOff.member.membership.memberId).not.toBe(id)
  })
})

describe('a confirmation', () => {
  it('comes at once, not with the next heartbeat in its turn, and makes the age young', async () => {
    const role = await join([await bench.topic(1)], { heartbeatIntervalMs: 5_000 })
    await settled(role, 1)
    await new Promise(resolve => setTimeout(resolve, 500))
    expect(role.member.heartbeatAgeMs()).toBeGreaterThan(400)
    const startedMs = performance.now()
    await Promise.all([role.member.confirmed(), role.member.confirmed(AbortSignal.timeout(4_000))])
    expect(performance.now() - startedMs).toBeLessThan(2_000)
    expect(role.member.heartbeatAgeMs()).toBeLessThan(2_000)
  })

  it('does not come while the broker is not there, and comes when it is again', async () => {
    proxy = await KafkaProxy.start(brokers)
    const role = await join([await bench.topic(1)], {}, proxy.brokers)
    await settled(role, 1)
    proxy.partition()
    await expect(role.member.confirmed(AbortSignal.timeout(700))).rejects.toThrow('timeout')
    await expect.poll(() => role.member.lastError?.message).toContain('Kafka broker')
    proxy.heal()
    await role.member.confirmed()
    await expect.poll(() => role.member.lastError).toBeUndefined()
    expect(role.lost).toEqual([])
  })

  it('never comes after the end', async () => {
    const role = await join([await bench.topic(1)])
    await settled(role, 1)
    const waiting = role.member.confirmed().catch((error: unknown) => error)
    await role.member.stop({ leave: true })
    const ended = await waiting
    expect(ended === undefined || ended instanceof MemberStoppedError).toBe(true)
    await expect(role.member.confirmed()).rejects.toThrow(MemberStoppedError)
  })
})

it('a stop is quick while a join waits for the other members', async () => {
  const topics = [await bench.topic(2)]
  const first = await join(topics)
  await settled(first, 2)
  // The first member does not hear of the rebalance for a while.
  await first.member.stop({ leave: false })
  const second = await join(topics)
  await new Promise(resolve => setTimeout(resolve, 500))
  const startedMs = performance.now()
  await second.member.stop({ leave: true })
  expect(performance.now() - startedMs).toBeLessThan(2_000)
})
