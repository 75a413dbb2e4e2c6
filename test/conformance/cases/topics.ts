import { setTimeout as wait } from 'node:timers/promises'
import type { ChainRun, Worker } from '../../support/chain/harness.ts'
import { testClient } from '../../support/topics.ts'
import type { ConformanceCase } from '../case.ts'
import { withChain } from './chain.ts'

/** Everything but partition 0, which the fault has hit. */
export const others = (run: ChainRun): ReadonlySet<number> => {
  return new Set(Array.from({ length: run.partitions - 1 }, (_, index) => index + 1))
}

export const failedWith = (worker: Worker, code: string): number[] =>
  worker.tasks.filter(task => task.error?.code === code).map(task => task.partition)

/** Moves the group's offsets to where they are: by hand, so that they carry no mark of the engine. */
export async function keepOffsets(run: ChainRun): Promise<void> {
  const [committed] = await run.kafka.fetchOffsets({ groupId: run.groupId, topics: [run.topics.input] })
  const partitions = (committed?.partitions ?? []).map(({ partition, offset }) => ({ partition, offset }))
  await run.kafka.setOffsets({ groupId: run.groupId, topic: run.topics.input, partitions })
}

const inputTruncated: ConformanceCase = {
  row: 'offset',
  name: 'the log start has moved past the committed offset: INPUT_TRUNCATED, and the other tasks go on',
  run: (site, faults) =>
    withChain(site, async run => {
      const first = run.start()
      await run.write(8)
      await run.expectExact()
      await first.stop()
      const before = await run.ends(run.topics.output)
      await run.write(8)
      const end = (await run.ends(run.topics.input)).get(0) ?? 0
      const partitions = [{ partition: 0, offset: String(end - 1) }]
      await run.kafka.deleteTopicRecords({ topic: run.topics.input, partitions })
      faults.add('input records deleted')
      const worker = run.start()
      await run.until(30_000, 'partition 0 stops', () => failedWith(worker, 'INPUT_TRUNCATED').includes(0))
      await run.untilRunning(30_000, run.partitions - 1)
      await run.write(4)
      await run.expectExact(30_000, others(run))
      await expectOneLine(worker, 'INPUT_TRUNCATED')
      await run.stopAll()
      await expectUntouched(run, before, [0])
    }),
}

/** Throws where the output of one of these partitions has another end than in `before`; ask while nobody works. */
export async function expectUntouched(
  run: ChainRun,
  before: ReadonlyMap<number, number>,
  partitions: Iterable<number>,
): Promise<void> {
  const after = await run.ends(run.topics.output)
  for (const partition of partitions) {
    if (after.get(partition) !== before.get(partition)) {
      throw new Error(
        `something was written to partition ${partition}: its output ended at ${before.get(partition)}, now at ${after.get(partition)}`,
      )
    }
  }
}

/** The cause stands in the log once, however long the task waits for its operator. */
export async function expectOneLine(worker: Worker, code: string): Promise<void> {
  await wait(1_000)
  const lines = worker.log.split('\n').filter(line => line.includes(`"code":"${code}"`))
  if (lines.length !== 1) throw new Error(`${code} stands in ${lines.length} log lines: ${worker.log}`)
}

const offsetMissing: ConformanceCase = {
  row: 'offset',
  name: 'the committed offset was deleted beside a changelog: OFFSET_MISSING, and its restoration mends it',
  run: (site, faults) =>
    withChain(site, async run => {
      const first = run.start()
      await run.write(8)
      await run.expectExact()
      await first.stop()
      const [committed] = await run.kafka.fetchOffsets({ groupId: run.groupId, topics: [run.topics.input] })
      await run.kafka.deleteGroups([run.groupId])
      faults.add('committed offsets deleted', run.partitions)
      await run.write(8)
      const before = await run.ends(run.topics.output)
      const cold = run.start({ stateDirectory: run.otherDirectory('cold') })
      await run.until(30_000, 'all stop', () => failedWith(cold, 'OFFSET_MISSING').length === run.partitions)
      await cold.stop()
      const warm = run.start()
      await run.until(30_000, 'all stop', () => failedWith(warm, 'OFFSET_MISSING').length === run.partitions)
      await warm.stop()
      await expectUntouched(run, before, before.keys())
      const partitions = committed?.partitions.map(({ partition, offset }) => ({ partition, offset })) ?? []
      await run.kafka.setOffsets({ groupId: run.groupId, topic: run.topics.input, partitions })
      run.start()
      await run.expectExact()
      await run.stopAll()
    }),
}

const foreignTransaction: ConformanceCase = {
  row: 'restore',
  name: 'an open foreign transaction in the changelog: RESTORE_STUCK with its reason, the others run, and its end mends it',
  timeoutMs: 120_000,
  run: (site, faults) =>
    withChain(site, async run => {
      const first = run.start()
      await run.write(10, 20)
      await run.expectExact()
      await first.stop()
      const transactionalId = `${run.id}-foreign`
      const foreign = testClient(site.brokers).producer({ transactionalId, maxInFlightRequests: 1, idempotent: true })
      await foreign.connect()
      const open = await foreign.transaction()
      try {
        await open.send({ topic: run.topics.changelog, messages: [{ partition: 0, key: 'chains/x', value: '{}' }] })
        faults.add('open foreign transaction')
        const cold = run.start({ stateDirectory: run.otherDirectory('cold'), restoreNoProgressMs: 2_000 })
        await run.until(30_000, 'the restore is stuck', () => cold.log.includes('RESTORE_STUCK'))
        await run.untilRunning(30_000, run.partitions - 1)
      } finally {
        await open.abort()
        await foreign.disconnect()
      }
      await run.untilRunning(40_000)
      await run.write(5)
      await run.expectExact()
      await run.stopAll()
    }),
}

const foreignInputTransaction: ConformanceCase = {
  row: 'timers',
  name: 'an open foreign transaction in the input: the reason is visible, the others go on, and its end mends it',
  // What it waits for is the same with both.
  protocols: ['v2'],
  timeoutMs: 180_000,
  run: (site, faults) =>
    withChain(site, async run => {
      const worker = run.start()
      await run.write(7)
      await run.expectExact()
      const of = () => worker.tasks.find(task => task.partition === 0)
      const transactionalId = `${run.id}-foreign`
      const client = testClient(site.brokers)
      const foreign = client.producer({
        transactionalId,
        transactionTimeout: 170_000,
        maxInFlightRequests: 1,
        idempotent: true,
      })
      await foreign.connect()
      const open = await foreign.transaction()
      try {
        await open.send({ topic: run.topics.input, messages: [{ partition: 0, key: 'foreign', value: 'foreign#1' }] })
        faults.add('open foreign transaction in the input')
        await run.write(7)
        await run.expectExact(30_000, others(run))
        await run.until(30_000, 'what it hides is counted', () => (of()?.blockedRecords ?? 0) > 7)
        await run.until(90_000, 'the reason is visible', () => {
          return of()?.waiting?.reason.includes('open transaction of another producer') ?? false
        })
        const task = of()
        if (task?.state !== 'running' || task.lagRecords !== 0) throw new Error(`not as it was: ${worker.describe()}`)
      } finally {
        await open.abort()
        await foreign.disconnect()
      }
      await run.until(30_000, 'the reason is gone', () => of()?.waiting === null && of()?.blockedRecords === 0)
      await run.untilInputDone()
      // Of all partitions: the aborted record and its marker are offsets that the oracle must not wait for.
      await run.expectExact(40_000, new Set([0, ...others(run)]))
      await run.stopAll()
    }),
}

export const topicCases: readonly ConformanceCase[] = [
  inputTruncated,
  offsetMissing,
  foreignTransaction,
  foreignInputTransaction,
]
