import type { ChainRun, Worker } from '../../support/chain/harness.ts'
import type { ConformanceCase } from '../case.ts'
import { withChain } from './chain.ts'
import { checkpointOf, expectWarm, placesOf } from './warmth.ts'

/** Records with keys of a kilobyte: a changelog of several MiB, of which a restore writes one at a time. */
export const LARGE = { partitions: 2, keys: 400, keyBytes: 1_000 } as const
const ROUNDS = 20
const LEAST_BYTES = 3 << 20

/** A whole state of which every partition has written so much to its changelog. */
export async function fill(run: ChainRun): Promise<Worker> {
  const first = run.start()
  await run.write(ROUNDS)
  await run.expectExact(60_000)
  for (const [partition, end] of await run.ends(run.topics.changelog)) {
    if (end * LARGE.keyBytes < LEAST_BYTES) throw new Error(`the changelog of ${partition} has only ${end} records`)
  }
  return first
}

const killedInside: ConformanceCase = {
  row: 'restore',
  name: 'the process is killed between two writes of a restore: the next one goes on from there',
  timeoutMs: 150_000,
  run: (site, faults) =>
    withChain(
      site,
      async run => {
        const first = await fill(run)
        await first.kill()
        const stateDirectory = run.otherDirectory('cold')
        const ends = await run.ends(run.topics.changelog)
        for (const count of [2, 1]) {
          const killed = run.start({ stateDirectory, fault: { does: 'kill', step: 'restore-written', count } })
          const end = await run.endOf(killed)
          if (end !== 'SIGKILL') throw new Error(`ended with ${end}: ${killed.describe()}`)
          faults.add('SIGKILL in a restore')
          let half = 0
          for (const [partition, whole] of ends) {
            const position = await checkpointOf(run.storeOf(partition, stateDirectory))
            if (position > 0 && position < whole) half++
          }
          if (half === 0) throw new Error('no store was restored in part')
        }
        const places = await placesOf(run, stateDirectory)
        const last = run.start({ stateDirectory, logLevel: 'info' })
        await run.untilRunning(60_000)
        expectWarm(last, new Map([...places].filter(([, [at]]) => at > 0)))
        await run.write(3)
        await run.expectExact(60_000)
        await run.stopAll()
      },
      LARGE,
    ),
}

const besideCommits: ConformanceCase = {
  row: 'restore',
  name: 'several partitions are restored, which is seen, while others of the role commit',
  timeoutMs: 150_000,
  run: (site, faults) =>
    withChain(
      site,
      async run => {
        const first = await fill(run)
        const scene = async () => {
          const slow = { does: 'wait', step: 'restore-written', count: 1, waitMs: 700 } as const
          const second = run.start({ stateDirectory: run.otherDirectory('second'), fault: slow })
          let before = -1
          await run.until(60_000, 'a restore is seen, and commits beside it', () => {
            const restoring = second.tasks.filter(task => task.state === 'restoring' && task.restoreRemaining > 0)
            if (restoring.length < 2) return false
            if (before < 0) before = first.commits.committed
            return first.running === 2 && first.commits.committed > before
          })
          faults.add('restore beside commits', 2)
          await run.untilRunning(60_000)
        }
        await run.writeUntil(scene(), 100)
        await run.expectExact(60_000)
        await run.stopAll()
      },
      { ...LARGE, partitions: 4, keys: 800 },
    ),
}

export const restoreCases: readonly ConformanceCase[] = [killedInside, besideCommits]
