import { randomUUID } from 'node:crypto'
import type { IHeaders } from 'kafkajs'
import { FRAME_HEADER_BYTES, writeFrameHeader } from '../../../src/avro/frame.ts'
import { lifecycleEvent } from '../../support/onfile/lifecycleEvent.ts'

/** What becomes of a record: a dead letter with a reason, an outcome, or nothing but a count. */
export type Fate =
  { readonly deadLetter: string; readonly byReference?: true } | { readonly outcome: string } | 'ignored'

/** A record as somebody's producer may write it. */
export interface BadRecord {
  readonly name: string
  readonly topic: 'cardLifecycle' | 'knotEvents'
  readonly key?: string | Buffer | null
  readonly value: Buffer | string | null
  readonly headers?: IHeaders
  readonly fate: Fate
}

/** Ids of schemas that the registry holds. */
export interface SchemaIds {
  readonly avro: number
  readonly plainText: number
  readonly jsonSchema: number
  readonly protobuf: number
}

export const framed = (schemaId: number, body: Buffer): Buffer => {
  const frame = Buffer.alloc(FRAME_HEADER_BYTES)
  writeFrameHeader(frame, 0, schemaId)
  return Buffer.concat([frame, body])
}

const DAY_MS = 86_400_000
const event = (changes: object, data: object = {}): string =>
  JSON.stringify({
    event_uid: `bad-${randomUUID()}`,
    user_id: 'somebody',
    data: { id: `card-${randomUUID()}`, type: 'enrolled', status: 'enrolled', ...data },
    ...changes,
  })
const webhook = (changes: object): string =>
  JSON.stringify({
    event: 'CARD_UPDATED',
    session_id: randomUUID(),
    external_user_id: 'somebody',
    merchant: { id: 16, name: 'Netflix' },
    data: {},
    timestamp: Date.now(),
    ...changes,
  })

/** Records of the lifecycle topic and of the webhook topic, and what must become of each (contract.md 1, 2 and 4). */
export function badRecords(ids: SchemaIds, avroEvent: Buffer): BadRecord[] {
  const lifecycle = (
    name: string,
    value: BadRecord['value'],
    fate: Fate,
    more: Partial<BadRecord> = {},
  ): BadRecord => ({
    name,
    topic: 'cardLifecycle',
    value,
    fate,
    ...more,
  })
  const knot = (name: string, value: BadRecord['value'], fate: Fate): BadRecord => ({
    name,
    topic: 'knotEvents',
    value,
    fate,
  })
  const dead = (reason: string): Fate => ({ deadLetter: reason })
  const both: [string, BadRecord['value'], Fate][] = [
    ['no JSON', 'this is no JSON', dead('invalid_json')],
    ['JSON cut off', '{"event_uid": "x", "data": {', dead('invalid_json')],
    ['invalid UTF-8', Buffer.from([0x7b, 0x22, 0xc3, 0x28, 0xff, 0xfe, 0x22, 0x7d]), dead('invalid_json')],
    ['UTF-16', Buffer.from('{"event":"x"}', 'utf16le'), dead('invalid_json')],
    ['no value', null, dead('empty_value')],
    ['an empty value', '', dead('empty_value')],
    ['blanks only', ' \n\t ', dead('empty_value')],
    ['a JSON list', '[1, 2]', dead('schema_violation')],
    ['a JSON null', 'null', dead('schema_violation')],
    ['an empty object', '{}', dead('schema_violation')],
    ['JSON of a great depth', '['.repeat(300_000) + ']'.repeat(300_000), dead('schema_violation')],
    ['an unknown schema id', framed(987_654_321, Buffer.from('body')), dead('unknown_schema')],
    ['a negative schema id', Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 1, 2]), dead('unknown_schema')],
    ['a JSON Schema frame', framed(ids.jsonSchema, Buffer.from('{}')), dead('unknown_schema')],
    ['a Protobuf frame', framed(ids.protobuf, Buffer.from([0, 10, 1, 65])), dead('unknown_schema')],
    ['a frame cut off', Buffer.from([0, 0, 0]), dead('invalid_avro')],
    ['Avro cut off', framed(ids.avro, avroEvent.subarray(0, 20)), dead('invalid_avro')],
    ['Avro of noise', framed(ids.avro, Buffer.alloc(64, 0xff)), dead('invalid_avro')],
  ]
  return [
    ...both.map(([name, value, fate]) => lifecycle(`${name}, as a lifecycle event`, value, fate)),
    ...both.map(([name, value, fate]) => knot(`${name}, as a webhook`, value, fate)),

    lifecycle('Avro text instead of a record', framed(ids.plainText, Buffer.from('\u0006abc')), dead('unknown_schema')),
    lifecycle('no card', event({}, { id: null }), dead('schema_violation')),
    lifecycle('a card number type', event({}, { id: 17 }), dead('schema_violation')),
    lifecycle('a card id of 300 bytes', event({}, { id: 'x'.repeat(300) }), dead('schema_violation')),
    lifecycle('no type and not closed', event({}, { type: null }), dead('schema_violation')),
    lifecycle('a type that is an object', event({}, { type: {} }), dead('schema_violation')),
    lifecycle('event data that is a text', event({ data: 'text' }), dead('schema_violation')),
    lifecycle('a uid that is a number', event({ event_uid: 5 }), dead('schema_violation')),
    lifecycle('a user id of 300 bytes', event({ user_id: 'u'.repeat(300) }), dead('schema_violation')),
    lifecycle('a user id that is a number', event({ user_id: 42 }), dead('schema_violation')),
    lifecycle('a card that nobody owns', event({ user_id: null }, { id: 'nobody' }), dead('user_unresolved')),
    lifecycle('an unreadable stamp', event({}, { updated_at: 'yesterday' }), dead('bad_timestamp')),
    lifecycle('a stamp that is a list', event({}, { updated_at: [1] }), dead('bad_timestamp')),
    lifecycle('a stamp of tomorrow', event({}, { updated_at: Date.now() + DAY_MS }), dead('future_timestamp')),
    lifecycle('10 MB', `"${'x'.repeat(10 << 20)}"`, { deadLetter: 'too_large', byReference: true }),
    lifecycle('a header of noise', 'no JSON', dead('invalid_json'), {
      key: Buffer.from([0xff, 0x00, 0xc3]),
      headers: { noise: Buffer.from([0, 1, 2, 0xff]), empty: '', several: ['a', 'b'] },
    }),
    lifecycle('a thousand headers', 'no JSON', dead('invalid_json'), {
      headers: Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`header-${i}`, `value ${i}`])),
    }),
    lifecycle('an unreadable user header', event({}), dead('schema_violation'), {
      headers: { 'onfile-user-id': Buffer.from([0xff, 0xfe]) },
    }),

    lifecycle('no key', event({}), { outcome: 'SKIPPED/enrolled' }, { key: null }),
    lifecycle('a byte order mark', `\ufeff  ${event({})}`, { outcome: 'SKIPPED/enrolled' }),
    lifecycle('no stamp', event({}, { updated_at: null }), { outcome: 'SKIPPED/enrolled' }),
    lifecycle('no uid', event({ event_uid: null }), { outcome: 'SKIPPED/enrolled' }),
    lifecycle('a type from the future', event({}, { type: 'teleported' }), { outcome: 'SKIPPED/unknown_type' }),
    lifecycle('an opt-out with an unreadable stamp', event({}, { id: 'c1', type: 'opt_out', updated_at: 'x' }), {
      outcome: 'SUPPRESSED/opt_out',
    }),
    lifecycle('a closing of tomorrow', event({}, { id: 'c2', type: 'closed', updated_at: Date.now() + DAY_MS }), {
      outcome: 'SUPPRESSED/closed',
    }),
    lifecycle('a closed card of an unknown type', event({}, { id: 'c3', type: 'gone', status: 'Closed ' }), {
      outcome: 'SUPPRESSED/closed',
    }),
    lifecycle('a good event in Avro', framed(ids.avro, avroEvent), { outcome: 'SKIPPED/enrolled' }),

    knot('no user', webhook({ external_user_id: undefined }), dead('schema_violation')),
    knot('an empty user', webhook({ external_user_id: ' ' }), dead('schema_violation')),
    knot('no merchant', webhook({ merchant: undefined }), dead('schema_violation')),
    knot('a merchant id of letters', webhook({ merchant: { id: 'abc' } }), dead('schema_violation')),
    knot('an event name that is a number', webhook({ event: 7 }), dead('schema_violation')),
    knot('webhook data that is a text', webhook({ data: 'x' }), dead('schema_violation')),
    knot('an unreadable time', webhook({ timestamp: 'soon' }), dead('bad_timestamp')),
    knot('a time of tomorrow', webhook({ timestamp: Date.now() + DAY_MS }), dead('future_timestamp')),
    knot('a time as text', webhook({ timestamp: String(Date.now()) }), { outcome: 'EXTERNAL/updated' }),
    knot('a merchant id as text', webhook({ merchant: { id: '44' } }), { outcome: 'EXTERNAL/updated' }),
    knot('an unknown failure', webhook({ event: 'CARD_FAILED', data: { reason: 'gremlins' } }), {
      outcome: 'EXTERNAL/unknown_reason',
    }),
    knot('an unknown event', webhook({ event: 'CARD_TELEPORTED' }), 'ignored'),
    knot(
      'an event without a user by nature',
      webhook({ event: 'MERCHANT_STATUS_UPDATE', external_user_id: undefined }),
      'ignored',
    ),
  ]
}

/** A good record of the same topic: what stands behind each bad one, and must be decided. */
export function goodRecord(topic: BadRecord['topic'], userId: string): string | Buffer {
  if (topic === 'knotEvents') return webhook({ external_user_id: userId })
  return lifecycleEvent({ cardRef: `card-${userId}`, type: 'enrolled', userId })
}
