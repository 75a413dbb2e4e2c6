import type { ChainRun, Worker } from '../../support/chain/harness.ts'
import type { ChainSettings } from '../../support/chain/workerProtocol.ts'
import { KafkaProxy } from '../../support/kafkaProxy.ts'
import type { Fault } from '../../support/kafkaProxy.ts'
import type { ConformanceCase, Faults, Site } from '../case.ts'
import { REQUEST_TIMEOUT_MS } from './answers.ts'
import { withChain } from './chain.ts'
import { commitInTheNameOf, withCluster } from './kafkaRequests.ts'

type Content = 'input' | 'only timers' | 'only finished effects'
type Truth = 'committed' | 'not committed' | 'fenced'

const contents: readonly Content[] = ['input', 'only timers', 'only finished effects']
const truths: readonly Truth[] = ['committed', 'not committed', 'fenced']

/** Long enough to write and commit all input first. */
const HELD_BACK_MS = 9_000

/** The last step's answer is lost where it has committed; its request where it has not. */
const faultOf = (truth: Truth): Fault => ({
  api: 'EndTxn',
  on: truth === 'committed' ? 'response' : 'request',
  action: 'cut',
})

interface Scene {
  readonly run: ChainRun
  readonly site: Site
  readonly proxy: KafkaProxy
  readonly faults: Faults
  readonly content: Content
  readonly truth: Truth
}

/** Fills the input, and leaves only what the case is about to be committed in doubt. */
async function prepare({ run, proxy, content }: Scene): Promise<Worker> {
  const heldUntilMs = Date.now() + HELD_BACK_MS
  const variant: ChainSettings['variant'] = {
    stateVersion: 1,
    timersDueAtMs: content === 'only timers' ? heldUntilMs : 0,
    effectsEndAtMs: content === 'only finished effects' ? heldUntilMs : 0,
  }
  const worker = run.start({ brokers: proxy.brokers, requestTimeoutMs: REQUEST_TIMEOUT_MS, variant })
  await run.untilRunning()
  if (content === 'input') return worker
  await run.write(14)
  await run.untilInputDone()
  if (Date.now() > heldUntilMs)
    throw new Error('the machine is too slow for this case: timers were due before the fault')
  return worker
}

async function doubt({ run, proxy, faults, content, truth }: Scene, worker: Worker): Promise<void> {
  const { commits } = worker
  const without = worker.report?.commitsWithoutRecords
  proxy.lose({ ...faultOf(truth), ...(truth === 'fenced' ? {} : { times: 3 }) })
  if (content === 'input') await run.write(10, 60)
  await run.until(HELD_BACK_MS + 10_000, 'a commit is in doubt', () => proxy.hits.length > 0)
  if (truth === 'fenced') return
  const verdict = truth === 'committed' ? 'found-committed' : 'resent'
  await run.until(20_000, `a reconcile ends with ${verdict}`, () => worker.commits[verdict] > commits[verdict])
  if (content !== 'input') {
    const now = worker.report?.commitsWithoutRecords[verdict] ?? 0
    if (now <= (without?.[verdict] ?? 0)) throw new Error(`no cycle of ${content} was in doubt: ${worker.describe()}`)
  }
  faults.add(`EndTxn ${faultOf(truth).on} lost`, proxy.hits.length)
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

/**
 * Between the answer to R1 and R2 the process is as if it were gone: its R2 reaches nobody. Somebody else opens the partition
 * and commits the very record that was in doubt, in a cycle with the same number, end and place in the changelog.
 */
const movedBeforeR2: ConformanceCase = {
  row: 'R2',
  name: 'R1 was granted and the partition moved before R2: never found committed',
  timeoutMs: 120_000,
  run: (site, faults) =>
    withChain(
      site,
      async run => {
        const proxy = await KafkaProxy.start(site.brokers)
        try {
          const first = run.start({ brokers: proxy.brokers, requestTimeoutMs: REQUEST_TIMEOUT_MS })
          await run.untilRunning()
          await run.write(3)
          await run.untilInputDone()
          proxy.lose({ api: 'OffsetFetch', on: 'request', action: 'swallow' })
          proxy.lose({ api: 'Produce', on: 'request', action: 'cut', times: 1 })
          await run.write(1)
          await run.until(20_000, 'R1 is granted, R2 reaches nobody', () => proxy.hits.includes('OffsetFetch request'))
          faults.add('Produce request lost')
          const heir = run.start({ takesEverything: true, stateDirectory: run.otherDirectory('heir') })
          await run.until(30_000, 'the heir has committed that record', () => heir.commits.committed > 0)
          faults.add('takeover between R1 and R2')
          proxy.heal()
          await run.until(20_000, 'the first has its verdict', () => {
            return first.commits.lost + first.commits['found-committed'] > 0
          })
          if (first.commits['found-committed'] > 0) {
            throw new Error(`took the cycle of its heir for its own: ${first.describe()}`)
          }
          await heir.stop()
          await run.untilRunning(40_000)
          await run.write(3)
          await run.expectExact()
          await run.stopAll()
        } finally {
          await proxy.stop()
        }
      },
      { partitions: 1, keys: 1, settings: { logLevel: 'info' } },
    ),
}

/** R2 finds an offset that is neither that of the cycle in doubt nor the one before. */
const movedOffset: ConformanceCase = {
  row: 'R2',
  name: 'the offset was committed by somebody else while a cycle was in doubt: OWNERSHIP_LOST, opened anew',
  timeoutMs: 120_000,
  run: (site, faults) =>
    withChain(
      site,
      async run => {
        const proxy = await KafkaProxy.start(site.brokers)
        try {
          const worker = run.start({ brokers: proxy.brokers, requestTimeoutMs: REQUEST_TIMEOUT_MS })
          await run.untilRunning()
          await run.write(3)
          await run.untilInputDone()
          proxy.lose({ api: 'OffsetFetch', on: 'request', action: 'swallow' })
          proxy.lose({ api: 'EndTxn', on: 'request', action: 'cut', times: 1 })
          await run.write(1)
          await run.until(20_000, 'R1 is granted, R2 reaches nobody', () => proxy.hits.includes('OffsetFetch request'))
          faults.add('EndTxn request lost')
          const code = await withCluster(site.brokers, cluster =>
            commitInTheNameOf(cluster, {
              groupId: run.groupId,
              ...membershipOf(worker),
              topic: run.topics.input,
              partition: 0,
              offset: 3,
              metadata: 'by hand',
            }),
          )
          if (code !== 0) throw new Error(`the foreign commit was answered ${code}: ${worker.describe()}`)
          faults.add('offset moved')
          proxy.heal()
          await run.until(20_000, 'it learns of it', () => worker.log.includes('somebody moved it'))
          if (worker.commits['found-committed'] > 0) throw new Error(`found committed: ${worker.describe()}`)
          await run.write(3)
          await run.expectExact()
          await run.stopAll()
        } finally {
          await proxy.stop()
        }
      },
      { partitions: 1, keys: 1, settings: { logLevel: 'info' } },
    ),
}

/** As the worker itself logged it when it joined last. */
function membershipOf(worker: Worker): { readonly generation: number; readonly memberId: string } {
  const lines = worker.log.split('\n').filter(line => line.includes('joined the group'))
  return JSON.parse(lines.at(-1) ?? '{}') as { generation: number; memberId: string }
}

const inDoubt = truths.flatMap(truth =>
  contents.map((content): ConformanceCase => ({
    row: truth === 'fenced' ? 'R1' : 'R2',
    name: `a cycle of ${content} is in doubt: ${truth}`,
    timeoutMs: 120_000,
    run: (site, faults) =>
      withChain(
        site,
        async run => {
          const proxy = await KafkaProxy.start(site.brokers)
          try {
            const scene: Scene = { run, site, proxy, faults, content, truth }
            const worker = await prepare(scene)
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

export const reconcileCases: readonly ConformanceCase[] = [...inDoubt, movedBeforeR2, movedOffset]
