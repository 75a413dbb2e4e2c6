import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { Cluster } from '../../../src/kafka/cluster.ts'
import { Fetcher } from '../../../src/kafka/fetcher.ts'
import { Writer } from '../../../src/kafka/wire.ts'
import { batchOf, record } from './batches.ts'
import { apiVersionsAnswer, FakeBroker, metadataAnswer, MODERN } from './fakeBroker.ts'

const [FETCH, METADATA, API_VERSIONS] = [1, 3, 18]
const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.close()
})

/** Fetches of one subscription that reads for 400 ms from a broker that has the next record, of so many bytes, at once. */
async function fetchesIn400Ms(recordBytes: number): Promise<{ fetches: number; read: number }> {
  let fetches = 0
  const value = 'x'.repeat(recordBytes)
  const broker = await FakeBroker.start(({ apiKey, answer }, self) => {
    if (apiKey === API_VERSIONS) answer(apiVersionsAnswer(MODERN))
    if (apiKey === METADATA) answer(metadataAnswer(self.address, [{ name: 'cards', leaders: [1] }]))
    if (apiKey !== FETCH) return
    const end = BigInt(fetches + 1)
    const body = new Writer().int32(0).int16(0).int32(0).int32(1).string('cards').int32(1)
    body.int32(0).int16(0).int64(end).int64(end).int64(0).int32(0).int32(-1)
    answer(body.bytes(batchOf([record(value)], { baseOffset: fetches++ })).finish())
  })
  open.push({ close: () => broker[Symbol.asyncDispose]() })
  const cluster = await Cluster.connect({ brokers: [broker.address], clientId: 'test', requestTimeoutMs: 2_000 })
  const fetcher = new Fetcher(cluster)
  open.push(cluster, fetcher)
  let read = 0
  const subscription = fetcher.subscribe('cards', 0, 0, () => {
    while (subscription.take() !== undefined) read++
  })
  await expect.poll(() => read, { timeout: 5_000 }).toBeGreaterThan(0)
  const before = fetches
  await wait(400)
  return { fetches: fetches - before, read }
}

describe('the pace of fetches', () => {
  it('is slow on a trickle: it gathers for 10 ms instead of a fetch for each record', async () => {
    const { fetches, read } = await fetchesIn400Ms(100)
    expect(fetches).toBeLessThanOrEqual(41)
    expect(read).toBeGreaterThan(3)
  })

  it('is as fast as the broker where there is much to read', async () => {
    const { fetches } = await fetchesIn400Ms(40 << 10)
    expect(fetches).toBeGreaterThan(41)
  })
})
