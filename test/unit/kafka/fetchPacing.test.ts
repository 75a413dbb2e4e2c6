import { afterEach, describe, expect, it } from 'vitest'
import { Cluster } from '../../../src/kafka/cluster.ts'
import { Fetcher } from '../../../src/kafka/fetcher.ts'
import { Writer } from '../../../src/kafka/wire.ts'
import { batchOf, record } from './batches.ts'
import { apiVersionsAnswer, FakeBroker, metadataAnswer, MODERN } from './fakeBroker.ts'

const [FETCH, METADATA, API_VERSIONS] = [1, 3, 18]
const FETCHES = 30
const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.close()
})

/**
 * Milliseconds between the fetches of one subscription, as they come to a broker that has the next record, of so many
 * bytes, at once. A machine that stalls makes some longer, none shorter.
 */
async function gapsBetweenFetches(recordBytes: number): Promise<number[]> {
  const cameAtMs: number[] = []
  const value = 'x'.repeat(recordBytes)
  const broker = await FakeBroker.start(({ apiKey, answer }, self) => {
    if (apiKey === API_VERSIONS) answer(apiVersionsAnswer(MODERN))
    if (apiKey === METADATA) answer(metadataAnswer(self.address, [{ name: 'cards', leaders: [1] }]))
    if (apiKey !== FETCH) return
    const end = BigInt(cameAtMs.length + 1)
    const body = new Writer().int32(0).int16(0).int32(0).int32(1).string('cards').int32(1)
    body.int32(0).int16(0).int64(end).int64(end).int64(0).int32(0).int32(-1)
    answer(body.bytes(batchOf([record(value)], { baseOffset: cameAtMs.length })).finish())
    cameAtMs.push(performance.now())
  })
  open.push({ close: () => broker[Symbol.asyncDispose]() })
  const cluster = await Cluster.connect({ brokers: [broker.address], clientId: 'test', requestTimeoutMs: 2_000 })
  const fetcher = new Fetcher(cluster)
  open.push(cluster, fetcher)
  const subscription = fetcher.subscribe('cards', 0, 0, () => {
    while (subscription.take() !== undefined);
  })
  await expect.poll(() => cameAtMs.length, { timeout: 20_000 }).toBeGreaterThan(FETCHES)
  return cameAtMs.slice(1, FETCHES).map((atMs, index) => atMs - cameAtMs[index]!)
}

describe('the pace of fetches', () => {
  it('is slow on a trickle: it gathers for 10 ms instead of a fetch for each record', async () => {
    // Timers of Node may run up to a millisecond early.
    expect(Math.min(...(await gapsBetweenFetches(100)))).toBeGreaterThan(8)
  }, 30_000)

  it('is as fast as the broker where there is much to read', async () => {
    const quick = (await gapsBetweenFetches(40 << 10)).filter(gapMs => gapMs < 8)
    expect(quick.length).toBeGreaterThan(5)
  }, 30_000)
})
