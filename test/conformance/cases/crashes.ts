import type { EngineStep } from '../../../src/engine/options.ts'
import type { ChainRun, Worker } from '../../support/chain/harness.ts'
import type { ChainSettings, StepFault, Struck } from '../../support/chain/workerProtocol.ts'
import type { ConformanceCase, Faults, Site } from '../case.ts'
import type { Row } from '../rows.ts'
import { withChain } from './chain.ts'
import { placeOf } from './storeContent.ts'
import type { Place } from './storeContent.ts'
import { expectWarm, placesOf } from './warmth.ts'

const steps: readonly { step: EngineStep; row: Row }[] = [
  { step: 'locked', row: 'lock' },
  { step: 'restored', row: 'restore' },
  { step: 'gathered', row: 'before-4' },
  { step: 'produced', row: 'before-4' },
  { step: 'offset-committed', row: 'before-4' },
  { step: 'committed', row: 'after-4' },
  { step: 'queued', row: 'after-4' },
  { step: 'effects-started', row: 'after-4' },
]

/**
 * SIGKILL after each step, three times in different cycles; `locked` and `restored` come once per partition only. Most of
 * these cycles come before the first flush of their process: for what the local store does see `inFlushes`.
 */
const afterSteps = steps.map(({ step, row }): ConformanceCase => ({
  row,
  name: `the process is killed after the step "${step}"`,
  run: (site, faults) =>
    withChain(site, async run => {
      const kills = async () => {
        for (const count of step === 'locked' || step === 'restored' ? [1, 3, 4] : [2, 9, 14]) {
          await killedAt(run, faults, { fault: { does: 'kill', step, count } })
        }
        run.start({ instanceId: 'pod-0' })
      }
      await run.writeUntil(kills(), 50)
      await run.expectExact()
    }),
}))

/** A worker that kills itself, and has ended so. */
async function killedAt(run: ChainRun, faults: Faults, settings: Partial<ChainSettings>): Promise<Worker> {
  const killed = run.start({ instanceId: 'pod-0', ...settings })
  const end = await run.endOf(killed)
  if (end !== 'SIGKILL') throw new Error(`ended with ${end}: ${killed.describe()}`)
  faults.add('SIGKILL')
  return killed
}

/** The partition at whose step it killed itself: it said so, and its last words may come behind its end. */
async function struckPartition(run: ChainRun, worker: Worker): Promise<number> {
  const said = () => worker.log.split('\n').find(line => line.startsWith('{"struckAt"'))
  await run.until(10_000, 'it is known where it was killed', () => said() !== undefined)
  return (JSON.parse(said()!) as Struck).partition
}

interface InFlush {
  readonly row: Row
  readonly name: string
  readonly fault: StepFault
  readonly storeWriteEntries: number | null
  /** False where the kill has not met what it is about; throws where the store stands in the wrong place. */
  readonly met: (place: Place, changelogEnd: () => Promise<number>, run: ChainRun) => Promise<boolean>
}

const inFlushes: readonly InFlush[] = [
  {
    row: 'after-4',
    name: 'the process is killed inside a flush of the local store: changes are written, their checkpoint is not',
    fault: { does: 'kill', step: 'store-ahead', count: 2 },
    storeWriteEntries: 3,
    met: ({ ahead }) => Promise.resolve(ahead.length > 0),
  },
  {
    row: 'after-5',
    // While a cycle is held nothing else commits on its partition, and its effects have not started.
    name: 'the process is killed after the step "stored" of a cycle whose effects have not started',
    fault: { does: 'kill', step: 'stored', count: 1, heldAt: { step: 'queued', waitMs: 3_000 } },
    storeWriteEntries: null,
    met: async ({ checkpoint, ahead, openEffects }, changelogEnd, run) => {
      if (ahead.length > 0) throw new Error(`not what the changelog has up to ${checkpoint}: ${ahead.join(', ')}`)
      // The marker of the cycle comes behind its last change; a broker may write it late.
      await run.until(10_000, `the checkpoint, ${checkpoint}, is the last change`, async () => {
        return (await changelogEnd()) === checkpoint + 1
      })
      return openEffects > 0
    },
  },
]

const KILLS = 3
const MOST_KILLS = 9

/** SIGKILL in or behind a flush, and a look at what it left on disk, until it has met three times what the case is about. */
async function killInFlushes(run: ChainRun, site: Site, faults: Faults, one: InFlush): Promise<void> {
  const { fault, storeWriteEntries, met } = one
  for (let kills = 0, tries = 1; kills < KILLS; tries++) {
    if (tries > MOST_KILLS) throw new Error(`only ${kills} of ${MOST_KILLS} kills met what this case is about`)
    const killed = await killedAt(run, faults, { fault, storeWriteEntries })
    const partition = await struckPartition(run, killed)
    const place = await placeOf(run, site.brokers, partition)
    const { checkpoint, behind } = place
    if (checkpoint === 0) throw new Error(`partition ${partition} has no checkpoint: ${killed.describe()}`)
    if (behind.length > 0) throw new Error(`older than the checkpoint, ${checkpoint}, says: ${behind.join(', ')}`)
    const changelogEnd = async () => (await run.ends(run.topics.changelog)).get(partition) ?? 0
    if (await met(place, changelogEnd, run)) kills++
  }
}

const inFlush = inFlushes.map((one): ConformanceCase => ({
  row: one.row,
  name: one.name,
  timeoutMs: 180_000,
  run: (site, faults) =>
    withChain(site, async run => {
      const first = run.start({ instanceId: 'pod-0' })
      await run.write(20, 20)
      await run.expectExact()
      await first.stop()
      const kills = async () => {
        await killInFlushes(run, site, faults, one)
        const places = await placesOf(run)
        const last = run.start({ instanceId: 'pod-0', logLevel: 'info' })
        await run.untilRunning()
        expectWarm(last, places)
      }
      await run.writeUntil(kills(), 50)
      await run.expectExact()
      await run.stopAll()
    }),
}))

export const crashCases: readonly ConformanceCase[] = [...afterSteps, ...inFlush]
