/**
 * `npm run rehearse`: some losses of docs/operations.md on a real broker, with the engine alone (a hash chain per key, so
 * that a lost or doubled record shows). About two minutes. Uses ONFILE_BED_BROKERS where it is set (`npm run bed`), else
 * starts a bed of its own. Exit code 1 where something else happened than the page says.
 */
import { startBed } from '../../sandbox/bed/bed.ts'
import { ChainRun } from '../../test/support/chain/harness.ts'
import type { Worker } from '../../test/support/chain/harness.ts'
import { remakeTopic } from '../../test/support/chain/remakeTopic.ts'

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
    '2: the changelog is created anew: CHANGELOG_LOST with and without a local store, nothing is written; set by hand it goes on',
    async run => {
      await workAndStop(run)
      const before = await run.ends(run.topics.output)
      await remakeTopic(run, run.topics.changelog, 'compact')
      await run.write(2)
      const warm = run.start()
      await stopsWith(run, warm, 'CHANGELOG_LOST')
      await warm.stop()
      const cold = run.start({ stateDirectory: run.otherDirectory('cold') })
      await stopsWith(run, cold, 'CHANGELOG_LOST')
      await cold.stop()
      const after = await run.ends(run.topics.output)
      if ([...before].some(([partition, end]) => after.get(partition) !== end)) throw new Error('something was written')
      const inputEnds = await run.ends(run.topics.input)
      const partitions = [...inputEnds].map(([partition, offset]) => ({ partition, offset: String(offset) }))
      await run.kafka.setOffsets({ groupId: run.groupId, topic: run.topics.input, partitions })
      run.start({ stateDirectory: run.otherDirectory('empty') })
      await run.untilRunning(STEP_MS)
    },
  ],
  [
    '3 and 5: an input topic is created anew: OFFSET_MISSING, and an offset that is set by hand lets it go on',
    async run => {
      await workAndStop(run)
      await remakeTopic(run, run.topics.input, 'delete')
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
