import { setTimeout as wait } from 'node:timers/promises'
import type { ChainRun, Worker } from '../../support/chain/harness.ts'
import type { KafkaCluster } from '../../support/kafkaCluster.ts'
import type { ConformanceCase, Faults, Site } from '../case.ts'
import { withChain } from './chain.ts'
import { withCluster } from './kafkaRequests.ts'

type End = 'killed' | 'restarted'
type Office = 'group coordinator' | 'transaction coordinator' | 'leader'

const ENDS: readonly End[] = ['killed', 'restarted']
/** How long the others go on without the node before it comes back. */
const AWAY_MS = 3_000
/**
 * Kafka 4.3.1 takes a partition that has no leader just now for one that was deleted, and completes a transaction without
 * its marker there (KAFKA-20734): what stands in `__consumer_offsets` is then unstable for good. It happens while the only
 * node ends or begins. In its log it says so, and a task that meets it says why it waits.
 */
const LEFT_OUT = "Couldn't find leader endpoint for partitions"
const UNSTABLE = 'UNSTABLE_OFFSET_COMMIT'
const MAX_TRIES = 3

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

/** The only node says in its log that it has completed a transaction of this run without all of its markers. */
function leftOutMarkers(run: ChainRun, cluster: KafkaCluster): boolean {
  return cluster
    .log()
    .split('\n')
    .some(line => line.includes(LEFT_OUT) && line.includes(run.groupId))
}

/** What a partition that waits explains; doubled, foreign or out of order is what nothing excuses. */
function onlyWaits(error: unknown): boolean {
  if (!(error instanceof Error) || !error.message.includes(UNSTABLE)) return false
  return /^(missing: |not within )/.test(error.message) && !/^(doubled|foreign|disordered): /m.test(error.message)
}

async function goOnWhile(run: ChainRun, cluster: KafkaCluster, work: () => Promise<void>): Promise<number> {
  const settings = { requestTimeoutMs: 5_000, sessionTimeoutMs: 30_000 }
  const workers = [run.start(settings), run.start({ ...settings, stateDirectory: run.otherDirectory('second') })]
  await run.untilRunning(60_000)
  await run.writeUntil(work(), 60)
  const timeoutMs = cluster.size === 1 && leftOutMarkers(run, cluster) ? 20_000 : 60_000
  await run.untilRunning(timeoutMs)
  await run.expectExact(timeoutMs)
  await run.stopAll()
  return inDoubt(workers)
}

/**
 * One run. What it found where it shows nothing of us: the only node itself says why the offset will never be stable again,
 * or it went between two commits.
 */
async function whyNotJudged(site: Site, cluster: KafkaCluster, end: End, faults: Faults): Promise<string | null> {
  let found: string | null = null
  await withChain(
    site,
    async run => {
      try {
        const commitsHit = await goOnWhile(run, cluster, () => eachInTurn(run, cluster, end, faults))
        const still = offices.filter(office => cluster.size > 1 && faults.counts[`${office} moved`] === undefined)
        if (still.length > 0) throw new Error(`no ${still.join(', no ')} has moved`)
        // A node of three that ends in order hands over first, and may find no commit under way.
        if (commitsHit === 0 && (cluster.size === 1 || end === 'killed')) found = 'no commit was under way'
      } catch (error) {
        if (cluster.size > 1 || !onlyWaits(error) || !leftOutMarkers(run, cluster)) throw error
        found = 'markers left out by the broker'
        faults.add(found)
      }
    },
    { partitions: 6 },
  )
  return found
}

const offices: readonly Office[] = ['group coordinator', 'transaction coordinator', 'leader']

/**
 * Every node of the cluster goes away once, so leaders, group coordinator and transaction coordinators all move. Where the
 * only node says that it has left out markers, or has hit nothing, another run is made.
 */
export function brokerCases(cluster: () => KafkaCluster, nodes: 1 | 3): readonly ConformanceCase[] {
  return ENDS.map((end): ConformanceCase => ({
    row: 'moved',
    name: `every broker of ${nodes} is ${end} in turn, under load`,
    timeoutMs: 400_000,
    run: async (site, faults) => {
      for (let tries = 1; ; tries++) {
        const found = await whyNotJudged(site, cluster(), end, faults)
        if (found === null) return
        if (tries === MAX_TRIES) throw new Error(`none of ${MAX_TRIES} runs can be judged, the last one: ${found}`)
      }
    },
  }))
}
