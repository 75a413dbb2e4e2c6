import { setTimeout as wait } from 'node:timers/promises'
import type { Worker } from '../../support/chain/harness.ts'
import { longestOf, silencesOf } from '../../support/chain/silence.ts'
import type { ConformanceCase } from '../case.ts'
import { withChain } from './chain.ts'
import { fill, LARGE } from './restores.ts'

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

/** Far above the usual time between two commits; an engine that opens everything anew is silent for 3,300 ms. */
const UNDISTURBED_MS = 2_000
/** One turn without a longer silence is enough: a machine that stalls is not what this is about. */
const TURNS = 5

const joinsAndLeaves: ConformanceCase = {
  row: 'rebalance',
  name: 'a second instance joins, takes half, and leaves again: nobody waits for a session, and what stays keeps committing',
  timeoutMs: 300_000,
  run: (site, faults) =>
    withChain(site, async run => {
      const patient = { sessionTimeoutMs: 30_000 }
      const first = run.start(patient)
      await run.untilRunning()
      const joinAndLeave = async (turn: number) => {
        const second = run.start({ ...patient, stateDirectory: run.otherDirectory(`second-${turn}`) })
        await run.until(30_000, 'the second has its half', () => second.running === run.partitions / 2)
        await run.untilRunning()
        faults.add('instance joined')
        if (first.tasks.length !== run.partitions / 2) throw new Error(`unequal shares: ${first.describe()}`)
        const stayed = new Set(first.tasks.map(({ partition }) => partition))
        const end = await second.stop()
        if (end !== 0) throw new Error(`the second ended with ${end}: ${second.describe()}`)
        faults.add('instance left')
        // A heartbeat and a round, on a machine that may stall; far below the session.
        await run.untilRunning(15_000)
        return { second, stayed }
      }
      const scene = async () => {
        for (let turn = 1; ; turn++) {
          const fromMs = Date.now()
          const { second, stayed } = await joinAndLeave(turn)
          const toMs = Date.now()
          // So late the worker's last report about this turn may be.
          await wait(1_000)
          const silences = silencesOf([first, second], fromMs, toMs).filter(({ partition }) => stayed.has(partition))
          if (silences.some(({ isMoved }) => isMoved)) throw new Error(`what stays was moved: ${first.describe()}`)
          if (longestOf(silences) < UNDISTURBED_MS) break
          if (turn === TURNS)
            throw new Error(`what stays was silent for ${longestOf(silences)} ms: ${first.describe()}`)
        }
      }
      await run.writeUntil(scene(), 60)
      await run.expectExact()
      await run.stopAll()
    }),
}

const staticRestart: ConformanceCase = {
  row: 'rebalance',
  name: 'a static member restarts: no rebalance, and what the others have keeps committing',
  timeoutMs: 180_000,
  run: (site, faults) =>
    withChain(site, async run => {
      const patient = { sessionTimeoutMs: 30_000 }
      let restarted = run.start({ ...patient, instanceId: 'pod-0' })
      const other = run.start({ ...patient, instanceId: 'pod-1', stateDirectory: run.otherDirectory('pod-1') })
      await run.until(30_000, 'each has its half', () => restarted.running === 2 && other.running === 2)
      const scene = async () => {
        for (let turn = 1; ; turn++) {
          await wait(1_500)
          const before = other.report?.rebalances
          const fromMs = Date.now()
          await restarted.stop()
          faults.add('SIGTERM of a static member')
          restarted = run.start({ ...patient, instanceId: 'pod-0' })
          // Far below the session timeout, on a machine that may stall: nobody waited for it.
          await run.untilRunning(20_000)
          // A silence above the limit ends in such a window, or is seen to last, wherever it begins.
          await wait(2 * UNDISTURBED_MS)
          const toMs = Date.now()
          // So late the other's last report about this turn may be.
          await wait(1_000)
          if (other.report?.rebalances !== before) throw new Error(`the group rebalanced: ${other.describe()}`)
          const silences = silencesOf([other], fromMs, toMs)
          if (silences.length !== 2) throw new Error(`the other did not commit both of its own: ${other.describe()}`)
          if (longestOf(silences) < UNDISTURBED_MS) break
          if (turn === TURNS) throw new Error(`the other was silent for ${longestOf(silences)} ms: ${other.describe()}`)
        }
      }
      await run.writeUntil(scene(), 60)
      await run.expectExact()
      await run.stopAll()
    }),
}

/** The first one waits with each mebibyte that it has restored, so the second is there long before it is done. */
const duringRestore: ConformanceCase = {
  row: 'rebalance',
  name: 'a partition moves while its first owner restores it',
  timeoutMs: 150_000,
  run: (site, faults) =>
    withChain(
      site,
      async run => {
        const filled = await fill(run)
        await filled.stop()
        const slow = { does: 'wait', step: 'restore-written', count: 1, waitMs: 5_000 } as const
        const first = run.start({ stateDirectory: run.otherDirectory('first'), fault: slow })
        const restoring = () => first.tasks.filter(task => task.state === 'restoring' && task.restoreRemaining > 0)
        await run.until(30_000, 'the first one restores all', () => restoring().length === run.partitions)
        const second = run.start({ stateDirectory: run.otherDirectory('second') })
        const half = run.partitions / 2
        await run.until(40_000, 'the first one has given up its half', () => first.tasks.length === half)
        // What has stayed is not open yet, so what went was not open either: both came equally far.
        if (restoring().length < half) throw new Error(`nothing was restored any more: ${first.describe()}`)
        faults.add('rebalance during a restore')
        await run.until(30_000, 'the second one has its half', () => second.running === half)
        const end = await first.stop()
        if (end !== 0) throw new Error(`the first one ended with ${end}: ${first.describe()}`)
        faults.add('SIGTERM during a restore')
        await run.untilRunning(30_000)
        await run.write(5)
        await run.expectExact(60_000)
        await run.stopAll()
      },
      LARGE,
    ),
}

const REBALANCES_DURING_COMMITS = 6
const MOST_TURNS = 8

/** Commits that the group refused because they named an older generation, each cycle once. */
function refusedOf(worker: Worker): number {
  const inDoubt = worker.log.split('\n').filter(line => line.includes('commit in doubt'))
  const refused = inDoubt.filter(line => line.includes('ILLEGAL_GENERATION'))
  const cycles = refused.map(line => JSON.parse(line) as { readonly partition: number; readonly cycle: number })
  return new Set(cycles.map(({ partition, cycle }) => `${partition}: ${cycle}`)).size
}

/**
 * A commit that began in one generation and names it in the next: refused, reconciled, sent again. Brokers before 4.0 refuse
 * the reconcile while its transaction is open: there the task is opened again.
 */
const duringCommit: ConformanceCase = {
  row: 'rebalance',
  name: 'the group rebalances while commits are open: refused with their old generation, they are sent again',
  timeoutMs: 180_000,
  run: (site, faults) =>
    withChain(site, async run => {
      const slow = {
        sessionTimeoutMs: 15_000,
        fault: { does: 'wait', step: 'produced', count: 1, waitMs: 400 },
      } as const
      const first = run.start(slow)
      await run.untilRunning()
      const rebalances = () => first.report?.rebalances ?? 0
      const before = rebalances()
      const scene = async () => {
        for (let turn = 1; ; turn++) {
          const second = run.start({ ...slow, stateDirectory: run.otherDirectory(`second-${turn}`) })
          await run.until(30_000, 'the second works', () => second.running > 0 && second.commits.committed > 2)
          await second.stop()
          await run.untilRunning()
          if (refusedOf(first) > 0 && rebalances() - before >= REBALANCES_DURING_COMMITS) break
          if (turn === MOST_TURNS) throw new Error(`no commit met another generation: ${first.describe()}`)
        }
      }
      await run.writeUntil(scene(), 60)
      await run.expectExact()
      faults.add('rebalance during commits', rebalances() - before)
      faults.add('commit with an old generation', refusedOf(first))
      const { resent, lost } = first.commits
      const again = site.kafkaVersion.startsWith('3.') ? lost : resent
      if (again < refusedOf(first)) {
        throw new Error(`${refusedOf(first)} were refused, ${resent} sent again, ${lost} lost: ${first.describe()}`)
      }
      await run.stopAll()
    }),
}

export const membershipCases: readonly ConformanceCase[] = [
  undisturbed,
  joinsAndLeaves,
  staticRestart,
  duringRestore,
  duringCommit,
]
