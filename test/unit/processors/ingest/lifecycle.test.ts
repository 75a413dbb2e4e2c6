import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { NOW, TOPICS, framed, headerOf, ingestHarness, reasonOf, userEventOf } from '../../../support/ingestHarness.ts'
import { recordView } from '../../../support/recordView.ts'
import type { Lifecycle } from '../../../../src/domain/records.ts'

const UPDATED_AT = '2025-03-28T03:35:38.947Z'
const UPDATED_AT_MS = Date.parse(UPDATED_AT)
const RECORD_MS = Date.parse('2025-03-28T11:00:00.000Z')

/** The example of seed 004, with a user. */
const EVENT = {
  event_uid: 'd2e9f63779ad668603a51b563ec68b6f',
  event: 'CARD_AUTOMATICALLY_UPDATED',
  user_id: 'user-1',
  data: {
    token: 'card_sandbox_8Aq30HAc8TLFUFvTjqwo556i',
    id: '1d15778a-64fb-459b-8c19-e8b5da0a9af9',
    status: 'enrolled',
    type: 'updated',
    enrolled_at: '2025-03-27T03:35:38.947Z',
    updated_at: UPDATED_AT,
  },
}

const json = (value: unknown): string => JSON.stringify(value)
const withData = (data: object): string => json({ ...EVENT, data: { ...EVENT.data, ...data } })
const record = (value: string | Buffer | null): ReturnType<typeof recordView> =>
  recordView({ key: 'card-key', value, offset: 42, timestamp: RECORD_MS })

describe('a readable account-updater event', () => {
  it('becomes one user event, keyed and partitioned by the user', async () => {
    const harness = ingestHarness()
    const forwarded = await harness.run(record(json(EVENT)))
    const source = { topic: TOPICS.cardLifecycle, partition: 3, offset: 42, event_id: EVENT.event_uid }
    expect(forwarded).toMatchObject({ topic: TOPICS.userEvents, key: 'user-1' })
    expect(forwarded.partition).toBe(harness.context.partitionFor(TOPICS.userEvents, 'user-1'))
    expect(userEventOf(forwarded)).toEqual({
      user_id: 'user-1',
      source,
      origin: source,
      occurred_at: UPDATED_AT_MS,
      body: {
        kind: 'lifecycle',
        own_stamp: true,
        event_uid: EVENT.event_uid,
        card_ref: EVENT.data.id,
        type: 'updated',
        status: 'enrolled',
        updated_at: UPDATED_AT_MS,
      },
    })
    expect(harness.counts).toEqual(new Map([['forwarded card-lifecycle lifecycle', 1]]))
  })

  const normalised: [string, string, Partial<Lifecycle>][] = [
    [
      'type and status in other letters',
      withData({ type: ' Expired ', status: 'ENROLLED' }),
      { type: 'expired', status: 'enrolled' },
    ],
    ['non_participating', withData({ type: 'NON_PARTICIPATING' }), { type: 'no_participating' }],
    ['an unknown type', withData({ type: 'replaced' }), { type: 'replaced' }],
    ['a missing status', withData({ status: undefined }), { status: null }],
    ['status closed without a type', withData({ type: null, status: 'Closed' }), { type: 'closed', status: 'closed' }],
    ['a missing updated_at', withData({ updated_at: undefined }), { own_stamp: false }],
    ['a missing event_uid', json({ ...EVENT, event_uid: undefined }), { event_uid: null }],
    ['another event name', json({ ...EVENT, event: 'CARD_UPDATED' }), { type: 'updated' }],
    ['an unused field of a strange type', withData({ enrolled_at: [1], token: 7 }), { type: 'updated' }],
    ['a byte order mark and blanks', `\uFEFF \n${json(EVENT)}\n`, { type: 'updated' }],
  ]
  it.each(normalised)('is normalised: %s', async (_what, value, expected) => {
    expect(userEventOf(await ingestHarness().run(record(value))).body).toMatchObject(expected)
  })

  it('takes data.token as card reference where so configured', async () => {
    const event = userEventOf(await ingestHarness({ cardRef: 'token' }).run(record(json(EVENT))))
    expect(event.body).toMatchObject({ card_ref: EVENT.data.token })
  })

  it('is passed on without a key too', async () => {
    expect(userEventOf(await ingestHarness().run(recordView({ key: null, value: json(EVENT) }))).user_id).toBe('user-1')
  })

  it('passes on bytes that decode to the event', async () => {
    const harness = ingestHarness()
    const forwarded = await harness.run(record(json(EVENT)))
    expect(forwarded.bytes?.subarray(0, 5)).toEqual(Buffer.from([0, 0, 0, 0, 1]))
  })
})

describe('a malformed account-updater event', () => {
  const big = json({ ...EVENT, padding: 'x'.repeat(10_485_760) })
  const malformed: [string, string | Buffer | null, string][] = [
    ['a null value', null, 'empty_value'],
    ['no bytes', '', 'empty_value'],
    ['only blanks', ' \n ', 'empty_value'],
    ['text', 'hello', 'invalid_json'],
    ['JSON that is cut short', json(EVENT).slice(0, -3), 'invalid_json'],
    ['two JSON values', `${json(EVENT)}${json(EVENT)}`, 'invalid_json'],
    [
      'invalid UTF-8',
      Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]),
      'invalid_json',
    ],
    ['UTF-16', Buffer.from(json(EVENT), 'utf16le'), 'invalid_json'],
    ['deeply nested brackets', '['.repeat(200_000), 'invalid_json'],
    ['a 10 MB value', big, 'too_large'],
    ['null', 'null', 'schema_violation'],
    ['a number', '7', 'schema_violation'],
    ['an array', '[]', 'schema_violation'],
    ['an empty object', '{}', 'schema_violation'],
    ['data that is text', json({ ...EVENT, data: 'x' }), 'schema_violation'],
    ['no data', json({ ...EVENT, data: undefined }), 'schema_violation'],
    ['no card', withData({ id: undefined }), 'schema_violation'],
    ['an empty card', withData({ id: ' ' }), 'schema_violation'],
    ['a card that is a number', withData({ id: 7 }), 'schema_violation'],
    ['a card of 300 letters', withData({ id: 'x'.repeat(300) }), 'schema_violation'],
    ['no type', withData({ type: undefined }), 'schema_violation'],
    ['a type that is a number', withData({ type: 3 }), 'schema_violation'],
    ['an event_uid that is an object', json({ ...EVENT, event_uid: {} }), 'schema_violation'],
    ['a user that is a number', json({ ...EVENT, user_id: 7 }), 'schema_violation'],
    ['a user of 300 letters', json({ ...EVENT, user_id: 'ü'.repeat(150) }), 'schema_violation'],
    ['updated_at that is no time', withData({ updated_at: 'yesterday' }), 'bad_timestamp'],
    ['updated_at on 30 February', withData({ updated_at: '2025-02-30T00:00:00Z' }), 'bad_timestamp'],
    ['updated_at that is true', withData({ updated_at: true }), 'bad_timestamp'],
    ['updated_at below zero', withData({ updated_at: -5 }), 'bad_timestamp'],
    ['updated_at in the future', withData({ updated_at: '2025-03-28T12:05:00.001Z' }), 'future_timestamp'],
    ['a frame that is too short', Buffer.from([0, 0, 0]), 'invalid_avro'],
    ['a schema id that nobody knows', Buffer.from([0, 0, 0, 0, 99, 1, 2]), 'unknown_schema'],
    ['a schema id below zero', Buffer.from([0, 255, 255, 255, 255, 1, 2]), 'unknown_schema'],
    ['a user that nobody knows', json({ ...EVENT, user_id: undefined }), 'user_unresolved'],
    ['a card number as card', withData({ id: '4242 4242 4242 4242' }), 'contains_pan'],
    ['a card number as event_uid', json({ ...EVENT, event_uid: '4242424242424242' }), 'contains_pan'],
    ['a card number as user', json({ ...EVENT, user_id: 'u 4242424242424242' }), 'contains_pan'],
    ['a card number as type', withData({ type: '4242424242424242' }), 'contains_pan'],
  ]
  it.each(malformed)('is dead-lettered: %s', async (_what, value, reason) => {
    const harness = ingestHarness()
    const letter = await harness.run(record(value))
    expect(letter.topic).toBe(TOPICS.deadLetters)
    expect(reasonOf(letter)).toBe(reason)
    expect(headerOf(letter, '__streams.errors.topic')).toBe(TOPICS.cardLifecycle)
    expect(headerOf(letter, '__streams.errors.partition')).toBe('3')
    expect(headerOf(letter, '__streams.errors.offset')).toBe('42')
    expect(harness.counts).toEqual(new Map([[`dead card-lifecycle ${reason}`, 1]]))
    const omitted = reason === 'too_large' || reason === 'contains_pan'
    expect(headerOf(letter, 'onfile.dlq.value')).toBe(omitted ? 'omitted' : 'raw')
    expect(letter.bytes).toEqual(omitted || value === null ? null : Buffer.from(value as string))
  })

  it.each([TOPICS.cardLifecycle, TOPICS.retry])(
    'dead-letters a record of %s with ten thousands of headers',
    async topic => {
      const harness = ingestHarness()
      const headers = Object.fromEntries(Array.from({ length: 10_001 }, (_, index) => [`h${index}`, '']))
      const letter = await harness.run(recordView({ value: json(EVENT), headers }), topic)
      expect([letter.topic, reasonOf(letter)]).toEqual([TOPICS.deadLetters, 'too_large'])
      expect(letter.headers.every(({ key }) => !key.startsWith('h'))).toBe(true)
    },
  )

  it('never stops the partition, whatever the bytes', async () => {
    const harness = ingestHarness()
    const type = harness.schemas.add(7, AVRO_SCHEMA)
    const good = framed(7, type, avroEvent())
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: good.length - 1 }), fc.uint8Array({ maxLength: 40 }), async (at, noise) => {
        const bytes = Buffer.concat([good.subarray(0, at), Buffer.from(noise)])
        const forwarded = await harness.runAll(record(bytes))
        expect(forwarded).toHaveLength(1)
      }),
      { numRuns: 500 },
    )
  })
})

describe('updated_at', () => {
  const accepted: [string, unknown, number][] = [
    ['ISO with an offset', '2025-03-28T05:35:38.947+02:00', UPDATED_AT_MS],
    ['ISO without an offset is UTC', '2025-03-28T03:35:38.947', UPDATED_AT_MS],
    ['ISO with microseconds', '2025-03-28T03:35:38.947123Z', UPDATED_AT_MS],
    ['a date', '2025-03-28', Date.parse('2025-03-28T00:00:00Z')],
    ['milliseconds', UPDATED_AT_MS, UPDATED_AT_MS],
    ['microseconds', UPDATED_AT_MS * 1_000 + 123, UPDATED_AT_MS],
    ['milliseconds as text', String(UPDATED_AT_MS), UPDATED_AT_MS],
    ['just inside the skew', NOW + 300_000, NOW + 300_000],
    ['missing', undefined, RECORD_MS],
    ['null', null, RECORD_MS],
    ['empty', '', RECORD_MS],
  ]
  it.each(accepted)('is understood: %s', async (_what, updatedAt, expected) => {
    const event = userEventOf(await ingestHarness().run(record(withData({ updated_at: updatedAt }))))
    expect(event.body).toMatchObject({ updated_at: expected })
    expect(event.occurred_at).toBe(expected)
  })

  const stops = [
    { type: 'opt_out' },
    { type: 'closed' },
    { type: 'updated', status: 'closed' },
    { type: 'x', status: 'closed' },
  ]
  const unusable = ['yesterday', true, NOW + 86_400_000, '9999-12-31T00:00:00Z', {}]
  const cases = stops.flatMap(stop => unusable.map(stamp => [stop, stamp] as const))
  it.each(cases)('of a stop is the timestamp of the record where it is unusable: %j %j', async (stop, stamp) => {
    const event = userEventOf(await ingestHarness().run(record(withData({ ...stop, updated_at: stamp }))))
    expect(event.body).toMatchObject({ updated_at: RECORD_MS })
  })

  it('of a stop is now where the record has no usable timestamp either', async () => {
    const value = withData({ type: 'opt_out', updated_at: 'x' })
    for (const timestamp of [-1, NOW + 86_400_000]) {
      const event = userEventOf(await ingestHarness().run(recordView({ value, timestamp })))
      expect(event.body).toMatchObject({ updated_at: NOW })
    }
  })
})

const AVRO_SCHEMA = {
  type: 'record',
  name: 'CardAutomaticallyUpdated',
  namespace: 'com.bank.events',
  fields: [
    { name: 'history', type: { type: 'array', items: 'string' } },
    {
      name: 'data',
      type: [
        'null',
        {
          type: 'record',
          name: 'Payload',
          fields: [
            { name: 'updated_at', type: { type: 'long', logicalType: 'timestamp-micros' } },
            { name: 'type', type: { type: 'enum', name: 'T', symbols: ['updated', 'expired', 'opt_out'] } },
            { name: 'labels', type: { type: 'map', values: 'bytes' } },
            { name: 'id', type: 'string' },
            { name: 'status', type: ['string', 'null'] },
          ],
        },
      ],
    },
    { name: 'event_uid', type: { type: 'string', logicalType: 'uuid' } },
    { name: 'user_id', type: ['null', 'string'], default: null },
    { name: 'note', type: 'string' },
  ],
} as const

function avroEvent(): object {
  return {
    history: ['a', 'b'],
    data: {
      updated_at: UPDATED_AT_MS,
      type: 'updated',
      labels: { k: Buffer.from('v') },
      id: EVENT.data.id,
      status: 'enrolled',
    },
    event_uid: EVENT.event_uid,
    user_id: 'user-1',
    note: 'not read',
  }
}

describe('Avro and JSON', () => {
  it('give the same user event for copies of one event', async () => {
    const harness = ingestHarness()
    const type = harness.schemas.add(7, AVRO_SCHEMA)
    const fromAvro = await harness.run(record(framed(7, type, avroEvent())))
    const fromJson = await harness.run(record(json(EVENT)))
    expect(userEventOf(fromAvro)).toEqual(userEventOf(fromJson))
    expect(fromAvro.bytes).toEqual(fromJson.bytes)
  })

  it('are told apart per record of one partition', async () => {
    const harness = ingestHarness()
    const type = harness.schemas.add(7, AVRO_SCHEMA)
    const processor = harness.processor()
    const records = [
      recordView({ value: json(EVENT), offset: 0 }),
      recordView({ value: framed(7, type, avroEvent()), offset: 1 }),
      recordView({ value: 'x', offset: 2 }),
    ]
    await processor.prepare!(records, new AbortController().signal)
    for (const each of records) processor.onRecord(each, harness.context)
    expect(harness.context.forwarded.map(({ topic }) => topic)).toEqual([
      TOPICS.userEvents,
      TOPICS.userEvents,
      TOPICS.deadLetters,
    ])
  })

  it('dead-letters trailing bytes and a schema that is no record', async () => {
    const harness = ingestHarness()
    const type = harness.schemas.add(7, AVRO_SCHEMA)
    const text = harness.schemas.add(8, { type: 'string' })
    const trailing = Buffer.concat([framed(7, type, avroEvent()), Buffer.from([1])])
    expect(reasonOf(await harness.run(record(trailing)))).toBe('invalid_avro')
    expect(reasonOf(await harness.run(record(framed(8, text, 'x'))))).toBe('unknown_schema')
  })

  it('waits while the registry is down, and only for what needs it', async () => {
    const harness = ingestHarness()
    const type = harness.schemas.add(7, AVRO_SCHEMA)
    harness.schemas.down = true
    await expect(harness.run(record(framed(7, type, avroEvent())))).rejects.toMatchObject({
      code: 'registry_unavailable',
    })
    expect(userEventOf(await harness.run(record(json(EVENT)))).user_id).toBe('user-1')
    harness.schemas.down = false
    expect(userEventOf(await harness.run(record(framed(7, type, avroEvent())))).user_id).toBe('user-1')
  })

  it('asks the registry once for a schema that nobody knows', async () => {
    const harness = ingestHarness()
    for (let count = 0; count < 5; count++) await harness.run(record(Buffer.from([0, 0, 0, 0, 99, 1])))
    expect(harness.schemas.asked).toBe(1)
  })
})
