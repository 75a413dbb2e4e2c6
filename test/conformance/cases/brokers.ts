import { setTimeout as wait } from 'node:timers/promises'
import type { ChainRun } from '../../support/chain/harness.ts'
import type { KafkaCluster } from '../../support/kafkaCluster.ts'
import type { ConformanceCase, Faults } from '../case.ts'
import { withChain } from './chain.ts'

type End = 'killed' | 'restarted'

/** How long the others go on without the node before it comes back. */
const AWAY_MS = 3_000

async function eachInTurn(cluster: KafkaCluster, end: End, faults: Faults): Promise<void> {
  for (let index = 0; index < cluster.size; index++) {
    if (end === 'killed') await cluster.kill(index)
    else await cluster.shutDown(index)
    faults.add(end === 'killed' ? 'broker SIGKILL' : 'broker SIGTERM')
    await wait(AWAY_MS)
    await cluster.restart(index)
    await wait(1_500)
  }
}

async function goOnWhile(run: ChainRun, work: () => Promise<void>): Promise<void> {
  run.start({ requestTimeoutMs: 5_000, sessionTimeoutMs: 30_000 })
  run.start({ requestTimeoutMs: 5_000, sessionTimeoutMs: 30_000, stateDirectory: run.otherDirectory('second') })
  await run.untilRunning(60_000)
  await run.writeUntil(work(), 60)
  await run.untilRunning(60_000)
  await run.expectExact(60_000)
  await run.stopAll()
}

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
      withChain(site, run => goOnWhile(run, () => eachInTurn(cluster(), end, faults)), { partitions: 6 }),
  }))
}
