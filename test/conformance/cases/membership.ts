import { setTimeout as wait } from 'node:timers/promises'
import type { ChainRun, Worker } from '../../support/chain/harness.ts'
import type { ConformanceCase, Faults } from '../case.ts'
import { withChain } from './chain.ts'

const undisturbed: ConformanceCase = {
  row: 'rebalance',
  name: 'nothing goes wrong, and SIGTERM ends it cleanly and silently',
  run: site =>
    withChain(site, async run => {
      const worker = run.start()
      await run.write(30, 20)
      await run.expectExact()
      await run.stopAll()
      if (worker.log !== '') throw new Error(`not silent: ${worker.log}`)
    }),
}

const joinsAndLeaves: ConformanceCase = {
  row: 'rebalance',
  name: 'a second instance joins, takes half, and leaves again: nobody waits for a session',
  run: (site, faults) =>
    withChain(site, async run => {
      const patient = { sessionTimeoutMs: 30_000 }
      const first = run.start(patient)
      await run.untilRunning()
      const scene = async () => {
        const second = run.start({ ...patient, stateDirectory: run.otherDirectory('second') })
        await run.until(30_000, 'the second has its half', () => second.running === run.partitions / 2)
        await run.untilRunning()
        faults.add('instance joined')
        if (first.tasks.length !== run.partitions / 2) throw new Error(`unequal shares: ${first.describe()}`)
        const end = await second.stop()
        if (end !== 0) throw new Error(`the second ended with ${end}: ${second.describe()}`)
        faults.add('instance left')
        // A heartbeat and a round, on a machine that may stall; far below the session.
        await run.untilRunning(15_000)
      }
      await run.writeUntil(scene(), 60)
      await run.expectExact()
      await run.stopAll()
    }),
}

const staticRestart: ConformanceCase = {
  row: 'rebalance',
  name: 'a static member restarts: no rebalance, and the group keeps its generation',
  run: (site, faults) =>
    withChain(site, async run => {
      const first = run.start({ instanceId: 'pod-0' })
      const other = run.start({ instanceId: 'pod-1', stateDirectory: run.otherDirectory('pod-1') })
      await run.until(30_000, 'each has its half', () => first.running === 2 && other.running === 2)
      const scene = async () => {
        await wait(1_500)
        const before = other.report?.rebalances
        await first.stop()
        faults.add('SIGTERM of a static member')
        run.start({ instanceId: 'pod-0' })
        // Below the session timeout: nobody waited for it.
        await run.untilRunning(5_500)
        if (other.report?.rebalances !== before) throw new Error(`the group rebalanced: ${other.describe()}`)
      }
      await run.writeUntil(scene(), 60)
      await run.expectExact()
      await run.stopAll()
    }),
}

const duringRestore: ConformanceCase = {
  row: 'rebalance',
  name: 'partitions move while their first owner still takes them over',
  run: (site, faults) =>
    withChain(site, async run => {
      await run.write(10)
      run.start({ fault: { does: 'wait', step: 'locked', count: 1, waitMs: 3_000 } })
      await wait(1_500)
      const second = run.start({ stateDirectory: run.otherDirectory('second') })
      await run.until(30_000, 'the second has its half', () => second.running === run.partitions / 2)
      faults.add('rebalance during a restore')
      await run.untilRunning()
      await run.write(5)
      await run.expectExact()
      await run.stopAll()
    }),
}

const duringCommit: ConformanceCase = {
  row: 'rebalance',
  name: 'the group rebalances while commits are open',
  run: (site, faults) =>
    withChain(site, async run => {
      const slow = { fault: { does: 'wait', step: 'produced', count: 1, waitMs: 400 } } as const
      run.start(slow)
      await run.untilRunning()
      const scene = async () => {
        for (let turn = 0; turn < 3; turn++) {
          const second = run.start({ ...slow, stateDirectory: run.otherDirectory(`second-${turn}`) })
          await run.until(30_000, 'the second works', () => second.running > 0 && second.commits.committed > 2)
          await second.stop()
          faults.add('rebalance during commits', 2)
        }
      }
      await run.writeUntil(scene(), 60)
      await run.expectExact()
      await run.stopAll()
    }),
}

const MOST_INSTANCES = 5

/** One of: an instance joins, leaves by SIGTERM, dies by SIGKILL, or stops for some seconds. */
async function stir(run: ChainRun, instances: Worker[], turn: number, faults: Faults): Promise<void> {
  const join = () => instances.push(run.start({ stateDirectory: run.otherDirectory(`pod-${turn}`) }))
  if (instances.length <= 1 || (instances.length < MOST_INSTANCES && Math.random() < 0.4)) {
    join()
    faults.add('instance joined')
    return
  }
  const [one] = instances.splice(Math.floor(Math.random() * instances.length), 1)
  if (one === undefined) return
  const kind = Math.random()
  if (kind < 0.4) {
    await one.stop()
    faults.add('instance left')
  } else if (kind < 0.8) {
    await one.kill()
    faults.add('SIGKILL')
  } else {
    one.process.kill('SIGSTOP')
    await wait(7_000)
    one.process.kill('SIGCONT')
    instances.push(one)
    faults.add('SIGSTOP beyond the session')
  }
}

/** 1 to 5 instances come and go for so long under load. */
export function churnCase(minutes: number): ConformanceCase {
  return {
    row: 'rebalance',
    name: `1 to 5 instances join, leave, die and stop for ${minutes} minutes under load`,
    timeoutMs: minutes * 60_000 + 180_000,
    run: (site, faults) =>
      withChain(
        site,
        async run => {
          const instances = [run.start()]
          const scene = async () => {
            const endMs = Date.now() + minutes * 60_000
            for (let turn = 0; Date.now() < endMs; turn++) {
              await stir(run, instances, turn, faults)
              await wait(1_000 + Math.random() * 3_000)
            }
          }
          await run.writeUntil(scene(), 150)
          await run.untilRunning(60_000)
          await run.expectExact(60_000)
          await run.stopAll()
        },
        { partitions: 8 },
      ),
  }
}

export const membershipCases: readonly ConformanceCase[] = [
  undisturbed,
  joinsAndLeaves,
  staticRestart,
  duringRestore,
  duringCommit,
]
