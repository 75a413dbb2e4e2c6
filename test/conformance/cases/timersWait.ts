import { setTimeout as wait } from 'node:timers/promises'
import type { ChainRun, Worker } from '../../support/chain/harness.ts'
import { testClient } from '../../support/topics.ts'
import type { ConformanceCase } from '../case.ts'
import { withChain } from './chain.ts'
import { heldBack } from './contents.ts'
import { others } from './topics.ts'

/** Long enough to write, on a machine that stalls, all that shall be in the input before the timers are due. */
const DUE_IN_MS = 20_000
/** Sets timers at 7 and at 14; LATER_ROUNDS more set none. */
const ROUNDS = 14
const LATER_ROUNDS = 6

/** A worker that has committed ROUNDS, whose timers are all due at the same moment, which has not come. */
async function startHeldBack(run: ChainRun): Promise<{ worker: Worker; dueAtMs: number }> {
  const dueAtMs = Date.now() + DUE_IN_MS
  const worker = run.start({ variant: heldBack('only timers', dueAtMs) })
  await run.write(ROUNDS)
  await run.untilInputDone()
  return { worker, dueAtMs }
}

/** Appends what the timers must wait for, and lets their time come. */
async function writeBefore(run: ChainRun, dueAtMs: number): Promise<void> {
  await run.write(LATER_ROUNDS)
  if (Date.now() >= dueAtMs)
    throw new Error('the machine is too slow for this case: timers were due before the input was')
  await wait(dueAtMs + 500 - Date.now())
}

const whileAway: ConformanceCase = {
  row: 'timers',
  name: 'timers became due while the process was down: they come behind all input that was there before',
  run: (site, faults) =>
    withChain(site, async run => {
      const { worker, dueAtMs } = await startHeldBack(run)
      await worker.stop()
      await writeBefore(run, dueAtMs)
      faults.add('timers overdue at the start')
      run.start()
      await run.expectExact()
      await run.expectTimersBehind(ROUNDS + LATER_ROUNDS)
      await run.stopAll()
    }),
}

/** The other producer's record is the first one that is not read; what the timers wait for stands behind it. */
const behindTransaction: ConformanceCase = {
  row: 'timers',
  name: 'timers become due while an open foreign transaction hides input: they come behind what it hid',
  run: (site, faults) =>
    withChain(site, async run => {
      const { dueAtMs } = await startHeldBack(run)
      const foreign = testClient(site.brokers).producer({
        transactionalId: `${run.id}-foreign`,
        transactionTimeout: 120_000,
        maxInFlightRequests: 1,
        idempotent: true,
      })
      await foreign.connect()
      const open = await foreign.transaction()
      try {
        await open.send({ topic: run.topics.input, messages: [{ partition: 0, key: 'foreign', value: 'foreign#1' }] })
        await writeBefore(run, dueAtMs)
        faults.add('timers due behind an open foreign transaction')
        await run.expectExact(30_000, others(run))
        await wait(1_000)
      } finally {
        await open.abort()
        await foreign.disconnect()
      }
      // Of all partitions: the aborted record and its marker are offsets that the oracle must not wait for.
      await run.expectExact(40_000, new Set([0, ...others(run)]))
      await run.expectTimersBehind(ROUNDS + LATER_ROUNDS)
      await run.stopAll()
    }),
}

/** What a timer decides may rest on everything that had happened when it was due, and on nothing less. */
export const timersWaitCases: readonly ConformanceCase[] = [whileAway, behindTransaction]
