import { afterEach, describe, expect, it } from 'vitest'
import { toTaskError } from '../../../src/engine/errors.ts'
import { Cluster } from '../../../src/kafka/cluster.ts'
import { CorruptBatchError } from '../../../src/kafka/errors.ts'
import { Fetcher } from '../../../src/kafka/fetcher.ts'
import type { Subscription } from '../../../src/kafka/fetcher.ts'
import { Writer } from '../../../src/kafka/wire.ts'
import { batchOf, record } from './batches.ts'
import { apiVersionsAnswer, FakeBroker, metadataAnswer, MODERN } from './fakeBroker.ts'

const [FETCH, METADATA, API_VERSIONS] = [1, 3, 18]
const open: { close(): Promise<void> }[] = []

afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.close()
})

/** A broker that answers one fetch after the other with these bytes, and the last ones again and again. */
async function brokerWith(answers: readonly Buffer[]): Promise<{ broker: FakeBroker; fetches: () => number }> {
  let fetches = 0
  const broker = await FakeBroker.start(({ apiKey, answer }, self) => {
    if (apiKey === API_VERSIONS) answer(apiVersionsAnswer(MODERN))
    if (apiKey === METADATA) answer(metadataAnswer(self.address, [{ name: 'cards', leaders: [1] }]))
    if (apiKey === FETCH) answer(fetchAnswer(answers[Math.min(fetches++, answers.length - 1)]!))
  })
  open.push({ close: () => broker[Symbol.asyncDispose]() })
  return { broker, fetches: () => fetches }
}

function fetchAnswer(bytes: Buffer): Buffer {
  const body = new Writer().int32(0).int16(0).int32(0).int32(1).string('cards').int32(1)
  body.int32(0).int16(0).int64(9).int64(9).int64(0).int32(0).int32(-1)
  return body.bytes(bytes).finish()
}

async function subscribe(broker: FakeBroker): Promise<Subscription> {
  const cluster = await Cluster.connect({ brokers: [broker.address], clientId: 'test', requestTimeoutMs: 2_000 })
  const fetcher = new Fetcher(cluster)
  open.push(cluster, fetcher)
  return fetcher.subscribe('cards', 0, 0, () => undefined)
}

const sound = Buffer.concat([batchOf([record('0')]), batchOf([record('1')], { baseOffset: 1 })])
const damaged = Buffer.from(sound)
damaged[damaged.length - 2]! ^= 4

describe('a batch with a wrong checksum', () => {
  it('ends the subscription when it stays damaged, after what stands before it, and is not passed over', async () => {
    const behind = damaged.subarray(batchOf([record('0')]).length)
    const { broker, fetches } = await brokerWith([damaged, behind])
    const subscription = await subscribe(broker)
    await expect.poll(() => subscription.failure, { timeout: 5_000 }).toBeInstanceOf(CorruptBatchError)
    expect(subscription.take()).toMatchObject({ fromOffset: 0, nextOffset: 1 })
    expect([subscription.take(), subscription.position, fetches()]).toEqual([undefined, 1, 4])

    const error = toTaskError('another-topic', 7, subscription.failure)
    expect(error).toMatchObject({ code: 'CORRUPT_BATCH', retry: 'reopen' })
    expect(error.message).toMatch(/^cards-0: the record batch at offset 1 has a wrong checksum.*Who runs the Kafka/)
  })

  it('is read when it comes sound on the next try', async () => {
    const { broker, fetches } = await brokerWith([damaged.subarray(0, 0), damaged, sound.subarray(70)])
    const subscription = await subscribe(broker)
    await expect.poll(() => subscription.position, { timeout: 5_000 }).toBe(2)
    expect([subscription.failure, fetches() >= 3]).toEqual([undefined, true])
  })
})
