import type { ChainRun, Worker } from '../../support/chain/harness.ts'
import { KafkaProxy } from '../../support/kafkaProxy.ts'
import type { ConformanceCase, Faults } from '../case.ts'
import { REQUEST_TIMEOUT_MS } from './behindProxy.ts'
import { withChain } from './chain.ts'
import { contents, HELD_BACK_MS, startBefore } from './contents.ts'
import type { Content } from './contents.ts'

type Step = 'Produce' | 'TxnOffsetCommit' | 'EndTxn'
type Truth = 'committed' | 'not committed'

/** The broker has done the step and its answer is lost: after the last step that means that the cycle has committed. */
const doubts: readonly { readonly step: Step; readonly truth: Truth }[] = [
  { step: 'EndTxn', truth: 'committed' },
  { step: 'TxnOffsetCommit', truth: 'not committed' },
  { step: 'Produce', truth: 'not committed' },
]

interface Scene {
  readonly run: ChainRun
  readonly proxy: KafkaProxy
  readonly faults: Faults
  readonly content: Content
  readonly step: Step
  readonly truth: Truth
}

/** What the group has of each partition: offset, and the mark of the cycle that committed it. */
async function commitsOf({ kafka, groupId, topics, partitions }: ChainRun): Promise<string[]> {
  const [ofInput] = await kafka.fetchOffsets({ groupId, topics: [topics.input] })
  return Array.from({ length: partitions }, (_, number) => {
    const found = ofInput?.partitions.find(({ partition }) => partition === number)
    return `${found?.offset} ${found?.metadata}`
  })
}

/** Partitions with a commit in doubt, as the worker logs it. */
function inDoubt(worker: Worker): Set<unknown> {
  const lines = worker.log.split('\n').filter(line => line.includes('"commit in doubt"'))
  return new Set(lines.map(line => (JSON.parse(line) as { readonly partition: unknown }).partition))
}

/** Every partition has a cycle in doubt, with the outcome that this scene is about, and no R1 has reached anybody. */
async function bringDoubt(scene: Scene, worker: Worker): Promise<void> {
  const { run, proxy, faults, content, step, truth } = scene
  const before = await commitsOf(run)
  // Swallowed: a connection that is cut takes along what the other partitions have on it, at whatever step they are.
  proxy.lose({ api: step, on: 'response', action: 'swallow' })
  proxy.lose({ api: 'InitProducerId', on: 'request', action: 'swallow' })
  if (content === 'input') await run.write(1)
  await run.until(HELD_BACK_MS + 20_000, 'a commit of every partition is in doubt', () => {
    return inDoubt(worker).size === run.partitions
  })
  faults.add(`${step} answer lost`, proxy.hits.filter(hit => hit === `${step} response`).length)
  if (truth === 'committed') {
    await run.until(10_000, 'every cycle in doubt has committed', async () => {
      return (await commitsOf(run)).every((mark, partition) => mark !== before[partition])
    })
  } else if ((await commitsOf(run)).join() !== before.join()) {
    throw new Error(`a cycle that was not to commit did: ${worker.describe()}`)
  }
}

/**
 * Another process, which believes that it owns everything, takes the locks and goes on from what it found, while the group
 * goes on confirming the member whose cycles are in doubt. Only then R1 comes through: nothing else tells that member.
 */
async function fence({ run, proxy, faults, content }: Scene, worker: Worker): Promise<void> {
  const { variant } = worker.settings
  const heir = run.start({ takesEverything: true, variant, stateDirectory: run.otherDirectory('heir') })
  await run.until(40_000, 'the heir runs everything', () => heir.running === run.partitions)
  faults.add('takeover against the group', run.partitions)
  const committedMs = Date.now()
  await run.write(1)
  await run.until(20_000, 'the heir has committed something of every partition', () => {
    return (
      new Set(heir.cycles.filter(({ atMs }) => atMs >= committedMs).map(cycle => cycle.partition)).size ===
      run.partitions
    )
  })
  const { 'found-committed': found, resent } = worker.commits
  if (found + resent > 0) throw new Error(`R1 was not held back: ${worker.describe()}`)
  proxy.heal()
  await run.until(40_000, 'R1 is refused to every partition', () => worker.commits.lost >= run.partitions)
  if (!worker.log.includes('another instance took the partition over')) {
    throw new Error(`it was not R1 that told: ${worker.describe()}`)
  }
  if (worker.log.includes('the group has removed this member')) {
    throw new Error(`it was the group that told: ${worker.describe()}`)
  }
  if (content !== 'input' && (worker.report?.commitsWithoutRecords.lost ?? 0) === 0) {
    throw new Error(`no cycle of ${content} was lost: ${worker.describe()}`)
  }
  await heir.stop()
  await run.write(5, 50)
  await run.untilRunning(40_000)
}

/** An engine that sends again what it has in doubt, without its own R1, doubles the first of these and loses the order of all. */
export const fencedInDoubtCases: readonly ConformanceCase[] = doubts.flatMap(({ step, truth }) =>
  contents.map((content): ConformanceCase => ({
    row: 'R1',
    name: `a cycle of ${content} is in doubt after ${step}, ${truth}, and an heir goes on before R1: refused`,
    timeoutMs: 150_000,
    run: (site, faults) =>
      withChain(
        site,
        async run => {
          const proxy = await KafkaProxy.start(site.brokers)
          try {
            const behind = { brokers: proxy.brokers, requestTimeoutMs: REQUEST_TIMEOUT_MS }
            const worker = await startBefore(run, content, () => behind)
            if (content === 'input') {
              await run.write(3)
              await run.untilInputDone()
            }
            const scene: Scene = { run, proxy, faults, content, step, truth }
            await bringDoubt(scene, worker)
            await fence(scene, worker)
            await run.expectExact()
            await run.stopAll()
          } finally {
            await proxy.stop()
          }
        },
        { settings: { logLevel: 'info' } },
      ),
  })),
)
