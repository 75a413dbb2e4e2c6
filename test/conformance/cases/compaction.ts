import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { Cluster } from '../../../src/kafka/cluster.ts'
import { Fetcher } from '../../../src/kafka/fetcher.ts'
import { scanRecords } from '../../../src/kafka/recordBatch.ts'
import type { ChainRun } from '../../support/chain/harness.ts'
import { testClient } from '../../support/topics.ts'
import type { ConformanceCase, Site } from '../case.ts'
import { withChain } from './chain.ts'

/** Broker settings under which a changelog is compacted within seconds. */
export const QUICK_CLEANER = { 'log.cleaner.backoff.ms': 300, 'log.retention.check.interval.ms': 500 } as const

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

/** Two other producers write one key of partition 0 after each other: compaction must keep the first one's batch, empty. */
async function writeForeign(run: ChainRun, site: Site): Promise<void> {
  for (const value of ['1', null]) {
    const transactionalId = `${run.id}-foreign-${value ?? 'tombstone'}`
    const foreign = testClient(site.brokers).producer({ transactionalId, maxInFlightRequests: 1, idempotent: true })
    await foreign.connect()
    const transaction = await foreign.transaction()
    await transaction.send({ topic: run.topics.changelog, messages: [{ partition: 0, key: 'foreign/x', value }] })
    await transaction.commit()
    await foreign.disconnect()
  }
}

async function untilCompacted(run: ChainRun, site: Site): Promise<void> {
  const end = (await run.ends(run.topics.changelog)).get(0) ?? 0
  await run.until(60_000, 'the changelog is compacted to empty batches', async () => {
    // A new segment begins only with a new record.
    await run.write(1)
    await wait(1_000)
    const now = await shapeOf(site, run.topics.changelog, end)
    return now.records < end / 4 && now.emptyBatches > 0
  })
}

const QUICK_CHANGELOG = {
  keys: 8,
  changelogConfig: {
    'segment.ms': '500',
    'min.cleanable.dirty.ratio': '0.01',
    'min.compaction.lag.ms': '0',
    'max.compaction.lag.ms': '1000',
    'delete.retention.ms': '0',
  },
} as const

/** For a broker with the settings QUICK_CLEANER. */
export const compactionCase: ConformanceCase = {
  row: 'restore',
  name: 'a compacted changelog with empty batches that ends in markers is restored whole',
  timeoutMs: 120_000,
  run: (site, faults) =>
    withChain(
      site,
      async run => {
        const first = run.start()
        await run.write(40, 40)
        // Records of others in the changelog of a partition that was never committed are refused: OFFSET_MISSING.
        await run.expectExact()
        await writeForeign(run, site)
        await run.expectExact()
        await untilCompacted(run, site)
        faults.add('changelog compacted to empty batches')
        for (const { partition, low } of await run.kafka.fetchTopicOffsets(run.topics.changelog)) {
          // A start that has moved therefore says that records were deleted.
          if (low !== '0') throw new Error(`compaction moved the start of partition ${partition} to ${low}`)
        }
        await run.expectExact()
        await first.kill()
        faults.add('SIGKILL')
        run.start({ stateDirectory: run.otherDirectory('cold') })
        await run.write(10)
        await run.expectExact()
        await run.stopAll()
      },
      QUICK_CHANGELOG,
    ),
}

/** How long the timers wait that are in the store when it is copied, and have fired before it comes back. */
const TIMERS_MS = 40_000

/** For a broker with the settings QUICK_CLEANER. Believed, the store would let its timers fire a second time. */
export const missedDeleteCase: ConformanceCase = {
  row: 'store',
  name: 'a local store that missed deletes whose tombstones are gone: too old, wiped, and no timer fires again',
  timeoutMs: 240_000,
  run: (site, faults) =>
    withChain(
      site,
      async run => {
        const timersDueAtMs = Date.now() + TIMERS_MS
        const variant = { stateVersion: 1, timersDueAtMs, effectsEndAtMs: 0 } as const
        const first = run.start({ variant })
        await run.write(7)
        await run.untilInputDone()
        await first.stop()
        if (Date.now() > timersDueAtMs) throw new Error('the timers have fired: this machine is too slow for this case')
        const old = run.otherDirectory('old')
        await cp(join(run.stateDirectory, 'chain'), join(old, 'chain'), { recursive: true })
        const second = run.start({ variant })
        await run.expectExact(90_000)
        await writeForeign(run, site)
        await untilCompacted(run, site)
        faults.add('tombstones compacted away')
        await run.expectExact()
        await second.stop()
        const worker = run.start({ stateDirectory: old, maxStoreAgeMs: 1_000, logLevel: 'info' })
        faults.add('local store from before the deletes', run.partitions)
        await run.untilRunning()
        await run.write(2)
        await run.untilInputDone()
        await run.expectExact()
        if (!worker.log.includes('local store is too old')) throw new Error(`not seen: ${worker.describe()}`)
        await run.stopAll()
      },
      QUICK_CHANGELOG,
    ),
}
