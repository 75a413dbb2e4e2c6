import { CompressionTypes } from 'kafkajs'
import type { Producer } from 'kafkajs'
import { afterEach, beforeEach, expect, inject, it } from 'vitest'
import { TopicAdmin } from '../../../src/kafka/admin.ts'
import type { KafkaError } from '../../../src/kafka/errors.ts'
import { Fetcher } from '../../../src/kafka/fetcher.ts'
import type { FetcherOptions, Subscription } from '../../../src/kafka/fetcher.ts'
import { scanRecords } from '../../../src/kafka/recordBatch.ts'
import { KafkaProxy } from '../../support/kafkaProxy.ts'
import { testClient } from '../../support/topics.ts'
import { Bench, unique } from './bench.ts'

const brokers = inject('brokers')
let bench: Bench
let producer: Producer
let proxy: KafkaProxy | undefined
const fetchers: Fetcher[] = []

beforeEach(async () => {
  bench = await Bench.open(brokers)
  producer = testClient(brokers).producer()
  await producer.connect()
})
afterEach(async () => {
  await Promise.all(fetchers.splice(0).map(fetcher => fetcher.close()))
  await producer.disconnect()
  await bench[Symbol.asyncDispose]()
  await proxy?.stop()
  proxy = undefined
})

function fetcherOf(options: FetcherOptions = {}, cluster = bench.cluster): Fetcher {
  const fetcher = new Fetcher(cluster, options)
  fetchers.push(fetcher)
  return fetcher
}

async function write(topic: string, values: readonly string[], partition = 0, compression?: CompressionTypes) {
  const messages = values.map(value => ({ value, partition }))
  await producer.send({ topic, messages, ...(compression === undefined ? {} : { compression }) })
}

/** Takes everything until `done`. */
async function consume(
  subscribe: (onReady: () => void) => Subscription,
  done: (values: readonly string[], subscription: Subscription) => boolean,
): Promise<{ values: string[]; subscription: Subscription }> {
  const values: string[] = []
  const finished = Promise.withResolvers<undefined>()
  const subscription = subscribe(() => {
    for (let chunk = subscription.take(); chunk !== undefined; chunk = subscription.take()) {
      scanRecords(chunk.bytes, chunk.fromOffset, chunk.aborted, record => {
        values.push(record.value()!.toString())
        return true
      })
    }
    if (done(values, subscription)) finished.resolve(undefined)
  })
  await finished.promise
  return { values, subscription }
}

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => `${from + index}`)

it('records come in order, from the asked offset, also gzipped by another client', async () => {
  const topic = await bench.topic(1)
  await write(topic, numbers(0, 100))
  await write(topic, numbers(100, 200), 0, CompressionTypes.GZIP)
  const { values, subscription } = await consume(
    ready => fetcherOf().subscribe(topic, 0, 50, ready),
    seen => seen.length >= 150,
  )
  expect(values).toEqual(numbers(50, 200))
  expect([subscription.position, subscription.highWatermark, subscription.lastStableOffset]).toEqual([200, 200, 200])
  expect([subscription.logStartOffset, subscription.lastError, subscription.failure]).toEqual([0, undefined, undefined])
})

it('all partitions go on, those with batches larger than every limit among them', async () => {
  const topic = await bench.topic(3)
  const large = 'x'.repeat(30_000)
  for (let round = 0; round < 5; round++) {
    await write(topic, [`${round}${large}`], 0)
    await write(topic, [`${round}${large}`], 1)
    await write(topic, numbers(0, 10), 2)
  }
  const fetcher = fetcherOf({ partitionMaxBytes: 1_000, queueBytes: 2_000 })
  const read = (partition: number, count: number) =>
    consume(
      ready => fetcher.subscribe(topic, partition, 0, ready),
      seen => seen.length >= count,
    )
  const [first, second, third] = await Promise.all([read(0, 5), read(1, 5), read(2, 50)])
  expect(first.values).toEqual(numbers(0, 5).map(round => round + large))
  expect(second.values).toEqual(first.values)
  expect(third.values).toHaveLength(50)
})

it('a partition that nobody takes from is fetched no further than its queue, and holds up no other', async () => {
  const topic = await bench.topic(2)
  for (let index = 0; index < 20; index++) await write(topic, ['x'.repeat(10_000)], 0)
  const fetcher = fetcherOf({ partitionMaxBytes: 10_000, queueBytes: 30_000 })
  const stuck = fetcher.subscribe(topic, 0, 0, () => undefined)
  await expect.poll(() => stuck.position).toBeGreaterThanOrEqual(2)
  for (let index = 0; index < 10; index++) await write(topic, [`${index}`], 1)
  const { values } = await consume(
    ready => fetcher.subscribe(topic, 1, 0, ready),
    seen => seen.length >= 10,
  )
  expect(values).toHaveLength(10)
  expect(stuck.position).toBeLessThan(6)
  // Room again: it goes on by itself.
  const before = stuck.position
  while (stuck.take() !== undefined);
  await expect.poll(() => stuck.position).toBeGreaterThan(before)
})

it('a watermark that moves is told, with a time before which everything is below it', async () => {
  const topic = await bench.topic(1)
  let calls = 0
  const subscription = fetcherOf({ maxWaitMs: 50 }).subscribe(topic, 0, 0, () => calls++)
  await expect.poll(() => subscription.highWatermark).toBe(0)
  expect(calls).toBe(1)
  const first = subscription.highWatermarkAskedAtMs
  // Idle: the time moves on with each fetch, and nobody is woken.
  await expect.poll(() => subscription.highWatermarkAskedAtMs).toBeGreaterThan(first)
  expect(calls).toBe(1)
  await write(topic, ['a'])
  const writtenMs = Date.now()
  await expect.poll(() => subscription.highWatermarkAskedAtMs).toBeGreaterThanOrEqual(writtenMs)
  expect(subscription.highWatermark).toBe(1)
})

it('an idle partition costs a fetch per maxWait, not a busy loop', async () => {
  proxy = await KafkaProxy.start(brokers)
  const topic = await bench.topic(1)
  let fetches = 0
  const count = () => {
    fetches++
    return false
  }
  proxy.lose({ api: 'Fetch', on: 'request', action: 'cut', matches: count })
  fetcherOf({ maxWaitMs: 100 }, await bench.client(proxy.brokers)).subscribe(topic, 0, 0, () => undefined)
  await new Promise(resolve => setTimeout(resolve, 1_500))
  expect(fetches).toBeGreaterThan(5)
  expect(fetches).toBeLessThan(20)
})

it('a position outside of the log ends the subscription with the reason, in both directions', async () => {
  const topic = await bench.topic(1)
  await write(topic, ['a', 'b'])
  const beyond = await consume(
    ready => fetcherOf().subscribe(topic, 0, 1_000, ready),
    (_, subscription) => subscription.failure !== undefined,
  )
  expect((beyond.subscription.failure as KafkaError).code).toBe('KAFKA_OFFSET_OUT_OF_RANGE')
  const client = testClient(brokers).admin()
  await client.connect()
  await client.fetchTopicOffsets(topic)
  await client.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '1' }] })
  await client.disconnect()
  const before = await consume(
    ready => fetcherOf().subscribe(topic, 0, 0, ready),
    (_, subscription) => subscription.failure !== undefined,
  )
  expect(before.subscription.failure?.message).toContain(`${topic}-0 at 0`)
})

it('a topic that does not exist yet is waited for with a visible reason', async () => {
  const topic = unique('later')
  const reading = Promise.withResolvers<Subscription>()
  const consumed = consume(
    ready => {
      const subscription = fetcherOf().subscribe(topic, 0, 0, ready)
      reading.resolve(subscription)
      return subscription
    },
    seen => seen.length >= 1,
  )
  const subscription = await reading.promise
  await expect.poll(() => subscription.lastError?.message).toContain('does not exist')
  const admin = await TopicAdmin.connect(bench.cluster)
  await admin.createTopics([{ name: topic, partitions: 1, replicationFactor: 1, config: {} }])
  await admin.close()
  await write(topic, ['there'])
  expect((await consumed).values).toEqual(['there'])
  expect(subscription.lastError).toBeUndefined()
})

it('lost answers and a network that is away lose and double nothing', { retry: 0 }, async () => {
  proxy = await KafkaProxy.start(brokers)
  const topic = await bench.topic(1)
  const cluster = await bench.client(proxy.brokers, 2_000)
  proxy.lose({ api: 'Fetch', on: 'response', action: 'cut', times: 3 })
  const reading = consume(
    ready => fetcherOf({ maxWaitMs: 20 }, cluster).subscribe(topic, 0, 0, ready),
    seen => seen.length >= 300,
  )
  for (let at = 0; at < 300; at += 10) {
    await write(topic, numbers(at, at + 10))
    if (at === 150) {
      await expect.poll(() => proxy?.hits).toHaveLength(3)
      proxy.partition()
      setTimeout(() => proxy?.heal(), 500)
    }
  }
  expect((await reading).values).toEqual(numbers(0, 300))
})

it('a closed subscription is quiet, and its partition can be subscribed again elsewhere', async () => {
  const topic = await bench.topic(1)
  await write(topic, numbers(0, 10))
  const fetcher = fetcherOf({ maxWaitMs: 20 })
  let calls = 0
  const closed = fetcher.subscribe(topic, 0, 0, () => calls++)
  closed.close()
  const { values } = await consume(
    ready => fetcher.subscribe(topic, 0, 5, ready),
    seen => seen.length >= 5,
  )
  expect(values).toEqual(numbers(5, 10))
  expect([calls, closed.take()]).toEqual([0, undefined])
})
