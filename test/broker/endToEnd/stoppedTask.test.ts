import { setTimeout as wait } from 'node:timers/promises'
import type { Admin } from 'kafkajs'
import { afterEach, beforeEach, expect, inject, it } from 'vitest'
import { testCard } from '../../../sandbox/people.ts'
import { partitionForKey } from '../../../src/kafka/partitioner.ts'
import { lifecycleEvent } from '../../support/onfile/lifecycleEvent.ts'
import { OnfileRun } from '../../support/onfile/onfileRun.ts'
import { until } from '../../support/onfile/until.ts'
import { testClient } from '../../support/topics.ts'

const PARTITIONS = 4
const USERS = 24
const CODE = 'INPUT_TRUNCATED'
/** Long enough for a task that was opened again to say it again. */
const LATER_MS = 3_000

interface LogLine {
  readonly level: string
  readonly msg: string
  readonly code?: string
  readonly role?: string
  readonly topic?: string
  readonly partition?: number
}

let run: OnfileRun
let admin: Admin
beforeEach(async () => {
  run = await OnfileRun.create({
    brokers: inject('brokers'),
    registryUrl: inject('registryUrl'),
    partitions: PARTITIONS,
  })
  admin = testClient(inject('brokers')).admin()
  await admin.connect()
})
afterEach(async () => {
  await admin.disconnect()
  await run.close()
})

const partitionOf = (cardRef: string): number => partitionForKey(Buffer.from(cardRef), PARTITIONS)

/** By partition of the issuer's topic. */
async function ends(): Promise<ReadonlyMap<number, number>> {
  const offsets = await admin.fetchTopicOffsets(run.topics.cardLifecycle)
  return new Map(offsets.map(({ partition, high }) => [partition, Number(high)]))
}

async function committed(): Promise<ReadonlyMap<number, number>> {
  const [of] = await admin.fetchOffsets({ groupId: `${run.id}-ingest`, topics: [run.topics.cardLifecycle] })
  return new Map((of?.partitions ?? []).map(({ partition, offset }) => [partition, Number(offset)]))
}

it(
  'a task that stops says so in /readyz, in its metric and in one line of the log, and the others commit',
  { retry: 0, timeout: 240_000 },
  async () => {
    const topic = run.topics.cardLifecycle
    const cards = Array.from({ length: USERS }, (_, index) => run.addUser(`user-${index}`, index, [10]))
    let waves = 0
    const wave = async () => {
      const number = ++waves
      const messages = cards.map((cardRef, index) => {
        run.vault.reissue(cardRef, testCard(index + 1_000 * number))
        const event = { cardRef, type: 'updated', userId: `user-${index}`, uid: `${cardRef}-${number}` }
        return { key: cardRef, value: lifecycleEvent({ ...event, updatedAtMs: Date.now() }) }
      })
      await run.sendLifecycle(...messages)
    }
    const first = run.start()
    await first.ready()
    await wave()
    await run.expectExact(60_000)
    expect(await first.kill('SIGTERM')).toBe(0)

    // Nobody reads, and retention deletes what nobody has read.
    await wave()
    const stopped = partitionOf(cards[0]!)
    const before = (await committed()).get(stopped)
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: stopped, offset: '-1' }] })
    const onfile = run.start()
    const name = `ingest ${topic}-${stopped}`
    await until(run, 'it says so in /readyz', async () => {
      const { reasons } = await onfile.readyz()
      return reasons.some(reason => reason.startsWith(`${name}: failed (${CODE})`))
    })
    const others = [0, 1, 2, 3].filter(partition => partition !== stopped)
    const othersCommit = () =>
      until(run, 'the others commit all they have', async () => {
        const [end, at] = [await ends(), await committed()]
        return others.every(partition => (end.get(partition) ?? 0) > 0 && at.get(partition) === end.get(partition))
      })
    await othersCommit()
    await wave()
    await othersCommit()
    await wait(LATER_MS)

    const ready = await onfile.readyz()
    expect(ready.state).toBe('not_ready')
    expect(ready.reasons).toEqual([expect.stringContaining('the owner of the topic must decide')])
    expect(ready.reasons[0]).toContain(name)
    const labels = `role="ingest",topic="${topic}",partition="${stopped}",state="failed"`
    expect(await onfile.metric('onfile_task_state', labels)).toBe(1)
    expect(await onfile.metric('onfile_task_state', 'state="failed"')).toBe(1)
    expect(
      await onfile.metric(
        'onfile_task_state',
        `role="ingest",topic="${topic}",partition="${others[0]}",state="running"`,
      ),
    ).toBe(1)
    const lines = onfile
      .log()
      .toString('utf8')
      .split('\n')
      .filter(line => line.includes(CODE))
      .map(line => JSON.parse(line) as LogLine)
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatchObject({ level: 'error', code: CODE, role: 'ingest', topic, partition: stopped })
    expect(lines[0]!.msg).toContain('the owner of the topic must decide')
    expect((await committed()).get(stopped)).toBe(before)
    expect(await onfile.kill('SIGTERM')).toBe(0)
  },
)
