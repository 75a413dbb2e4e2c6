import { afterEach, beforeEach, expect, inject, it } from 'vitest'
import type { Cluster } from '../../../src/kafka/cluster.ts'
import { scanPartition } from '../../../src/kafka/partitionScan.ts'
import { writeSingleRecord } from '../../../src/kafka/singleRecord.ts'
import { KafkaProxy } from '../../support/kafkaProxy.ts'
import type { Fault } from '../../support/kafkaProxy.ts'
import { Bench } from './bench.ts'

const text = {
  encode: (value: string, buffer: Buffer, position: number): number => {
    const end = position + Buffer.byteLength(value)
    if (end <= buffer.length) buffer.write(value, position)
    return end
  },
}

let bench: Bench
let proxy: KafkaProxy
let throughProxy: Cluster
let topic: string

beforeEach(async () => {
  bench = await Bench.open(inject('brokers'))
  proxy = await KafkaProxy.start(inject('brokers'))
  throughProxy = await bench.client(proxy.brokers, 1_500)
  topic = await bench.topic(1)
})
afterEach(async () => {
  await bench[Symbol.asyncDispose]()
  await proxy.stop()
})

function write(value: string, signal = AbortSignal.timeout(20_000)): Promise<number> {
  const key = Buffer.from('user-1')
  const record = { topic, partition: 0, key, value, encoder: text, timestampMs: Date.now() }
  return writeSingleRecord(throughProxy, record, signal)
}

async function scanned(untilOffset: number): Promise<string[]> {
  const values: string[] = []
  const scan = scanPartition(throughProxy, {
    topic,
    partition: 0,
    fromOffset: 0,
    untilOffset,
    keep: record => record.value()?.toString() !== 'not this one',
    signal: AbortSignal.timeout(20_000),
  })
  for await (const records of scan) {
    for (const record of records) values.push(`${record.offset} ${record.keyString()} ${record.value()!.toString()}`)
  }
  return values
}

it.each<Omit<Fault, 'times'>>([
  { api: 'InitProducerId', on: 'response', action: 'cut' },
  { api: 'Produce', on: 'request', action: 'cut' },
  { api: 'Produce', on: 'response', action: 'cut' },
  { api: 'Produce', on: 'response', action: 'swallow' },
])('a record is written once although its $api $on is lost ($action)', async fault => {
  expect(await write('before')).toBe(0)
  proxy.lose({ ...fault, times: 1 })
  expect(await write('an order')).toBe(1)
  expect(await write('after')).toBe(2)
  expect(proxy.hits).toEqual([`${fault.api} ${fault.on}`])
  expect(await bench.read(topic)).toEqual(['before', 'an order', 'after'])
})

it('a writer that is told to stop says so and does not go on', async () => {
  proxy.partition()
  await expect(write('never', AbortSignal.timeout(600))).rejects.toThrow('timeout')
  proxy.heal()
  expect(await write('later')).toBe(0)
  expect(await bench.read(topic)).toEqual(['later'])
})

it('a scan gives what is kept, with keys and values of their own, up to its end and no further', async () => {
  for (const value of ['a', 'not this one', 'b', 'c']) await write(value)
  expect(await scanned(3)).toEqual(['0 user-1 a', '2 user-1 b'])
  expect(await scanned(0)).toEqual([])
})

it('a scan without an end goes on until it is told to stop', async () => {
  await write('a')
  const stop = new AbortController()
  const seen: number[] = []
  const scan = scanPartition(throughProxy, {
    topic,
    partition: 0,
    fromOffset: 0,
    keep: () => true,
    signal: stop.signal,
  })
  const reading = (async () => {
    for await (const records of scan) {
      seen.push(...records.map(({ offset }) => offset))
      if (seen.length === 1) await write('b')
      if (seen.length === 2) stop.abort(new Error('seen enough'))
    }
  })()
  await expect(reading).rejects.toThrow('seen enough')
  expect(seen).toEqual([0, 1])
})
