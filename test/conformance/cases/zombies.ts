import { setTimeout as wait } from 'node:timers/promises'
import type { EngineStep } from '../../../src/engine/options.ts'
import type { ChainRun, Worker } from '../../support/chain/harness.ts'
import { KafkaProxy } from '../../support/kafkaProxy.ts'
import type { ConformanceCase, Faults, Site } from '../case.ts'
import { withChain } from './chain.ts'
import { HELD_BACK_MS, startBefore } from './contents.ts'

const steps: readonly EngineStep[] = ['gathered', 'produced', 'offset-committed', 'committed']

/** Its group does not hear the zombie for so long after it has come back, and only R0 holds it. */
const UNHEARD_MS = 3_000

/** The zombie has all its connections from this proxy. */
async function withZombie(site: Site, body: (run: ChainRun, proxy: KafkaProxy) => Promise<void>): Promise<void> {
  await withChain(site, async run => {
    const proxy = await KafkaProxy.start(site.brokers)
    try {
      await body(run, proxy)
    } finally {
      await proxy.stop()
    }
  })
}

interface Scene {
  readonly run: ChainRun
  readonly proxy: KafkaProxy
  readonly faults: Faults
  readonly zombie: Worker
  /** Where it stopped no commit may be under way. */
  readonly inDoubt: boolean
}

/**
 * The zombie has lost its membership, and comes back after another instance has taken over and works. It must neither write
 * nor disturb the owner's commits, of which one is open nearly always: an open one is aborted by whoever proves an older
 * epoch of its id, while the broker itself refuses the proof when none is open. So the proof must not be asked for at all
 * until the group has answered, which it is kept from.
 */
async function comeBack({ run, proxy, faults, zombie, inDoubt }: Scene): Promise<void> {
  const { variant } = zombie.settings
  const open = { does: 'wait', step: 'offset-committed', count: 1, waitMs: 300 } as const
  const heir = run.start({ variant, stateDirectory: run.otherDirectory('heir'), fault: open })
  await run.until(40_000, 'the heir runs everything', () => heir.running === run.partitions)
  await wait(500)
  const before = fencingsOf(heir)
  proxy.lose({ api: 'Heartbeat', on: 'request', action: 'swallow' })
  proxy.lose({ api: 'InitProducerId', on: 'request', action: 'delay', delayMs: 0 })
  zombie.process.kill('SIGCONT')
  if (inDoubt) {
    await run.until(20_000, 'its commit is in doubt', () => zombie.log.includes('commit in doubt'))
  }
  await wait(UNHEARD_MS)
  const proofs = proxy.hits.filter(hit => hit === 'InitProducerId request').length
  if (proofs > 0) throw new Error(`it asked for a lock ${proofs} times, unconfirmed: ${zombie.describe()}`)
  faults.add('Heartbeat request lost', proxy.hits.length)
  proxy.heal()
  await run.until(20_000, 'it is told', () => zombie.log.includes('the group has removed this member'))
  await wait(3_000)
  const fencings = fencingsOf(heir) - before
  if (fencings > 0) throw new Error(`the zombie aborted ${fencings} commits of the owner: ${heir.describe()}`)
}

/** It stops at a step of one partition's cycle: with output gathered, sent, or committed. */
const stopped = steps.map((step): ConformanceCase => ({
  row: 'R0',
  name: `a process stops after the step "${step}" for longer than its session and comes back to a new owner`,
  timeoutMs: 120_000,
  run: (site, faults) =>
    withZombie(site, async (run, proxy) => {
      const zombie = run.start({ brokers: proxy.brokers, fault: { does: 'stop', step, count: 12 } })
      const scene = async () => {
        await run.until(30_000, 'the zombie stops', () => zombie.isStopped())
        faults.add('SIGSTOP beyond the session')
        await comeBack({ run, proxy, faults, zombie, inDoubt: step !== 'committed' })
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
      withZombie(site, async (run, proxy) => {
        const zombie = await startBefore(run, content, heldUntilMs => ({
          brokers: proxy.brokers,
          fault: { does: 'stop', step, count: 1, fromMs: heldUntilMs },
        }))
        await run.until(HELD_BACK_MS + 10_000, 'the zombie stops', () => zombie.isStopped())
        faults.add('SIGSTOP beyond the session')
        await run.writeUntil(comeBack({ run, proxy, faults, zombie, inDoubt: true }), 40)
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
