import { describe, expect, it } from 'vitest'
import { TOPICS, framed, headerOf, ingestHarness, reasonOf, userEventOf } from '../../../support/ingestHarness.ts'
import { recordView } from '../../../support/recordView.ts'
import type { RecordParts } from '../../../support/recordView.ts'

const PAN = '4242424242424242'
const EVENT = { event_uid: 'e', user_id: 'u', data: { id: 'c', type: 'updated', updated_at: '2025-03-28T03:35:38Z' } }
const json = (value: object): string => JSON.stringify(value)

describe('a card number in a record that cannot be read', () => {
  const records: [string, RecordParts, string][] = [
    ['in text that is no JSON', { value: `card ${PAN}!` }, 'invalid_json'],
    ['in JSON of another shape', { value: json({ number: PAN }) }, 'schema_violation'],
    ['as a JSON number', { value: json({ number: Number(PAN) }) }, 'schema_violation'],
    ['behind JSON escapes', { value: `{"number":"\\u0034${PAN.slice(1)}"}` }, 'schema_violation'],
    [
      'in bytes that are not UTF-8',
      { value: Buffer.concat([Buffer.from([0xff]), Buffer.from(` ${PAN}`)]) },
      'invalid_json',
    ],
    [
      'behind a frame that nobody knows',
      { value: Buffer.concat([Buffer.from([0, 0, 0, 0, 9, 0x20]), Buffer.from(PAN)]) },
      'unknown_schema',
    ],
    ['in the key', { key: PAN, value: 'x' }, 'invalid_json'],
    ['in a header', { value: 'x', headers: { note: `card ${PAN}` } }, 'invalid_json'],
    [
      'beside a bad stamp',
      { value: json({ ...EVENT, note: PAN, data: { ...EVENT.data, updated_at: 'x' } }) },
      'bad_timestamp',
    ],
    ['beside a user that nobody knows', { value: json({ ...EVENT, user_id: null, note: PAN }) }, 'user_unresolved'],
  ]
  it.each(records)('keeps its reason and is by reference: %s', async (_what, parts, reason) => {
    const letter = await ingestHarness().run(recordView(parts))
    expect(reasonOf(letter)).toBe(reason)
    expect(headerOf(letter, 'onfile.dlq.value')).toBe('omitted')
    expect(letter.bytes).toBeNull()
    const everything = [letter.key, ...letter.headers.map(({ key, value }) => `${key}=${String(value)}`)].join('\n')
    expect(everything).not.toContain('42424242')
  })

  it('is found in Avro numbers, where no digit stands in the bytes', async () => {
    const harness = ingestHarness()
    const fields = [
      { name: 'number', type: 'long' },
      { name: 'items', type: { type: 'array', items: 'string' } },
    ]
    const type = harness.schemas.add(7, { type: 'record', name: 'Card', fields })
    const letter = await harness.run(recordView({ value: framed(7, type, { number: Number(PAN), items: ['a'] }) }))
    expect(reasonOf(letter)).toBe('schema_violation')
    expect(headerOf(letter, 'onfile.dlq.value')).toBe('omitted')
  })
})

describe('a card number in a readable record', () => {
  const dropped: [string, RecordParts][] = [
    ['in a field that is not read', { value: json({ ...EVENT, note: PAN }) }],
    [
      'as token, while the id is the card reference',
      { value: json({ ...EVENT, data: { ...EVENT.data, token: PAN } }) },
    ],
    ['in the key', { key: PAN, value: json(EVENT) }],
    ['in a header', { value: json(EVENT), headers: { note: PAN } }],
  ]
  it.each(dropped)('that does not travel on is no reason to refuse it: %s', async (_what, parts) => {
    const forwarded = await ingestHarness().run(recordView(parts))
    expect(userEventOf(forwarded).user_id).toBe('u')
    expect(forwarded.bytes?.includes('42424242')).toBe(false)
    expect(forwarded.headers.map(({ key }) => key)).toEqual(['onfile.appended-at'])
  })

  it('that travels on as token makes it a dead letter', async () => {
    const harness = ingestHarness({ cardRef: 'token' })
    const letter = await harness.run(recordView({ value: json({ ...EVENT, data: { ...EVENT.data, token: PAN } }) }))
    expect(letter.topic).toBe(TOPICS.deadLetters)
    expect(reasonOf(letter)).toBe('contains_pan')
  })
})
