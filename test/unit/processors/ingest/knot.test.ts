import { describe, expect, it } from 'vitest'
import type { KnotEvent } from '../../../../src/domain/records.ts'
import { NOW, TOPICS, framed, ingestHarness, reasonOf, userEventOf } from '../../../support/ingestHarness.ts'
import { recordView } from '../../../support/recordView.ts'

/** CARD_FAILED of seed 003. */
const FAILED = {
  event: 'CARD_FAILED',
  session_id: 'fb5aa994-ed1c-4c3e-b29a-b2a53222e584',
  task_id: 25605,
  external_user_id: '3dcbb19a-b2f1-4a7b-8792-d76027b627b3',
  merchant: { id: 11, name: 'Uber' },
  data: { card_id: '123456789', reason: 'card cvv' },
  timestamp: 1710864923198,
}

const run = (value: unknown, harness = ingestHarness()): ReturnType<typeof harness.run> =>
  harness.run(recordView({ value: JSON.stringify(value), offset: 9 }), TOPICS.knotEvents)

const bodyOf = async (value: unknown, harness = ingestHarness()): Promise<KnotEvent> =>
  userEventOf(await run(value, harness)).body as KnotEvent

describe('a Knot webhook', () => {
  it('becomes one user event without its session', async () => {
    const forwarded = await run(FAILED)
    const source = { topic: TOPICS.knotEvents, partition: 3, offset: 9, event_id: null }
    const event = userEventOf(forwarded)
    expect(event).toMatchObject({
      user_id: FAILED.external_user_id,
      source,
      origin: source,
      occurred_at: FAILED.timestamp,
    })
    expect(event.body).toEqual({
      kind: 'knot',
      event: 'CARD_FAILED',
      merchant_id: 11,
      merchant_name: 'Uber',
      task_id: '25605',
      card_id: '123456789',
      reason: 'card cvv',
      send_card: null,
      timestamp: FAILED.timestamp,
      dedupe_key: (event.body as KnotEvent).dedupe_key,
    })
    expect(forwarded.bytes?.includes(FAILED.session_id)).toBe(false)
    expect((event.body as KnotEvent).dedupe_key).toMatch(/^[\w-]{22}$/)
  })

  const readable: [string, object, Partial<KnotEvent>][] = [
    [
      'ACCOUNT_LOGIN_REQUIRED without session, task and data',
      { event: 'ACCOUNT_LOGIN_REQUIRED', session_id: undefined, task_id: undefined, data: undefined },
      { task_id: null, card_id: null },
    ],
    [
      'AUTHENTICATED with send_card',
      { event: 'AUTHENTICATED', data: { card_id: null, send_card: true, entrypoint: null } },
      { send_card: true, card_id: null },
    ],
    ['CARD_UPDATING', { event: 'CARD_UPDATING' }, { event: 'CARD_UPDATING' }],
    [
      'numbers as text',
      { task_id: '25605', merchant: { id: '11' }, timestamp: '1710864923198' },
      { task_id: '25605', merchant_id: 11, merchant_name: null, timestamp: 1710864923198 },
    ],
    ['a timestamp as ISO text', { timestamp: '2024-03-19T16:15:23.198Z' }, { timestamp: 1710864923198 }],
    ['no timestamp: the one of the record', { timestamp: undefined }, { timestamp: 1_740_000_000_000 }],
  ]
  it.each(readable)('is read: %s', async (_what, change, expected) => {
    const record = recordView({ value: JSON.stringify({ ...FAILED, ...change }), timestamp: 1_740_000_000_000 })
    expect(userEventOf(await ingestHarness().run(record, TOPICS.knotEvents)).body).toMatchObject(expected)
  })

  const malformed: [string, unknown, string][] = [
    ['no event', { ...FAILED, event: undefined }, 'schema_violation'],
    ['an event that is a number', { ...FAILED, event: 1 }, 'schema_violation'],
    ['no user', { ...FAILED, external_user_id: undefined }, 'schema_violation'],
    ['an empty user', { ...FAILED, external_user_id: '' }, 'schema_violation'],
    ['a user that is a number', { ...FAILED, external_user_id: 3 }, 'schema_violation'],
    ['no merchant', { ...FAILED, merchant: undefined }, 'schema_violation'],
    ['a merchant id that is a word', { ...FAILED, merchant: { id: 'uber' } }, 'schema_violation'],
    ['a merchant id with a fraction', { ...FAILED, merchant: { id: 1.5 } }, 'schema_violation'],
    ['a merchant id that is too large', { ...FAILED, merchant: { id: 2 ** 31 } }, 'schema_violation'],
    ['data that is text', { ...FAILED, data: 'x' }, 'schema_violation'],
    ['a reason that is an array', { ...FAILED, data: { reason: [] } }, 'schema_violation'],
    ['a timestamp that is no time', { ...FAILED, timestamp: 'soon' }, 'bad_timestamp'],
    ['a timestamp in the future', { ...FAILED, timestamp: NOW + 300_001 }, 'future_timestamp'],
    ['a card number as card_id', { ...FAILED, data: { card_id: '4242424242424242' } }, 'contains_pan'],
    ['a card number in the reason', { ...FAILED, data: { reason: 'card 4242 4242 4242 4242 failed' } }, 'contains_pan'],
    [
      'a card number in the merchant name',
      { ...FAILED, merchant: { id: 1, name: '4242-4242-4242-4242' } },
      'contains_pan',
    ],
    ['an array', [], 'schema_violation'],
  ]
  it.each(malformed)('is dead-lettered: %s', async (_what, value, reason) => {
    expect(reasonOf(await run(value))).toBe(reason)
  })

  const ignored: [string, string, object][] = [
    [
      'MERCHANT_STATUS_UPDATE',
      'MERCHANT_STATUS_UPDATE',
      { external_user_id: undefined, data: { type: 'card_switcher' } },
    ],
    ['NEW_TRANSACTIONS_AVAILABLE', 'NEW_TRANSACTIONS_AVAILABLE', { merchant: 'odd' }],
    ['CREDENTIALS_FAILED', 'CREDENTIALS_FAILED', {}],
    ['an event that Knot may add', 'other', {}],
  ]
  it.each(ignored)('is counted and nothing else: %s', async (event, counted, change) => {
    const harness = ingestHarness()
    const record = recordView({ value: JSON.stringify({ ...FAILED, ...change, event }) })
    expect(await harness.runAll(record, TOPICS.knotEvents)).toEqual([])
    expect(harness.counts).toEqual(new Map([[`ignored knot-events ${counted}`, 1]]))
  })

  const STATUS = {
    event: 'MERCHANT_STATUS_UPDATE',
    merchant: { id: 10, name: 'Uber' },
    data: { type: 'card_switcher', status: 'DOWN', platform: 'web', sdk: null },
    timestamp: NOW - 5_000,
  }

  it.each([
    ['DOWN', STATUS, '{"status":"DOWN","at":"2025-03-28T11:59:55.000Z"}'],
    ['UP', { ...STATUS, data: { ...STATUS.data, status: 'UP' } }, '{"status":"UP","at":"2025-03-28T11:59:55.000Z"}'],
    ['a time to come', { ...STATUS, timestamp: NOW + 60_000 }, '{"status":"DOWN","at":"2025-03-28T12:00:00.000Z"}'],
  ])('that says how a merchant does is counted, and passed on as a hint: %s', async (_, value, hint) => {
    const harness = ingestHarness()
    const [record, ...more] = await harness.runAll(recordView({ value: JSON.stringify(value) }), TOPICS.knotEvents)
    expect(more).toEqual([])
    expect([record!.topic, record!.key?.toString()]).toEqual([TOPICS.control, 'merchant/10'])
    expect((record!.value as Buffer).toString()).toBe(hint)
    expect(harness.counts).toEqual(new Map([['ignored knot-events MERCHANT_STATUS_UPDATE', 1]]))
  })

  it.each([
    ['another product', { ...STATUS, data: { ...STATUS.data, type: 'shopping' } }],
    ['an unknown status', { ...STATUS, data: { ...STATUS.data, status: 'SLOW' } }],
    ['no merchant', { ...STATUS, merchant: undefined }],
    ['an impossible merchant', { ...STATUS, merchant: { id: 9_999_999_999 } }],
    ['a time that is none', { ...STATUS, timestamp: 'soon' }],
  ])('about %s gives no hint', async (_, value) => {
    expect(await ingestHarness().runAll(recordView({ value: JSON.stringify(value) }), TOPICS.knotEvents)).toEqual([])
  })

  it('of a lifecycle topic is no Knot webhook, whatever its event name', async () => {
    const letter = await ingestHarness().run(recordView({ value: JSON.stringify(FAILED) }), TOPICS.cardLifecycle)
    expect(reasonOf(letter)).toBe('schema_violation')
  })
})

describe('the dedupe key', () => {
  it('is the same for a repeated delivery, and for the Avro copy', async () => {
    const harness = ingestHarness()
    const type = harness.schemas.add(5, {
      type: 'record',
      name: 'Webhook',
      fields: [
        { name: 'timestamp', type: { type: 'long', logicalType: 'timestamp-millis' } },
        { name: 'event', type: 'string' },
        { name: 'session_id', type: ['null', 'string'] },
        { name: 'task_id', type: ['null', 'int'] },
        { name: 'external_user_id', type: 'string' },
        {
          name: 'merchant',
          type: {
            type: 'record',
            name: 'M',
            fields: [
              { name: 'id', type: 'long' },
              { name: 'name', type: 'string' },
            ],
          },
        },
        {
          name: 'data',
          type: [
            'null',
            {
              type: 'record',
              name: 'D',
              fields: [
                { name: 'card_id', type: 'string' },
                { name: 'reason', type: ['null', 'string'] },
              ],
            },
          ],
        },
      ],
    })
    const record = recordView({ value: framed(5, type, FAILED), offset: 9 })
    const fromAvro = await harness.run(record, TOPICS.knotEvents)
    expect(userEventOf(fromAvro)).toEqual(userEventOf(await run(FAILED)))
    expect((await bodyOf(FAILED)).dedupe_key).toBe((await bodyOf(FAILED)).dedupe_key)
  })

  const changes: [string, object][] = [
    ['event', { event: 'CARD_UPDATED' }],
    ['user', { external_user_id: 'other' }],
    ['merchant', { merchant: { id: 12, name: 'Uber' } }],
    ['task', { task_id: 1 }],
    ['session', { session_id: 'other' }],
    ['timestamp', { timestamp: FAILED.timestamp + 1 }],
    ['reason', { data: { ...FAILED.data, reason: 'other' } }],
  ]
  it.each(changes)('changes with the %s', async (_what, change) => {
    expect((await bodyOf({ ...FAILED, ...change })).dedupe_key).not.toBe((await bodyOf(FAILED)).dedupe_key)
  })

  it('depends on the configured secret', async () => {
    const other = await bodyOf(FAILED, ingestHarness({ dedupeSecret: 'another' }))
    expect(other.dedupe_key).not.toBe((await bodyOf(FAILED)).dedupe_key)
  })
})
