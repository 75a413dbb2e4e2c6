import { setTimeout as wait } from 'node:timers/promises'
import type { EngineStep } from '../../../src/engine/options.ts'
import { Cluster } from '../../../src/kafka/cluster.ts'
import { Fetcher } from '../../../src/kafka/fetcher.ts'
import { scanRecords } from '../../../src/kafka/recordBatch.ts'
import type { ChainRun } from '../../support/chain/harness.ts'
import type { ConformanceCase, Site } from '../case.ts'
import { withChain } from './chain.ts'

const TRANSACTION_TIMEOUT_MS = 2_000

/** Broker settings that make its clocks quick enough to wait for. */
export const QUICK_BROKER = {
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': 300,
  'transactional.id.expiration.ms': 4_000,
  'transaction.remove.expired.transaction.cleanup.interval.ms': 500,
  'producer.id.expiration.ms': 4_000,
  'producer.id.expiration.check.interval.ms': 500,
  'log.cleaner.backoff.ms': 300,
  'log.retention.check.interval.ms': 500,
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
      run.start()
      await run.write(10, 20)
      await run.expectExact()
      await wait(8_000)
      faults.add('producer id expired', run.partitions)
      await run.write(10, 20)
      await run.expectExact()
      await run.stopAll()
    }),
}

/** Batches and records of partition 0 of a topic, as they lie in the log. */
async function shapeOf(site: Site, topic: string, until: number): Promise<{ records: number; emptyBatches: number }> {
  const cluster = await Cluster.connect({ brokers: site.brokers.split(','), clientId: 'shape' })
  const fetcher = new Fetcher(cluster)
  let wake: () => void = () => undefined
  const subscription = fetcher.subscribe(topic, 0, 0, () => wake())
  let records = 0
  let emptyBatches = 0
  let position = 0
  while (position < until) {
    const chunk = subscription.take()
    if (chunk === undefined) {
      await Promise.race([new Promise<void>(resolve => (wake = resolve)), wait(200)])
      continue
    }
    position = scanRecords(chunk.bytes, position, chunk.aborted, () => {
      records++
    })
    emptyBatches += countEmpty(chunk.bytes)
  }
  await fetcher.close()
  await cluster.close()
  return { records, emptyBatches }
}

/** Batches without any record: base offset 8 bytes, length 4, and the record count at 57. */
function countEmpty(bytes: Buffer): number {
  let empty = 0
  for (let at = 0; at + 61 <= bytes.length; at += 12 + bytes.readInt32BE(at + 8)) {
    if (at + 12 + bytes.readInt32BE(at + 8) > bytes.length) break
    if (bytes.readInt32BE(at + 57) === 0) empty++
  }
  return empty
}

async function untilCompacted(run: ChainRun, site: Site): Promise<void> {
  const end = (await run.ends(run.topics.changelog)).get(0) ?? 0
  const before = await shapeOf(site, run.topics.changelog, end)
  await run.until(40_000, 'the changelog is compacted to empty batches', async () => {
    // A new segment begins only with a new record.
    await run.write(1)
    await wait(1_000)
    const now = await shapeOf(site, run.topics.changelog, end)
    return now.records < before.records / 2 && now.emptyBatches > 0
  })
}

const compacted: ConformanceCase = {
  row: 'restore',
  name: 'a compacted changelog with empty batches that ends in markers is restored whole',
  timeoutMs: 120_000,
  run: (site, faults) =>
    withChain(
      site,
      async run => {
        const first = run.start()
        await run.write(40, 40)
        await run.expectExact()
        await untilCompacted(run, site)
        faults.add('changelog compacted to empty batches')
        await run.expectExact()
        await first.kill()
        faults.add('SIGKILL')
        run.start({ stateDirectory: run.otherDirectory('cold') })
        await run.write(10)
        await run.expectExact()
        await run.stopAll()
      },
      {
        keys: 8,
        changelogConfig: {
          'segment.ms': '500',
          'min.cleanable.dirty.ratio': '0.01',
          'min.compaction.lag.ms': '0',
          'max.compaction.lag.ms': '1000',
          'delete.retention.ms': '0',
        },
      },
    ),
}

/** For a broker with the settings QUICK_BROKER. */
export const timeoutCases: readonly ConformanceCase[] = [...frozen, expired, compacted]
