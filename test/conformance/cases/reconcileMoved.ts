import { setTimeout as wait } from 'node:timers/promises'
import type { ChainRun, Worker } from '../../support/chain/harness.ts'
import type { ChainSettings } from '../../support/chain/workerProtocol.ts'
import { KafkaProxy } from '../../support/kafkaProxy.ts'
import type { ConformanceCase, Faults, Site } from '../case.ts'
import { REQUEST_TIMEOUT_MS } from './behindProxy.ts'
import { withChain } from './chain.ts'
import { contents, HELD_BACK_MS, startBefore } from './contents.ts'
import type { Content } from './contents.ts'
import { commitInTheNameOf, withCluster } from './kafkaRequests.ts'

/** One partition with one key: the heir's first cycle is as much like the one in doubt as can be. */
const ALIKE = { partitions: 1, keys: 1, settings: { logLevel: 'info' } } as const

interface Scene {
  readonly run: ChainRun
  readonly site: Site
  readonly proxy: KafkaProxy
  readonly faults: Faults
  readonly content: Content
}

/** The one cycle after which the partition moves; input is written for it, everything else comes by itself. */
async function bringContent({ run, content }: Scene): Promise<void> {
  if (content === 'input') await run.write(1)
}

/** A worker behind the proxy that has committed all that came before the cycle that is to be in doubt. */
async function settled(scene: Scene, settings: Partial<ChainSettings> = {}): Promise<Worker> {
  const { run, proxy, content } = scene
  const behind = { brokers: proxy.brokers, requestTimeoutMs: REQUEST_TIMEOUT_MS, ...settings }
  const worker = await startBefore(run, content, () => behind)
  if (content === 'input') {
    await run.write(3)
    await run.untilInputDone()
  }
  return worker
}

/** Whatever the first one finds, it is not its own cycle; what it then does anew is exact. */
async function afterwards({ run, content }: Scene, first: Worker): Promise<void> {
  await run.until(20_000, 'the first has its verdict', () => first.commits.lost + first.commits['found-committed'] > 0)
  if (first.commits['found-committed'] > 0) {
    throw new Error(`took the cycle of its heir for its own: ${first.describe()}`)
  }
  if (content !== 'input' && (first.report?.commitsWithoutRecords.lost ?? 0) === 0) {
    throw new Error(`no cycle of ${content} was lost: ${first.describe()}`)
  }
}

function inScene(content: Content, body: (scene: Scene) => Promise<void>): ConformanceCase['run'] {
  return (site, faults) =>
    withChain(
      site,
      async run => {
        const proxy = await KafkaProxy.start(site.brokers)
        try {
          await body({ run, site, proxy, faults, content })
          await run.write(3)
          await run.expectExact()
          await run.stopAll()
        } finally {
          await proxy.stop()
        }
      },
      ALIKE,
    )
}

const of = (content: Content): string => (content === 'input' ? '' : `, a cycle of ${content}`)

/**
 * Between the answer to R1 and R2 the process is as if it were gone: its R2 reaches nobody. Somebody else opens the partition
 * and commits the very thing that was in doubt, in a cycle with the same number, end and place in the changelog.
 */
const movedBeforeR2 = contents.map((content): ConformanceCase => ({
  row: 'R2',
  name: `R1 was granted and the partition moved before R2${of(content)}: never found committed`,
  timeoutMs: 120_000,
  run: inScene(content, async scene => {
    const { run, proxy, faults } = scene
    const first = await settled(scene)
    proxy.lose({ api: 'OffsetFetch', on: 'request', action: 'swallow' })
    proxy.lose({ api: 'Produce', on: 'request', action: 'cut', times: 1 })
    await bringContent(scene)
    await run.until(HELD_BACK_MS + 20_000, 'R1 is granted, R2 reaches nobody', () => {
      return proxy.hits.includes('OffsetFetch request')
    })
    faults.add('Produce request lost')
    const heir = run.start({
      takesEverything: true,
      variant: first.settings.variant,
      stateDirectory: run.otherDirectory('heir'),
    })
    await run.until(30_000, 'the heir has committed it', () => heir.commits.committed > 0)
    faults.add('takeover between R1 and R2')
    proxy.heal()
    await afterwards(scene, first)
    await heir.stop()
    await run.untilRunning(40_000)
  }),
}))

/** The process stops between R1 and R2 for so long that the group gives its partition away. */
const stoppedBeforeR2: ConformanceCase = {
  row: 'R2',
  name: 'the process stops after R1 for longer than its session, and comes back to a new owner: never found committed',
  timeoutMs: 120_000,
  run: inScene('input', async scene => {
    const { run, proxy, faults } = scene
    const first = await settled(scene, { fault: { does: 'stop', step: 'reconcile-proved', count: 1 } })
    proxy.lose({ api: 'Produce', on: 'request', action: 'cut', times: 1 })
    await bringContent(scene)
    await run.until(30_000, 'it stops after R1', () => first.isStopped())
    faults.add('Produce request lost')
    faults.add('SIGSTOP beyond the session, between R1 and R2')
    const heir = run.start({ stateDirectory: run.otherDirectory('heir') })
    await run.until(40_000, 'the heir has committed it', () => heir.commits.committed > 0)
    first.process.kill('SIGCONT')
    await afterwards(scene, first)
    await wait(1_000)
    if (heir.commits.lost > 0) throw new Error(`the heir was disturbed: ${heir.describe()}`)
    await run.untilRunning(40_000)
  }),
}

/** R2 finds an offset that is neither that of the cycle in doubt nor the one before. */
const movedOffset = contents.map((content): ConformanceCase => ({
  row: 'R2',
  name: `the offset was committed by somebody else while a cycle${content === 'input' ? '' : ` of ${content}`} was in doubt: OWNERSHIP_LOST, opened anew`,
  timeoutMs: 120_000,
  run: inScene(content, async scene => {
    const { run, site, proxy, faults } = scene
    const worker = await settled(scene)
    const offset = (await run.ends(run.topics.input)).get(0) ?? 0
    proxy.lose({ api: 'OffsetFetch', on: 'request', action: 'swallow' })
    proxy.lose({ api: 'EndTxn', on: 'request', action: 'cut', times: 1 })
    await bringContent(scene)
    await run.until(HELD_BACK_MS + 20_000, 'R1 is granted, R2 reaches nobody', () => {
      return proxy.hits.includes('OffsetFetch request')
    })
    faults.add('EndTxn request lost')
    const code = await withCluster(site.brokers, cluster =>
      commitInTheNameOf(cluster, {
        groupId: run.groupId,
        ...membershipOf(worker),
        topic: run.topics.input,
        partition: 0,
        offset,
        metadata: 'by hand',
      }),
    )
    if (code !== 0) throw new Error(`the foreign commit was answered ${code}: ${worker.describe()}`)
    faults.add('offset moved')
    proxy.heal()
    await run.until(20_000, 'it learns of it', () => worker.log.includes('somebody moved it'))
    await afterwards(scene, worker)
  }),
}))

/** As the worker itself logged it when it joined last. */
function membershipOf(worker: Worker): { readonly generation: number; readonly memberId: string } {
  const lines = worker.log.split('\n').filter(line => line.includes('joined the group'))
  return JSON.parse(lines.at(-1) ?? '{}') as { generation: number; memberId: string }
}

export const reconcileMovedCases: readonly ConformanceCase[] = [...movedBeforeR2, stoppedBeforeR2, ...movedOffset]
