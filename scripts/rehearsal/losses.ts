/**
 * `npm run rehearse`: some losses of docs/operations.md on a real broker, with the engine alone (a hash chain per key, so
 * that a lost or doubled record shows). About two minutes. Uses ONFILE_BED_BROKERS where it is set (`npm run bed`), else
 * starts a bed of its own. Exit code 1 where something else happened than the page says.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { startBed } from '../../sandbox/bed/bed.ts'
import { ChainRun } from '../../test/support/chain/harness.ts'
import type { Worker } from '../../test/support/chain/harness.ts'

const REMAKE_TRIES = 50
const STEP_MS = 60_000

/** Ends when every task has failed with `code`. */
async function stopsWith(run: ChainRun, worker: Worker, code: string): Promise<void> {
  const stopped = () => worker.tasks.length === run.partitions && worker.tasks.every(task => task.error?.code === code)
  await run.until(STEP_MS, `all tasks stop with ${code}`, stopped)
}

/** Some work that is known to be exact, then an orderly end. */
async function workAndStop(run: ChainRun): Promise<void> {
  const worker = run.start()
  await run.write(8)
  await run.expectExact(STEP_MS)
  await worker.stop()
}

/** Deletes a topic and creates it anew; Kafka deletes behind its answer. */
async function remake(run: ChainRun, topic: string, cleanup: 'compact' | 'delete'): Promise<void> {
  await run.kafka.deleteTopics({ topics: [topic] })
  const configEntries = [{ name: 'cleanup.policy', value: cleanup }]
  const topics = [{ topic, numPartitions: run.partitions, replicationFactor: 1, configEntries }]
  for (let tries = 1; ; tries++) {
    await wait(300)
    try {
      if (await run.kafka.createTopics({ topics })) return
    } catch (error) {
      if (tries === REMAKE_TRIES) throw error
    }
  }
}

const rehearsals: readonly [name: string, rehearse: (run: ChainRun) => Promise<void>][] = [
  [
    '1: a volume is lost: restored from the changelog, nothing lost, nothing doubled',
    async run => {
      await workAndStop(run)
      run.start({ stateDirectory: run.otherDirectory('new-volume') })
      await run.write(8)
      await run.expectExact(STEP_MS)
    },
  ],
  [
    '2: the changelog is created anew under a local store: STATE_AHEAD_OF_CHANGELOG, nothing is written',
    async run => {
      await workAndStop(run)
      const before = await run.ends(run.topics.output)
      await remake(run, run.topics.changelog, 'compact')
      await run.write(2)
      await stopsWith(run, run.start(), 'STATE_AHEAD_OF_CHANGELOG')
      const after = await run.ends(run.topics.output)
      if ([...before].some(([partition, end]) => after.get(partition) !== end)) throw new Error('something was written')
    },
  ],
  [
    '3 and 5: an input topic is created anew: OFFSET_MISSING, and an offset that is set by hand lets it go on',
    async run => {
      await workAndStop(run)
      await remake(run, run.topics.input, 'delete')
      const stopped = run.start()
      await stopsWith(run, stopped, 'OFFSET_MISSING')
      await stopped.stop()
      const partitions = Array.from({ length: run.partitions }, (_, partition) => ({ partition, offset: '0' }))
      await run.kafka.setOffsets({ groupId: run.groupId, topic: run.topics.input, partitions })
      run.start()
      await run.untilRunning(STEP_MS)
    },
  ],
]

const bed = await startBed()
let failures = 0
for (const [name, rehearse] of rehearsals) {
  const run = await ChainRun.create(bed.brokers)
  try {
    await rehearse(run)
    console.log(`as told   ${name}`)
  } catch (error) {
    failures++
    console.log(`NOT SO    ${name}\n          ${error instanceof Error ? error.message : String(error)}`)
  } finally {
    await run.close()
  }
}
await bed.stop()
process.exitCode = failures === 0 ? 0 : 1
