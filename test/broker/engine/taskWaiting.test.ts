import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { pino } from 'pino'
import { expect, inject, it } from 'vitest'
import { silentObserver } from '../../../src/engine/observer.ts'
import { ENGINE_DEFAULTS } from '../../../src/engine/options.ts'
import { InputNotReadyError } from '../../../src/engine/processor.ts'
import type { EffectOutcome, Processor, TaskContext, Topology } from '../../../src/engine/processor.ts'
import { RoleRunner } from '../../../src/engine/role.ts'
import type { TaskStatus } from '../../../src/engine/status.ts'
import { Cluster } from '../../../src/kafka/cluster.ts'
import type { RecordView } from '../../../src/kafka/recordBatch.ts'
import { createTopics, testClient } from '../../support/topics.ts'

const WITHIN_MS = 30_000
const BLOCKED = 'schema 7 is not known'

/** Its first record starts effect after effect, each of them a commit; its second one waits for a schema that never comes. */
class BlockedProcessor implements Processor<object, null, null> {
  onRecord(record: RecordView, ctx: TaskContext<object, null>): void {
    if (record.offset === 0) return ctx.startEffect(null)
    throw new InputNotReadyError(BLOCKED, () => Promise.reject(new Error('no answer')))
  }

  async perform(_effect: null, signal: AbortSignal): Promise<null> {
    await wait(20, undefined, { signal })
    return null
  }

  onEffect(_effect: null, _outcome: EffectOutcome<null>, ctx: TaskContext<object, null>): void {
    ctx.startEffect(null)
  }
}

const topologyOn = (input: string): Topology<object, null, null> => ({
  role: 'blocked',
  inputs: [input],
  tables: {},
  stateVersion: 1,
  outputs: [],
  startAt: () => 'earliest',
  createProcessor: () => new BlockedProcessor(),
})

it(
  'the reason why the input waits stands, and since when, while commits go on beside it',
  { timeout: 90_000 },
  async () => {
    const brokers = inject('brokers')
    const id = `waiting-${Date.now().toString(36)}`
    await createTopics(brokers, [{ topic: id, numPartitions: 1 }])
    const producer = testClient(brokers).producer()
    await producer.connect()
    await producer.send({ topic: id, messages: [{ value: 'a' }, { value: 'b' }] })
    await producer.disconnect()
    const stateDirectory = await mkdtemp(join(tmpdir(), 'onfile-waiting-'))
    const cluster = await Cluster.connect({ brokers: brokers.split(','), clientId: 'waiting' })
    let commits = 0
    const role = new RoleRunner(topologyOn(id), {
      ...ENGINE_DEFAULTS,
      cluster,
      applicationId: id,
      stateDirectory,
      sessionTimeoutMs: 6_000,
      log: pino({ level: 'silent' }),
      observer: { ...silentObserver, cycle: () => commits++ },
    })
    const waiting = (): TaskStatus['waiting'] => role.status().tasks[0]?.waiting ?? null
    try {
      role.start()
      await expect.poll(() => waiting()?.reason ?? '', { timeout: WITHIN_MS, interval: 20 }).toContain(BLOCKED)
      const first = waiting()
      const from = commits
      const seen = new Set<string>()
      const deadline = Date.now() + WITHIN_MS
      while (commits < from + 10 && Date.now() < deadline) {
        await wait(5)
        const { reason, sinceMs } = waiting() ?? {}
        seen.add(`${reason ?? 'nothing'} since ${sinceMs ?? 'never'}`)
      }
      expect(commits).toBeGreaterThanOrEqual(from + 10)
      expect([...seen]).toEqual([`${first?.reason} since ${first?.sinceMs}`])
    } finally {
      await role.stop({ leave: true, deadlineMs: 5_000 })
      await cluster.close()
      await rm(stateDirectory, { recursive: true, force: true })
    }
  },
)
