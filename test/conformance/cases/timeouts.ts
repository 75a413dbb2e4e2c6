import { setTimeout as wait } from 'node:timers/promises'
import type { EngineStep } from '../../../src/engine/options.ts'
import type { Cluster } from '../../../src/kafka/cluster.ts'
import type { ChainRun } from '../../support/chain/harness.ts'
import type { ConformanceCase, Site } from '../case.ts'
import { withChain } from './chain.ts'
import { isForgotten, producersOf, withCluster } from './kafkaRequests.ts'
import type { ProducerState } from './kafkaRequests.ts'

const TRANSACTION_TIMEOUT_MS = 2_000

/** Broker settings that make its clocks quick enough to wait for. */
export const QUICK_BROKER = {
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': 300,
  'transactional.id.expiration.ms': 4_000,
  'transaction.remove.expired.transaction.cleanup.interval.ms': 500,
  'producer.id.expiration.ms': 4_000,
  'producer.id.expiration.check.interval.ms': 500,
} as const

/** Only what the leaders of partitions keep of a producer expires. */
export const FORGETFUL_LEADERS = {
  'producer.id.expiration.ms': 4_000,
  'producer.id.expiration.check.interval.ms': 500,
} as const

const frozen = (['produced', 'offset-committed'] as const satisfies EngineStep[]).map((step): ConformanceCase => ({
  row: 'unknown',
  name: `the broker's transaction timeout passes after the step "${step}" while the member stays in its group`,
  run: (site, faults) =>
    withChain(site, async run => {
      const worker = run.start({
        transactionTimeoutMs: TRANSACTION_TIMEOUT_MS,
        sessionTimeoutMs: 30_000,
        fault: { does: 'stop', step, count: 12 },
      })
      const scene = async () => {
        await run.until(30_000, 'the worker stops', () => worker.isStopped())
        await wait(TRANSACTION_TIMEOUT_MS + 2_500)
        faults.add('transaction timeout')
        worker.process.kill('SIGCONT')
        await run.until(20_000, 'the cycle is sent again', () => worker.commits.resent > 0)
        if (worker.commits.lost > 0) throw new Error(`a cycle was lost: ${worker.describe()}`)
      }
      await run.writeUntil(scene(), 50)
      await run.expectExact()
      await run.stopAll()
    }),
}))

function transactionalIdsOf({ groupId, topics, partitions }: ChainRun): string[] {
  return Array.from({ length: partitions }, (_, number) => `${groupId}-${topics.input}-${number}`)
}

const expired: ConformanceCase = {
  row: 'lock',
  name: 'the transactional id expires while nothing comes, then input comes again',
  run: (site, faults) =>
    withChain(site, async run => {
      const worker = run.start()
      await run.write(10, 20)
      await run.expectExact()
      const ids = transactionalIdsOf(run)
      await withCluster(site.brokers, async cluster => {
        await run.until(45_000, 'the coordinator has forgotten every transactional id', async () => {
          return (await Promise.all(ids.map(id => isForgotten(cluster, id)))).every(Boolean)
        })
      })
      faults.add('transactional id expired', run.partitions)
      await run.write(10, 20)
      await run.expectExact()
      const { resent, lost } = worker.commits
      if (resent + lost === 0 || !worker.log.includes('INVALID_PRODUCER_ID_MAPPING')) {
        throw new Error(`no commit met it: ${worker.describe()}`)
      }
      await run.stopAll()
    }),
}

/** What the leaders of all that a run writes to know of its producers: one for each place, that of its task. */
async function producersIn(cluster: Cluster, { topics, partitions }: ChainRun): Promise<Map<string, ProducerState>> {
  const known = new Map<string, ProducerState>()
  for (const topic of [topics.output, topics.changelog]) {
    for (let partition = 0; partition < partitions; partition++) {
      const [state] = await producersOf(cluster, topic, partition)
      if (state !== undefined) known.set(`${topic}-${partition}`, state)
    }
  }
  return known
}

/**
 * Under V1 an epoch, and what is counted in it, lasts for as long as nothing goes wrong; V2 begins one at the end of each
 * transaction.
 */
function goesOn(protocol: Site['protocol'], before: ProducerState, now: ProducerState | undefined): boolean {
  if (now?.producerId !== before.producerId) return false
  return protocol === 'v1'
    ? now.epoch === before.epoch && now.lastSequence > before.lastSequence
    : now.epoch >= before.epoch
}

/**
 * The everyday case: a partition is quiet for a day, so its leaders forget the sequence numbers, while the coordinator keeps
 * the transactional id for a week. Under V1 sequences then go on above 0 with nothing before them.
 */
const quiet: ConformanceCase = {
  row: 'unknown',
  name: 'the leaders forget the producers while nothing comes, the coordinator does not: sequences go on, no commit is in doubt',
  run: (site, faults) =>
    withChain(site, async run => {
      const worker = run.start({ sessionTimeoutMs: 30_000 })
      await run.write(30, 20)
      await withCluster(site.brokers, async cluster => {
        const last = new Map<string, ProducerState>()
        await run.until(60_000, 'the leaders have forgotten the producers that they knew', async () => {
          const known = await producersIn(cluster, run)
          for (const [place, state] of known) last.set(place, state)
          return last.size > 0 && known.size === 0
        })
        faults.add('producer state expired', last.size)
        await run.expectExact()
        for (const id of transactionalIdsOf(run)) {
          if (await isForgotten(cluster, id)) throw new Error(`the coordinator has forgotten ${id}`)
        }
        const first = new Map<string, ProducerState>()
        const seen = run.until(30_000, 'every leader knows its producer again', async () => {
          for (const [place, state] of await producersIn(cluster, run)) if (!first.has(place)) first.set(place, state)
          return first.size >= last.size
        })
        // Few records, so that sequences which began at 0 again would not have come as far as before.
        await run.writeUntil(seen, 2_000)
        const anew = [...last].filter(([place, before]) => !goesOn(site.protocol, before, first.get(place)))
        if (anew.length > 0)
          throw new Error(`does not go on: ${anew.map(([place]) => place).join()}: ${worker.describe()}`)
      })
      await run.expectExact()
      if (/OUT_OF_ORDER_SEQUENCE|UNKNOWN_PRODUCER_ID|INVALID_PRODUCER/.test(worker.log)) {
        throw new Error(`a commit was in doubt: ${worker.describe()}`)
      }
      await run.stopAll()
    }),
}

/** For a broker with the settings FORGETFUL_LEADERS. */
export const quietCases: readonly ConformanceCase[] = [quiet]

/** For a broker with the settings QUICK_BROKER. */
export const timeoutCases: readonly ConformanceCase[] = [...frozen, expired]
