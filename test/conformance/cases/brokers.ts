import { setTimeout as wait } from 'node:timers/promises'
import type { ChainRun, Worker } from '../../support/chain/harness.ts'
import type { KafkaCluster } from '../../support/kafkaCluster.ts'
import type { ConformanceCase, Faults } from '../case.ts'
import { withChain } from './chain.ts'
import { withCluster } from './kafkaRequests.ts'

type End = 'killed' | 'restarted'
type Office = 'group coordinator' | 'transaction coordinator' | 'leader'

/** How long the others go on without the node before it comes back. */
const AWAY_MS = 3_000

interface Held {
  readonly office: Office
  /** The group, transactional id or partition that it is for. */
  readonly name: string
  readonly nodeId: number
}

/** Who leads and coordinates for this run, as the cluster says now. Throws while it does not know. */
async function officesOf(run: ChainRun, brokers: string): Promise<Held[]> {
  return withCluster(brokers, async cluster => {
    const held: Held[] = []
    held.push({
      office: 'group coordinator',
      name: run.groupId,
      nodeId: await cluster.coordinator('group', run.groupId),
    })
    for (let partition = 0; partition < run.partitions; partition++) {
      const name = `${run.groupId}-${run.topics.input}-${partition}`
      held.push({ office: 'transaction coordinator', name, nodeId: await cluster.coordinator('transaction', name) })
      for (const topic of Object.values<string>({ ...run.topics })) {
        const nodeId = await cluster.leaderOf(topic, partition)
        held.push({ office: 'leader', name: `${topic}-${partition}`, nodeId })
      }
    }
    return held
  })
}

/** Waits until others do what the node did that has gone; counts it. */
async function takenOver(run: ChainRun, brokers: string, gone: readonly Held[], faults: Faults): Promise<void> {
  await run.until(60_000, 'others lead and coordinate what the node did', async () => {
    await wait(300)
    const now = await officesOf(run, brokers).catch(() => null)
    if (now === null) return false
    return gone.every(({ office, name, nodeId }) => {
      return now.some(one => one.office === office && one.name === name && one.nodeId !== nodeId)
    })
  })
  for (const { office } of gone) faults.add(`${office} moved`)
}

async function eachInTurn(run: ChainRun, cluster: KafkaCluster, end: End, faults: Faults): Promise<void> {
  for (let index = 0; index < cluster.size; index++) {
    const held = (await officesOf(run, cluster.brokers)).filter(({ nodeId }) => nodeId === cluster.nodeId(index))
    if (end === 'killed') await cluster.kill(index)
    else await cluster.shutDown(index)
    faults.add(end === 'killed' ? 'broker SIGKILL' : 'broker SIGTERM')
    await wait(AWAY_MS)
    if (cluster.size > 1) await takenOver(run, cluster.brokers, held, faults)
    await cluster.restart(index)
    await wait(1_500)
  }
}

const inDoubt = (workers: readonly Worker[]): number =>
  workers.reduce((sum, { log }) => sum + log.split('commit in doubt').length - 1, 0)

async function goOnWhile(run: ChainRun, work: () => Promise<void>): Promise<number> {
  const settings = { requestTimeoutMs: 5_000, sessionTimeoutMs: 30_000 }
  const workers = [run.start(settings), run.start({ ...settings, stateDirectory: run.otherDirectory('second') })]
  await run.untilRunning(60_000)
  await run.writeUntil(work(), 60)
  await run.untilRunning(60_000)
  await run.expectExact(60_000)
  await run.stopAll()
  return inDoubt(workers)
}

const offices: readonly Office[] = ['group coordinator', 'transaction coordinator', 'leader']

/**
 * Every node of the cluster goes away once, so leaders, group coordinator and transaction coordinators all move. The only
 * node of a cluster is not killed: see "Not forced" in `docs/conformance.md`.
 */
export function brokerCases(cluster: () => KafkaCluster, nodes: 1 | 3): readonly ConformanceCase[] {
  const ends: readonly End[] = nodes === 1 ? ['restarted'] : ['killed', 'restarted']
  return ends.map((end): ConformanceCase => ({
    row: 'moved',
    name: `every broker of ${nodes} is ${end} in turn, under load`,
    timeoutMs: 300_000,
    run: (site, faults) =>
      withChain(
        site,
        async run => {
          const commitsHit = await goOnWhile(run, () => eachInTurn(run, cluster(), end, faults))
          const still = offices.filter(office => nodes > 1 && faults.counts[`${office} moved`] === undefined)
          if (still.length > 0) throw new Error(`no ${still.join(', no ')} has moved`)
          // A node of three that ends in order hands over first, and may find no commit under way.
          if (commitsHit === 0 && (nodes === 1 || end === 'killed')) throw new Error('no commit was under way')
        },
        { partitions: 6 },
      ),
  }))
}
