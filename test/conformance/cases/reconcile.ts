import type { ChainRun, Worker } from '../../support/chain/harness.ts'
import { KafkaProxy } from '../../support/kafkaProxy.ts'
import type { Fault } from '../../support/kafkaProxy.ts'
import type { ConformanceCase, Faults, Site } from '../case.ts'
import { REQUEST_TIMEOUT_MS } from './behindProxy.ts'
import { withChain } from './chain.ts'
import { contents, HELD_BACK_MS, startBefore } from './contents.ts'
import type { Content } from './contents.ts'

type Step = 'Produce' | 'TxnOffsetCommit' | 'EndTxn'
type Truth = 'committed' | 'not committed' | 'fenced'

/** In doubt after step 2, 3 or 4; only the last one can have committed. */
const doubts: readonly { readonly step: Step; readonly truth: Truth }[] = [
  { step: 'EndTxn', truth: 'committed' },
  { step: 'EndTxn', truth: 'not committed' },
  { step: 'EndTxn', truth: 'fenced' },
  { step: 'TxnOffsetCommit', truth: 'not committed' },
  { step: 'Produce', truth: 'not committed' },
]

/** The last step's request is lost where it has not committed; else the broker has acted, and its answer is lost. */
const faultOf = (step: Step, truth: Truth): Fault => ({
  api: step,
  on: step === 'EndTxn' && truth !== 'committed' ? 'request' : 'response',
  action: 'cut',
})

interface Scene {
  readonly run: ChainRun
  readonly site: Site
  readonly proxy: KafkaProxy
  readonly faults: Faults
  readonly content: Content
  readonly step: Step
  readonly truth: Truth
}

/** Brokers before 4.0 refuse R1 while the transaction is open: then the task is opened again, and nothing else. */
function verdictOf({ site, truth }: Scene): 'found-committed' | 'resent' | 'lost' {
  if (truth === 'committed') return 'found-committed'
  return site.kafkaVersion.startsWith('3.') ? 'lost' : 'resent'
}

async function doubt(scene: Scene, worker: Worker): Promise<void> {
  const { run, proxy, faults, content, step, truth } = scene
  const { commits } = worker
  const without = worker.report?.commitsWithoutRecords
  const fault = faultOf(step, truth)
  proxy.lose({ ...fault, ...(truth === 'fenced' ? {} : { times: 3 }) })
  if (content === 'input') await run.write(10, 60)
  await run.until(HELD_BACK_MS + 10_000, 'a commit is in doubt', () => proxy.hits.length > 0)
  if (truth === 'fenced') return
  const verdict = verdictOf(scene)
  await run.until(20_000, `a reconcile ends with ${verdict}`, () => worker.commits[verdict] > commits[verdict])
  if (content !== 'input') {
    const now = worker.report?.commitsWithoutRecords[verdict] ?? 0
    if (now <= (without?.[verdict] ?? 0)) throw new Error(`no cycle of ${content} was in doubt: ${worker.describe()}`)
  }
  faults.add(`${step} ${fault.on} lost`, proxy.hits.length)
}

/**
 * Another process, which believes that it owns everything, takes the locks, while the group goes on confirming the member
 * whose cycle is in doubt: nothing but R1 tells it.
 */
async function fence({ run, proxy, faults, content }: Scene, worker: Worker): Promise<void> {
  faults.add('EndTxn request lost', proxy.hits.length)
  const { variant } = worker.settings
  const heir = run.start({ takesEverything: true, variant, stateDirectory: run.otherDirectory('heir') })
  await run.until(40_000, 'R1 is refused', () => worker.log.includes('another instance took the partition over'))
  faults.add('takeover against the group')
  if (content !== 'input') {
    await run.until(20_000, `a cycle of ${content} was lost`, () => {
      return (worker.report?.commitsWithoutRecords.lost ?? 0) > 0
    })
  }
  if (worker.log.includes('the group has removed this member')) {
    throw new Error(`it was not R1 that told: ${worker.describe()}`)
  }
  proxy.heal()
  await heir.stop()
  await run.write(5, 50)
  await run.untilRunning(40_000)
}

const inDoubt = doubts.flatMap(({ step, truth }) =>
  contents.map((content): ConformanceCase => ({
    row: truth === 'fenced' ? 'R1' : 'R2',
    name: `a cycle of ${content} is in doubt${step === 'EndTxn' ? '' : ` after ${step}`}: ${truth}`,
    timeoutMs: 120_000,
    run: (site, faults) =>
      withChain(
        site,
        async run => {
          const proxy = await KafkaProxy.start(site.brokers)
          try {
            const scene: Scene = { run, site, proxy, faults, content, step, truth }
            const worker = await startBefore(run, content, () => ({
              brokers: proxy.brokers,
              requestTimeoutMs: REQUEST_TIMEOUT_MS,
            }))
            await doubt(scene, worker)
            if (truth === 'fenced') await fence(scene, worker)
            proxy.heal()
            await run.expectExact()
            await run.stopAll()
          } finally {
            await proxy.stop()
          }
        },
        // Both workers write the lines that they owe at the end: the log must show who lost.
        { settings: { logLevel: 'info' } },
      ),
  })),
)

/** The process dies between R1 and R2, and behind R2, once when its cycle has committed and once when it has not. */
const killed = (['reconcile-proved', 'reconcile-read'] as const).map((step): ConformanceCase => ({
  row: 'R2',
  name: `the process is killed after ${step === 'reconcile-proved' ? 'R1' : 'R2'} of a reconcile, of a cycle that has committed, and of one that has not`,
  timeoutMs: 120_000,
  run: (site, faults) =>
    withChain(site, async run => {
      const proxy = await KafkaProxy.start(site.brokers)
      try {
        const kills = async () => {
          for (const truth of ['committed', 'not committed'] as const) {
            proxy.lose({ ...faultOf('EndTxn', truth), times: 1 })
            const worker = run.start({
              brokers: proxy.brokers,
              requestTimeoutMs: REQUEST_TIMEOUT_MS,
              instanceId: 'pod-0',
              fault: { does: 'kill', step, count: 1 },
            })
            const end = await run.endOf(worker)
            if (end !== 'SIGKILL') throw new Error(`ended with ${end}: ${worker.describe()}`)
            faults.add(`EndTxn ${faultOf('EndTxn', truth).on} lost`)
            faults.add('SIGKILL in a reconcile')
          }
          run.start({ instanceId: 'pod-0' })
          await run.untilRunning()
        }
        await run.writeUntil(kills(), 50)
        await run.expectExact()
        await run.stopAll()
      } finally {
        await proxy.stop()
      }
    }),
}))

export const reconcileCases: readonly ConformanceCase[] = [...inDoubt, ...killed]
