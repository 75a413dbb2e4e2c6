import { pino } from 'pino'
import { afterEach, describe, expect, it } from 'vitest'
import { encodeAssignment } from '../../../src/kafka/consumerProtocol.ts'
import { KafkaError, MemberStoppedError } from '../../../src/kafka/errors.ts'
import { GroupMember } from '../../../src/kafka/groupMember.ts'
import type { GroupMemberOptions } from '../../../src/kafka/groupMember.ts'
import { FakeGroup } from './fakeGroup.ts'

const ILLEGAL_GENERATION = 22
const INVALID_GROUP_ID = 24
const INVALID_SESSION_TIMEOUT = 26
const REBALANCE_IN_PROGRESS = 27
const GROUP_AUTHORIZATION_FAILED = 30

const members: GroupMember[] = []
afterEach(async () => {
  await Promise.all(members.splice(0).map(member => member.stop({ leave: false })))
})

/** Lines of the log as [level, message]. */
type Lines = [number, string][]

function join(group: FakeGroup, options: Partial<GroupMemberOptions> = {}, lines: Lines = []): GroupMember {
  const write = (line: string): void => {
    const { level, msg } = JSON.parse(line) as { level: number; msg: string }
    lines.push([level, msg])
  }
  const member = new GroupMember(group.cluster, {
    groupId: 'g',
    topics: ['in'],
    instanceId: null,
    sessionTimeoutMs: 400,
    rebalanceTimeoutMs: 1_000,
    heartbeatIntervalMs: 20,
    owned: () => [],
    warm: () => [],
    onAssigned: () => undefined,
    onLost: () => undefined,
    onFailed: () => undefined,
    log: pino({ level: 'debug' }, { write }),
    ...options,
  })
  members.push(member)
  member.start()
  return member
}

const within = { timeout: 10_000, interval: 5 }

describe('a member that cannot join', () => {
  it.each([
    ['a right that it lacks', GROUP_AUTHORIZATION_FAILED, 'READ on this group'],
    ['a session timeout that the broker does not take', INVALID_SESSION_TIMEOUT, 'kafka.sessionTimeout'],
    ['a group id that the broker does not take', INVALID_GROUP_ID, 'application.id'],
  ])('names %s at once, and says it in the log', async (_what, code, names) => {
    const group = new FakeGroup()
    group.answers.JoinGroup = [code]
    const lines: Lines = []
    const member = join(group, {}, lines)
    await expect.poll(() => member.lastError?.message, within).toContain(names)
    expect(member.state).toBe('joining')
    expect(member.waitingSinceMs).toBeGreaterThan(0)
    await expect.poll(() => lines, within).toContainEqual([40, 'cannot join the group yet'])
    group.answers.JoinGroup = []
    await expect.poll(() => member.state, within).toBe('stable')
    expect([member.lastError, member.waitingSinceMs]).toEqual([undefined, undefined])
  })

  it('says so where round after round begins anew, and counts them', async () => {
    const group = new FakeGroup()
    group.answers.SyncGroup = [REBALANCE_IN_PROGRESS]
    const lines: Lines = []
    const member = join(group, {}, lines)
    await expect.poll(() => member.lastError?.message, within).toMatch(/has begun anew [6-9] times/)
    await expect.poll(() => lines, within).toContainEqual([40, 'the group begins a new round: joining again'])
    group.answers.SyncGroup = []
    await expect.poll(() => member.state, within).toBe('stable')
    expect(member.lastError).toBeUndefined()
  })

  it('says nothing of a few rounds, which come with every change of the group', async () => {
    const group = new FakeGroup()
    group.answers.SyncGroup = [REBALANCE_IN_PROGRESS, ILLEGAL_GENERATION, REBALANCE_IN_PROGRESS, 0]
    const lines: Lines = []
    const member = join(group, {}, lines)
    await expect.poll(() => member.state, within).toBe('stable')
    expect(lines.filter(([level]) => level >= 40)).toEqual([])
  })
})

describe('a callback that throws', () => {
  it('ends the membership with a line in the log and a call, and leaves the group', async () => {
    const group = new FakeGroup()
    const lines: Lines = []
    const failures: Error[] = []
    const onAssigned = (): void => {
      throw new Error('a defect')
    }
    const member = join(group, { onAssigned, onFailed: error => failures.push(error) }, lines)
    await expect.poll(() => member.state, within).toBe('failed')
    expect(failures.map(error => error.message)).toEqual(['a defect'])
    expect(lines).toContainEqual([50, 'the membership has ended by a defect'])
    await expect(member.confirmed()).rejects.toThrow(MemberStoppedError)
    await member.stop({ leave: true })
    expect([member.state, group.count('LeaveGroup')]).toEqual(['failed', 1])
  })
})

describe('a leader', () => {
  it('assigns by the counts of before the join where no broker answers in a part of the session', async () => {
    const group = new FakeGroup()
    let asked = 0
    // The first look-up is before the join.
    group.topicsTakeMs = () => (++asked === 1 ? 0 : 60_000)
    const startedMs = performance.now()
    const member = join(group, { sessionTimeoutMs: 4_000 })
    await expect.poll(() => member.state, { timeout: 15_000, interval: 5 }).toBe('stable')
    expect(performance.now() - startedMs).toBeGreaterThan(900)
    expect([asked, group.count('JoinGroup'), group.count('SyncGroup')]).toEqual([2, 1, 1])
  })
})

describe('the topics of a member', () => {
  it('must be there when it first joins', async () => {
    const group = new FakeGroup()
    group.topicsAre = () => null
    const member = join(group)
    await expect.poll(() => member.lastError?.message, within).toContain('Metadata')
    expect(group.count('JoinGroup')).toBe(0)
    group.topicsAre = () => 1
    await expect.poll(() => member.state, within).toBe('stable')
  })

  it.each([
    ['one is gone', () => null, 0],
    ['one is being made anew', () => 0, 0],
    ['one may not be looked at any more', () => new KafkaError('Metadata', 29, 'in'), 0],
    ['no broker says anything of them', () => 1, 60_000],
  ])('do not keep it out when it joins again and %s, nor do their partitions move', async (_what, are, takeMs) => {
    const group = new FakeGroup()
    const member = join(group, { sessionTimeoutMs: 4_000 })
    await expect.poll(() => member.state, within).toBe('stable')
    group.topicsAre = are
    group.topicsTakeMs = () => takeMs
    group.synced = Buffer.alloc(0)
    member.requestRebalance()
    await expect.poll(() => [group.generation, member.state], { ...within, timeout: 15_000 }).toEqual([2, 'stable'])
    expect(member.lastError).toBeUndefined()
    expect(group.synced.includes(encodeAssignment([{ topic: 'in', partition: 0 }]))).toBe(true)
  })

  it('that have grown are assigned as they are now when it joins again', async () => {
    const group = new FakeGroup()
    const member = join(group)
    await expect.poll(() => member.state, within).toBe('stable')
    group.topicsAre = () => 2
    member.requestRebalance()
    await expect.poll(() => group.generation, within).toBe(2)
    const both = encodeAssignment([0, 1].map(partition => ({ topic: 'in', partition })))
    await expect.poll(() => group.synced.includes(both), within).toBe(true)
  })
})
