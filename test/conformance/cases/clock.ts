import type { ClockJump } from '../../support/chain/workerProtocol.ts'
import type { ConformanceCase } from '../case.ts'
import { withChain } from './chain.ts'

const HOUR_MS = 3_600_000

const jumps: readonly { name: string; clockJump: ClockJump }[] = [
  { name: 'an hour ahead, for good', clockJump: { afterMs: 4_000, byMs: HOUR_MS, backAfterMs: null } },
  { name: 'ten seconds ahead and back again', clockJump: { afterMs: 4_000, byMs: 10_000, backAfterMs: 7_000 } },
  { name: 'ten seconds back, for good', clockJump: { afterMs: 4_000, byMs: -10_000, backAfterMs: null } },
]

/** Commits go on all the time; timers come late at most by as much as the clock went back. */
export const clockCases: readonly ConformanceCase[] = jumps.map(({ name, clockJump }) => ({
  row: 'timers',
  name: `the clock of the process jumps ${name}`,
  run: (site, faults) =>
    withChain(site, async run => {
      const worker = run.start({ clockJump })
      await run.untilRunning()
      const scene = async () => {
        for (let second = 0; second < 8; second++) {
          const { committed } = worker.commits
          await run.until(3_000, 'commits go on', () => worker.commits.committed > committed + 2)
          await new Promise(resolve => setTimeout(resolve, 1_000))
        }
        faults.add('clock jump', clockJump.backAfterMs === null ? 1 : 2)
      }
      await run.writeUntil(scene(), 50)
      await run.expectExact()
      await run.stopAll()
    }),
}))
