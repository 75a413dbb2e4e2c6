import { pino } from 'pino'
import { afterEach, expect, inject, it } from 'vitest'
import { leaveKafkaGroups } from '../../../src/cli/leave/kafkaLeave.ts'
import { Cluster } from '../../../src/kafka/cluster.ts'
import { GroupMember } from '../../../src/kafka/groupMember.ts'
import { createTopics } from '../../support/topics.ts'
import { onfile } from '../../unit/cli/commandLine.ts'

/** So long the partitions of a static member wait for it. */
const SESSION_MS = 120_000
const PARTITIONS = 4

const ending: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of ending.splice(0)) await end()
})

it('a static member that does not come back hands over at once when it is told to leave', { retry: 0 }, async () => {
  const id = `leave-${Date.now().toString(36)}`
  const topic = `${id}-in`
  await createTopics(inject('brokers'), [{ topic, numPartitions: PARTITIONS }])
  const cluster = await Cluster.connect({ brokers: inject('brokers').split(','), clientId: id })
  ending.push(() => cluster.close())
  const held = new Map<string, number>()
  const join = (instanceId: string) => {
    const member = new GroupMember(cluster, {
      groupId: `${id}-decide`,
      topics: [topic],
      instanceId,
      sessionTimeoutMs: SESSION_MS,
      rebalanceTimeoutMs: 20_000,
      heartbeatIntervalMs: 200,
      owned: () => [],
      warm: () => [],
      onAssigned: assignment => held.set(instanceId, assignment.length),
      onLost: () => undefined,
      onFailed: () => undefined,
      log: pino({ level: 'silent' }),
    })
    member.start()
    return member
  }
  const [stays, goes] = [join('pod-0'), join('pod-1')]
  ending.push(() => stays.stop({ leave: true }))
  await expect.poll(() => [held.get('pod-0'), held.get('pod-1')], { timeout: 60_000 }).toEqual([2, 2])
  await goes.stop({ leave: false })

  const leave = (instance: string) =>
    onfile(
      ['leave', '--instance', instance, '--roles', 'decide,ingest'],
      { ONFILE_KAFKA_BROKERS: inject('brokers'), ONFILE_APPLICATION_ID: id },
      { leaveGroups: leaveKafkaGroups, oneShotDeadlineMs: 30_000 },
    )
  const startedMs = performance.now()
  const told = await leave('pod-1')
  expect(told.code, told.err).toBe(0)
  expect(told.out).toContain(`✓ ${id}-decide: pod-1 has left`)
  expect(told.out).toContain(`${id}-ingest: pod-1 is no member`)
  await expect.poll(() => held.get('pod-0'), { timeout: SESSION_MS / 2 }).toBe(PARTITIONS)
  expect(performance.now() - startedMs).toBeLessThan(SESSION_MS / 2)

  const again = await leave('pod-1')
  expect([again.code, again.err]).toEqual([1, expect.stringContaining('pod-1 is in none of these groups')])
})
