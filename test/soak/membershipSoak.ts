import { setTimeout as wait } from 'node:timers/promises'
import { ChainRun } from '../support/chain/harness.ts'
import { growthOf, residentByTenth } from './leaks.ts'
import type { Allowance, Growth } from './leaks.ts'

export interface SoakResult {
  readonly growth: readonly Growth[]
  readonly residentByTenth: readonly number[]
  readonly rebalances: number
  readonly commits: number
  readonly seconds: number
}

/**
 * One instance stays under load while another joins and leaves for `seconds`: each turn takes partitions away and brings
 * them back, with their stores, sockets, timers and listeners. Ends with the check that the output is exact.
 *
 * @param pauseMs load between two changes of the membership
 * @param onMeasured called before the output is checked, which takes its time after an hour
 */
export async function membershipSoak(
  brokers: string,
  seconds: number,
  allowance: Allowance,
  pauseMs = 1_000,
  onMeasured?: (result: SoakResult) => void,
): Promise<SoakResult> {
  const run = await ChainRun.create(brokers, { keys: 100 })
  try {
    const stays = run.start()
    await run.untilRunning()
    const endMs = Date.now() + seconds * 1000
    const turns = async () => {
      for (let turn = 0; Date.now() < endMs; turn++) {
        const guest = run.start({ stateDirectory: run.otherDirectory(`guest-${turn % 2}`) })
        await run.until(30_000, 'the guest has its half', () => guest.running === run.partitions / 2)
        await wait(pauseMs)
        await guest.stop()
        await run.until(30_000, 'the one that stays has all', () => stays.running === run.partitions)
        await wait(pauseMs)
      }
    }
    await run.writeUntil(turns(), 50)
    const result = {
      growth: growthOf(stays.resources, allowance),
      residentByTenth: residentByTenth(stays.resources),
      rebalances: stays.report?.rebalances ?? 0,
      commits: stays.report?.commits.committed ?? 0,
      seconds,
    }
    onMeasured?.(result)
    await run.expectExact(60_000)
    await run.stopAll()
    return result
  } finally {
    await run.close()
  }
}
