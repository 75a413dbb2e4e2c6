import avsc from 'avsc'
import { CompressionTypes } from 'kafkajs'
import type { Message } from 'kafkajs'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { headerOf, positionText } from '../../support/onfile/evidence.ts'
import type { DeadLetter, Evidence } from '../../support/onfile/evidence.ts'
import { OnfileRun } from '../../support/onfile/onfileRun.ts'
import type { ProductProcess } from '../../support/onfile/productProcess.ts'
import { registerSchema } from '../../support/onfile/registrySchemas.ts'
import { badRecords, framed, goodRecord } from './badRecords.ts'
import type { BadRecord } from './badRecords.ts'

/** The table needs no broker to be read: the ids are looked up when it is written. */
const names = badRecords({ avro: 1, plainText: 2, jsonSchema: 3, protobuf: 4 }, Buffer.alloc(64)).map(r => r.name)

let run: OnfileRun
let product: ProductProcess
let evidence: Evidence
let table: BadRecord[]
const offsets = new Map<string, number>()

/** An issuer's own Avro of an event: other record names, the same field names. */
async function avroEvent(): Promise<{ id: number; bytes: Buffer }> {
  const schema = {
    type: 'record',
    name: 'Event',
    fields: [
      { name: 'event_uid', type: 'string' },
      { name: 'user_id', type: 'string' },
      {
        name: 'data',
        type: {
          type: 'record',
          name: 'Card',
          fields: ['id', 'status', 'type', 'updated_at'].map(name => ({ name, type: 'string' })),
        },
      },
    ],
  }
  const data = { id: 'card-in-avro', status: 'enrolled', type: 'enrolled', updated_at: new Date().toISOString() }
  const bytes = avsc.Type.forSchema(schema as avsc.Schema).toBuffer({ event_uid: 'avro-1', user_id: 'somebody', data })
  const subject = `${run.topics.cardLifecycle}-value`
  return { id: await registerSchema(inject('registryUrl'), subject, 'AVRO', JSON.stringify(schema)), bytes }
}

async function otherSchemas(): Promise<{ plainText: number; jsonSchema: number; protobuf: number }> {
  const url = inject('registryUrl')
  return {
    plainText: await registerSchema(url, `${run.id}-text`, 'AVRO', '{"type":"string"}'),
    jsonSchema: await registerSchema(
      url,
      `${run.id}-json`,
      'JSON',
      `{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","title":"${run.id}"}`,
    ),
    protobuf: await registerSchema(
      url,
      `${run.id}-proto`,
      'PROTOBUF',
      'syntax = "proto3"; message M { string a = 1; }',
    ),
  }
}

/** Each bad record, a good one right behind it, all in one partition of its topic. */
async function write(topic: BadRecord['topic']): Promise<void> {
  const rows = table.filter(row => row.topic === topic)
  for (const row of rows) {
    const index = names.indexOf(row.name)
    const bad: Message = { partition: 0, key: row.key ?? null, value: row.value, headers: row.headers ?? {} }
    const good: Message = { partition: 0, key: null, value: goodRecord(topic, `good-${index}`) }
    const [written] = await run.producer.send({
      topic: run.topics[topic],
      acks: -1,
      compression: topic === 'knotEvents' ? CompressionTypes.GZIP : CompressionTypes.None,
      messages: [bad, good],
    })
    offsets.set(row.name, Number(written?.baseOffset))
  }
}

function rowOf(name: string): { row: BadRecord; position: string; letters: DeadLetter[]; outcomes: string[] } {
  const row = table.find(candidate => candidate.name === name)!
  const position = positionText({ topic: run.topics[row.topic], partition: 0, offset: offsets.get(name)! })
  const letters = evidence.deadLetters.filter(letter => positionText(letter) === position)
  const outcomes = evidence.outcomes
    .filter(({ value }) => positionText(value.source) === position)
    .map(({ value }) => `${value.status}/${value.reason}`)
  return { row, position, letters, outcomes }
}

beforeAll(async () => {
  run = await OnfileRun.create({
    brokers: inject('brokers'),
    registryUrl: inject('registryUrl'),
    partitions: 1,
    topicSettings: { cardLifecycle: { 'max.message.bytes': String(16 << 20) } },
  })
  product = run.start()
  await product.ready()
  const { id, bytes } = await avroEvent()
  table = badRecords({ avro: id, ...(await otherSchemas()) }, bytes)
  await Promise.all([write('cardLifecycle'), write('knotEvents')])
  for (const topic of ['userEvents', 'provisioningCommands'] as const) {
    await run.producer.send({
      topic: run.topics[topic],
      messages: [
        { key: 'x', value: framed(id, bytes), headers: { trace: 'foreign' } },
        { key: 'x', value: 'not even framed' },
        { key: 'x', value: null },
      ],
    })
  }
  const deadline = Date.now() + 40_000
  do {
    await wait(300)
    await run.quiet(20_000)
    evidence = await run.evidence()
  } while (evidence.outcomes.length < table.length && Date.now() < deadline)
}, 120_000)
afterAll(async () => {
  await run.close()
})

describe('a bad record ends as the contract says, and the partition goes on', { retry: 0 }, () => {
  it.each(names)('%s', name => {
    const { row, letters, outcomes } = rowOf(name)
    const goodAt = positionText({ topic: run.topics[row.topic], partition: 0, offset: offsets.get(name)! + 1 })
    expect(
      evidence.outcomes.filter(({ value }) => positionText(value.source) === goodAt),
      `the good record behind it\n${product.lastWords()}`,
    ).toHaveLength(1)

    if (row.fate === 'ignored') {
      expect([...letters, ...outcomes]).toEqual([])
    } else if ('outcome' in row.fate) {
      expect({ outcomes, letters: letters.map(({ reason }) => reason) }).toEqual({
        outcomes: [row.fate.outcome],
        letters: [],
      })
    } else {
      expect(outcomes).toEqual([])
      expect(letters.map(({ reason }) => reason)).toEqual([row.fate.deadLetter])
      expectIntact(row, letters[0]!)
    }
  })

  it('and everything is counted', async () => {
    const letters = table.filter(({ fate }) => fate !== 'ignored' && 'deadLetter' in fate).length
    expect(await product.metric('onfile_dlq_records_total', `topic="${run.id}-card-lifecycle"`)).toBeGreaterThan(0)
    expect(await product.metric('onfile_dlq_records_total')).toBe(letters + 6)
    expect(await product.metric('onfile_records_ignored_total')).toBe(2)
    expect((await product.readyz()).state).toBe('ready')
  })
})

it.each(['userEvents', 'provisioningCommands'] as const)(
  'what nobody can read in %s, a topic of onfile itself, is dead-lettered by the role that reads it',
  topic => {
    const letters = evidence.deadLetters.filter(letter => letter.topic === run.topics[topic])
    expect(letters.map(({ reason, record }) => [reason, record.value === null])).toEqual([
      ['invalid_avro', false],
      ['invalid_avro', false],
      ['empty_value', true],
    ])
    expect(letters.map(({ record }) => headerOf(record, 'onfile.dlq.role'))).toEqual(
      Array.from({ length: 3 }, () => (topic === 'userEvents' ? 'decide' : 'provision')),
    )
  },
)

/** Key, value and headers as they came; the value missing only where the contract says so. */
function expectIntact(row: BadRecord, { record }: DeadLetter): void {
  const { fate, value, key = null, headers = {} } = row
  const byReference = typeof fate === 'object' && 'byReference' in fate
  expect(textOf(record.key)).toBe(textOf(key))
  expect(textOf(record.value)).toBe(byReference ? null : textOf(value))
  expect(headerOf(record, 'onfile.dlq.value')).toBe(byReference ? 'omitted' : 'raw')
  expect(headerOf(record, 'onfile.dlq.role')).toBe('ingest')
  const kept = record.headers.filter(header => !/^(__streams|onfile\.dlq)\./.test(header.key))
  const sent = Object.entries(headers).flatMap(([name, values]) =>
    [values].flat().map(text => ({ key: name, value: Buffer.from(text ?? '') })),
  )
  expect(kept).toEqual(sent)
}

/** Bytes as something that a failed expectation can show. */
function textOf(bytes: Buffer | string | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString('latin1')
}
