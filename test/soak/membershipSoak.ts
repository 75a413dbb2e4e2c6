import { setTimeout as wait } from 'node:timers/promises'
import { ChainRun } from '../support/chain/harness.ts'
import type { Resources } from '../support/chain/workerProtocol.ts'
import { MachineWatch } from './faults/machineWatch.ts'
import { growthOf, leastByTenth } from './leaks.ts'
import type { Allowance, Growth } from './leaks.ts'

export interface SoakResult {
  readonly growth: readonly Growth[]
  readonly leastByTenth: Readonly<Record<keyof Resources, readonly number[]>>
  readonly rebalances: number
  readonly commits: number
  /** Records of the input. */
  readonly records: number
  readonly seconds: number
  /** Mean of the machine's one-minute load. */
  readonly load: number
}

const TURN_MS = 60_000

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
  const machine = new MachineWatch()
  try {
    const stays = run.start()
    await run.untilRunning()
    const startMs = Date.now()
    const endMs = startMs + seconds * 1000
    const turns = async () => {
      for (let turn = 0; Date.now() < endMs; turn++) {
        const guest = run.start({ stateDirectory: run.otherDirectory(`guest-${turn % 2}`) })
        await run.until(TURN_MS, 'the guest has its half', () => guest.running === run.partitions / 2)
        await wait(pauseMs)
        const exit = await guest.stop()
        if (exit !== 0) throw new Error(`a guest ended with ${exit}: ${guest.describe()}`)
        await run.until(TURN_MS, 'the one that stays has all', () => stays.running === run.partitions)
        await wait(pauseMs)
      }
    }
    await run.writeUntil(turns(), 50)
    const inputEnds = await run.ends(run.topics.input)
    const result = {
      growth: growthOf(stays.resources, allowance),
      leastByTenth: leastByTenth(stays.resources),
      rebalances: stays.report?.rebalances ?? 0,
      commits: stays.report?.commits.committed ?? 0,
      records: [...inputEnds.values()].reduce((sum, end) => sum + end, 0),
      seconds: Math.round((Date.now() - startMs) / 1000),
      load: machine.load,
    }
    onMeasured?.(result)
    await run.expectExact(60_000)
    await run.stopAll()
    return result
  } finally {
    machine.stop()
    await run.close()
  }
}
