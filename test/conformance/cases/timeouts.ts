import { setTimeout as wait } from 'node:timers/promises'
import type { EngineStep } from '../../../src/engine/options.ts'
import type { ConformanceCase } from '../case.ts'
import { withChain } from './chain.ts'
import { isForgotten, withCluster } from './kafkaRequests.ts'

const TRANSACTION_TIMEOUT_MS = 2_000

/** Broker settings that make its clocks quick enough to wait for. */
export const QUICK_BROKER = {
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': 300,
  'transactional.id.expiration.ms': 4_000,
  'transaction.remove.expired.transaction.cleanup.interval.ms': 500,
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

const expired: ConformanceCase = {
  row: 'lock',
  name: 'the transactional id expires while nothing comes, then input comes again',
  run: (site, faults) =>
    withChain(site, async run => {
      const worker = run.start()
      await run.write(10, 20)
      await run.expectExact()
      const ids = Array.from({ length: run.partitions }, (_, number) => `${run.groupId}-${run.topics.input}-${number}`)
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

/** For a broker with the settings QUICK_BROKER. */
export const timeoutCases: readonly ConformanceCase[] = [...frozen, expired]
