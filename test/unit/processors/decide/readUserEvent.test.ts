import { describe, expect, it } from 'vitest'
import type { KnotEvent, UserEvent } from '../../../../src/domain/records.ts'
import { testCard } from '../../../../sandbox/people.ts'
import { createUserEventCodec, operatorOrder } from '../../../support/operatorOrder.ts'
import { readUserEvent } from '../../../../src/processors/decide/readUserEvent.ts'
import { RecordView } from '../../../../src/kafka/recordView.ts'
import { PanFields } from '../../../../src/processors/ingest/panFields.ts'
import type { ReadFrom } from '../../../../src/processors/decide/readUserEvent.ts'

const codec = createUserEventCodec()

function recordOf(value: Buffer, offset: number): RecordView {
  const view = new RecordView()
  view.buffer = value
  view.offset = offset
  view.valueStart = 0
  view.valueEnd = value.length
  return view
}

function from(change: Partial<ReadFrom>): ReadFrom {
  return {
    topic: 'onfile-user-events',
    partition: 3,
    partitionOf: () => 3,
    isOurs: false,
    panFields: new PanFields(null),
    ...change,
  }
}

describe('the source of what is read', () => {
  it("is the order's own position, whatever its writer put there: nobody knows it before the record is written", () => {
    const claimed = { topic: 'card-lifecycle', partition: 0, offset: 7, event_id: 'x' }
    const order = operatorOrder('user-1', { action: 'CANCEL' })
    const read = readUserEvent(
      recordOf(codec.bytes({ ...order, source: claimed, origin: claimed }), 41),
      codec,
      from({}),
    )
    const own = { topic: 'onfile-user-events', partition: 3, offset: 41, event_id: null }
    expect(read).toEqual({ kind: 'event', event: { ...order, source: own, origin: own }, isWithheld: false })
  })

  it("is the issuer's position for everything else", () => {
    const source = { topic: 'card-lifecycle', partition: 0, offset: 7, event_id: 'x' }
    const event = lifecycleOf(source)
    const read = readUserEvent(recordOf(codec.bytes(event), 41), codec, from({}))
    expect(read).toEqual({ kind: 'event', event, isWithheld: false })
  })
})

function lifecycleOf(source: UserEvent['source']): UserEvent {
  const body = {
    kind: 'lifecycle',
    event_uid: 'x',
    card_ref: 'card-1',
    type: 'updated',
    status: null,
    updated_at: 1,
    own_stamp: true,
  } as const
  return { user_id: 'user-1', source, origin: source, occurred_at: 1, body }
}

function knotOf(change: Partial<KnotEvent>): UserEvent {
  const source = { topic: 'knot-events', partition: 0, offset: 7, event_id: null }
  const body: KnotEvent = {
    kind: 'knot',
    event: 'CARD_FAILED',
    merchant_id: 16,
    merchant_name: 'Netflix',
    task_id: null,
    card_id: null,
    reason: null,
    send_card: null,
    timestamp: 1,
    dedupe_key: 'k',
    ...change,
  }
  return { user_id: 'user-1', source, origin: source, occurred_at: 1, body }
}

describe("what stands in another partition than its user's, where nothing is known of the user", () => {
  const source = { topic: 'card-lifecycle', partition: 0, offset: 7, event_id: 'x' }
  const kindOf = (event: UserEvent, change: Partial<ReadFrom>): unknown => {
    const read = readUserEvent(recordOf(codec.bytes(event), 41), codec, from({ partitionOf: () => 2, ...change }))
    return read.kind === 'unreadable' ? read.reason : read.kind
  }

  it('is refused, order or event: a stop would be confirmed, and nothing would be stopped', () => {
    expect(kindOf(operatorOrder('user-1', { action: 'SUPPRESS' }), {})).toBe('wrong_partition')
    expect(kindOf(operatorOrder('user-1', { action: 'SUPPRESS' }), { isOurs: true })).toBe('wrong_partition')
    expect(kindOf(lifecycleOf(source), {})).toBe('wrong_partition')
  })

  it('is asked of what others write alone', () => {
    const partitionOf = () => expect.fail('INGEST has put it where it belongs')
    expect(kindOf(lifecycleOf(source), { isOurs: true, partitionOf })).toBe('event')
  })

  it('is asked about the user', () => {
    const asked: string[] = []
    const partitionOf = (userId: string) => asked.push(userId) + 2
    expect(kindOf(operatorOrder('user-1', {}), { partitionOf })).toBe('event')
    expect(asked).toEqual(['user-1'])
  })
})

describe('what others write', () => {
  const source = { topic: 'card-lifecycle', partition: 0, offset: 7, event_id: 'x' }
  const wide = createUserEventCodec(1 << 20)
  const reasonOf = (event: UserEvent, change: Partial<ReadFrom> = {}): string => {
    const read = readUserEvent(recordOf(wide.bytes(event), 41), wide, from(change))
    return read.kind === 'unreadable' ? read.reason : read.kind
  }
  const long = 'x'.repeat(256)
  const lifecycle = lifecycleOf(source)

  it.each<[string, UserEvent]>([
    ['a user', operatorOrder(long, {})],
    ['a request id', operatorOrder('u', { request_id: long })],
    ['a card', operatorOrder('u', { card_ref: 'é'.repeat(128) })],
    ['an actor', operatorOrder('u', { actor: 'x'.repeat(900_000) })],
    ['an event id', { ...lifecycle, source: { ...source, event_id: long } }],
    ['a topic', { ...lifecycle, origin: { ...source, topic: long } }],
    ['an end', operatorOrder('u', { until: 8.64e15 + 1 })],
    ['a time', { ...lifecycle, body: { ...lifecycle.body, updated_at: 8.64e15 + 1 } as UserEvent['body'] }],
    ['a type', { ...lifecycle, body: { ...lifecycle.body, type: long } as UserEvent['body'] }],
  ])('is refused where %s is beyond what is kept of such a thing', (_, event) => {
    expect(reasonOf(event)).toBe('schema_violation')
  })

  const { number } = testCard(7)

  it.each<[string, UserEvent]>([
    ['the user', operatorOrder(number, {})],
    ['a card', operatorOrder('u', { card_ref: number })],
    ['an event id', { ...lifecycle, source: { ...source, event_id: number } }],
    ['the card of an event', { ...lifecycle, body: { ...lifecycle.body, card_ref: number } as UserEvent['body'] }],
    ['a type', { ...lifecycle, body: { ...lifecycle.body, type: `card ${number}` } as UserEvent['body'] }],
    ["Knot's words", knotOf({ reason: `card ${number} declined` })],
    ['the card of a webhook', knotOf({ card_id: number })],
  ])('is refused where %s holds a card number', (_, event) => {
    expect(reasonOf(event)).toBe('contains_pan')
    // INGEST has looked already, with the issuer's settings.
    if (event.body.kind !== 'operator') expect(reasonOf(event, { isOurs: true })).toBe('event')
  })

  it('may hold ids in the format that the issuer says are none', () => {
    const panFields = new PanFields('\\d{16}')
    expect(reasonOf(operatorOrder('u', { card_ref: number, request_id: number }), { panFields })).toBe('event')
    expect(reasonOf(knotOf({ reason: number }), { panFields })).toBe('contains_pan')
  })

  it('is taken up to that, and a reason may be as long as it likes: nothing keeps it', () => {
    const reason = 'x'.repeat(100_000)
    const order = operatorOrder('u'.repeat(255), { actor: 'x'.repeat(500), card_ref: 'c'.repeat(255), reason })
    expect(reasonOf(order)).toBe('event')
    expect(reasonOf(lifecycle)).toBe('event')
  })
})
