import { setTimeout as wait } from 'node:timers/promises'
import type { EngineStep } from '../../../src/engine/options.ts'
import type { ChainRun, Worker } from '../../support/chain/harness.ts'
import type { ConformanceCase } from '../case.ts'
import { withChain } from './chain.ts'
import { HELD_BACK_MS, startBefore } from './contents.ts'

const steps: readonly EngineStep[] = ['gathered', 'produced', 'offset-committed', 'committed']

/**
 * The zombie has lost its membership, and comes back after another instance has taken over and works. It must neither write
 * nor disturb the owner's commits.
 */
async function comeBack(run: ChainRun, zombie: Worker): Promise<void> {
  const { variant } = zombie.settings
  const heir = run.start({ variant, stateDirectory: run.otherDirectory('heir') })
  await run.until(40_000, 'the heir runs everything', () => heir.running === run.partitions)
  await wait(500)
  const before = fencingsOf(heir)
  zombie.process.kill('SIGCONT')
  await wait(4_000)
  const fencings = fencingsOf(heir) - before
  if (fencings > 0) throw new Error(`the zombie aborted ${fencings} commits of the owner: ${heir.describe()}`)
}

/** It stops at a step of one partition's cycle: with output gathered, sent, or committed. */
const stopped = steps.map((step): ConformanceCase => ({
  row: 'R0',
  name: `a process stops after the step "${step}" for longer than its session and comes back to a new owner`,
  timeoutMs: 120_000,
  run: (site, faults) =>
    withChain(site, async run => {
      const zombie = run.start({ fault: { does: 'stop', step, count: 12 } })
      const scene = async () => {
        await run.until(30_000, 'the zombie stops', () => zombie.isStopped())
        faults.add('SIGSTOP beyond the session')
        await comeBack(run, zombie)
      }
      await run.writeUntil(scene(), 40)
      await run.untilRunning()
      await run.expectExact()
      await run.stopAll()
    }),
}))

/** The cycle in which it stops holds no input: whether its transaction is known to the owner shows in timers and effects only. */
const stoppedWithoutInput = (['only timers', 'only finished effects'] as const).flatMap(content =>
  (['produced', 'offset-committed'] as const).map((step): ConformanceCase => ({
    row: 'R0',
    name: `a process stops after the step "${step}" of a cycle of ${content} for longer than its session, and comes back`,
    timeoutMs: 150_000,
    run: (site, faults) =>
      withChain(site, async run => {
        const zombie = await startBefore(run, content, heldUntilMs => ({
          fault: { does: 'stop', step, count: 1, fromMs: heldUntilMs },
        }))
        await run.until(HELD_BACK_MS + 10_000, 'the zombie stops', () => zombie.isStopped())
        faults.add('SIGSTOP beyond the session')
        await run.writeUntil(comeBack(run, zombie), 40)
        await run.untilRunning()
        await run.expectExact()
        await run.stopAll()
      }),
  })),
)

/** Commits that failed because somebody initialised the owner's transactional id (a rebalance alone does not). */
function fencingsOf(worker: Worker): number {
  const inDoubt = worker.log.split('\n').filter(line => line.includes('commit in doubt'))
  return inDoubt.filter(line => /INVALID_PRODUCER_EPOCH|PRODUCER_FENCED|INVALID_TXN_STATE/.test(line)).length
}

const twoOwners: ConformanceCase = {
  row: 'no-group',
  name: 'two members both believe that they own every partition',
  timeoutMs: 120_000,
  run: (site, faults) =>
    withChain(site, async run => {
      const honest = run.start()
      await run.untilRunning()
      const scene = async () => {
        const greedy = run.start({ takesEverything: true, stateDirectory: run.otherDirectory('greedy') })
        await run.until(30_000, 'both have met', () => {
          return greedy.commits.committed > 0 && honest.commits.lost + greedy.commits.lost > 0
        })
        await wait(10_000)
        faults.add('partition with two owners', run.partitions)
        await greedy.stop()
      }
      await run.writeUntil(scene(), 60)
      await run.untilRunning(60_000)
      await run.expectExact()
      await run.stopAll()
    }),
}

export const zombieCases: readonly ConformanceCase[] = [...stopped, ...stoppedWithoutInput, twoOwners]
