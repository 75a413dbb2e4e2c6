import { setTimeout as wait } from 'node:timers/promises'
import type { EngineStep } from '../../../src/engine/options.ts'
import type { ConformanceCase } from '../case.ts'
import { withChain } from './chain.ts'

const steps: readonly EngineStep[] = ['gathered', 'produced', 'offset-committed', 'committed']

/**
 * The zombie stops at a step of one partition's cycle (with output gathered, sent, or committed), loses its membership,
 * comes back after another instance has taken over and works. It must neither write nor disturb the owner's commits.
 */
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
        const heir = run.start({ stateDirectory: run.otherDirectory('heir') })
        await run.until(40_000, 'the heir runs everything', () => heir.running === run.partitions)
        await wait(500)
        const before = { ...heir.commits }
        zombie.process.kill('SIGCONT')
        await wait(3_000)
        const disturbed = heir.commits.resent + heir.commits['found-committed'] + heir.commits.lost
        const disturbedBefore = before.resent + before['found-committed'] + before.lost
        if (disturbed > disturbedBefore) {
          throw new Error(
            `the zombie disturbed ${disturbed - disturbedBefore} commits of the owner: ${heir.describe()}`,
          )
        }
      }
      await run.writeUntil(scene(), 40)
      await run.untilRunning()
      await run.expectExact()
      await run.stopAll()
    }),
}))

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
        faults.add('takeover against the group', honest.commits.lost + greedy.commits.lost)
        await greedy.stop()
      }
      await run.writeUntil(scene(), 60)
      await run.untilRunning(60_000)
      await run.expectExact()
      await run.stopAll()
    }),
}

export const zombieCases: readonly ConformanceCase[] = [...stopped, twoOwners]
