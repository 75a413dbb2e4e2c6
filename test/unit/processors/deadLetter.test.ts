import { describe, expect, it } from 'vitest'
import { deadLetter, rawEncoder } from '../../../src/processors/deadLetter.ts'
import type { DeadLetter, DeadLetterOptions } from '../../../src/processors/deadLetter.ts'
import { recordView } from '../../support/recordView.ts'
import type { RecordParts } from '../../support/recordView.ts'

const PAN = '4242 4242 4242 4242'

function letterOf(parts: RecordParts, options: Partial<DeadLetterOptions> = {}): DeadLetter {
  return deadLetter({
    record: recordView(parts),
    position: { topic: 'card-lifecycle', partition: 2, offset: 77 },
    timestampMs: 1_740_000_000_000,
    reason: 'schema_violation',
    role: 'ingest',
    failedAtMs: Date.parse('2025-03-28T12:00:00Z'),
    appVersion: '1.2.3',
    replayCount: 0,
    schemaId: undefined,
    decoded: undefined,
    maxBytes: 100_000,
    ...options,
  })
}

const headersOf = (letter: DeadLetter): Record<string, string> =>
  Object.fromEntries(letter.headers.map(({ key, value }) => [key, value?.toString('utf8') ?? '']))

describe('a dead letter', () => {
  it('keeps key, value and headers byte by byte, and says where and why', () => {
    const key = Buffer.from([1, 2, 0xff])
    const value = Buffer.from([0, 0, 0, 0, 9, 0xff])
    const letter = letterOf({ key, value, headers: { traceparent: '00-ab' } }, { schemaId: 9 })
    expect(letter.key).toEqual(key)
    expect(letter.value).toEqual(value)
    expect(headersOf(letter)).toEqual({
      traceparent: '00-ab',
      '__streams.errors.topic': 'card-lifecycle',
      '__streams.errors.partition': '2',
      '__streams.errors.offset': '77',
      'onfile.dlq.reason': 'schema_violation',
      'onfile.dlq.role': 'ingest',
      'onfile.dlq.failed-at': '2025-03-28T12:00:00.000Z',
      'onfile.dlq.value': 'raw',
      'onfile.dlq.replay-count': '0',
      'onfile.dlq.timestamp': '1740000000000',
      'onfile.dlq.schema-id': '9',
      'onfile.dlq.app-version': '1.2.3',
    })
  })

  it('keeps null keys and values null', () => {
    expect(letterOf({ key: null, value: null }, { reason: 'empty_value' })).toMatchObject({ key: null, value: null })
  })

  const withPan: [string, RecordParts, Partial<DeadLetterOptions>, { key: boolean; header: boolean }][] = [
    ['in the value', { key: 'k', value: `{"n":"${PAN}"}`, headers: { h: 'x' } }, {}, { key: true, header: true }],
    ['in the key', { key: PAN, value: 'x', headers: { h: 'x' } }, {}, { key: false, header: true }],
    ['in a header', { key: 'k', value: 'x', headers: { h: PAN } }, {}, { key: true, header: false }],
    [
      'only in the decoded value',
      { key: 'k', value: 'x', headers: { h: 'x' } },
      { decoded: { number: 4242424242424242 } },
      { key: true, header: true },
    ],
    [
      'only in a decoded list, in bytes',
      { key: 'k', value: 'x', headers: { h: 'x' } },
      { decoded: { list: [null, true, 1n, { bytes: Buffer.from(`card ${PAN}`) }] } },
      { key: true, header: true },
    ],
    [
      'only in a decoded name',
      { key: 'k', value: 'x', headers: { h: 'x' } },
      { decoded: [{ [PAN]: 1 }] },
      { key: true, header: true },
    ],
    [
      'only at the bottom of a decoded value of a great depth',
      { key: 'k', value: 'x', headers: { h: 'x' } },
      { decoded: JSON.parse(`${'['.repeat(400_000)}"${PAN}"${']'.repeat(400_000)}`) },
      { key: true, header: true },
    ],
    [
      'in a value with its own reason',
      { key: 'k', value: 'x', headers: { h: 'x' } },
      { reason: 'contains_pan' },
      { key: true, header: true },
    ],
  ]
  it.each(withPan)('is by reference with a card number %s', (_what, parts, options, kept) => {
    const letter = letterOf(parts, options)
    const headers = headersOf(letter)
    expect(letter.value).toBeNull()
    expect(headers['onfile.dlq.value']).toBe('omitted')
    expect(headers['onfile.dlq.reason']).toBe(options.reason ?? 'schema_violation')
    expect(letter.key !== null).toBe(kept.key)
    expect('h' in headers).toBe(kept.header)
    expect(JSON.stringify([letter.key?.toString(), headers])).not.toContain('4242')
  })

  const tooLarge: [string, RecordParts, { key: boolean; header: boolean }][] = [
    ['value', { key: 'k', value: 'x'.repeat(100_001), headers: { h: 'x' } }, { key: true, header: true }],
    ['headers', { key: 'k', value: 'x', headers: { h: 'x'.repeat(100_001) } }, { key: true, header: false }],
    ['key', { key: 'x'.repeat(100_001), value: 'x', headers: { h: 'x' } }, { key: false, header: false }],
  ]
  it.each(tooLarge)('leaves out what the topic could not take: a large %s', (_what, parts, kept) => {
    const letter = letterOf(parts)
    expect(letter.reason).toBe('too_large')
    expect(letter.value).toBeNull()
    expect(headersOf(letter)).toMatchObject({ 'onfile.dlq.reason': 'too_large', 'onfile.dlq.value': 'omitted' })
    expect(letter.key !== null).toBe(kept.key)
    expect('h' in headersOf(letter)).toBe(kept.header)
  })

  it('is written as it is, growing the buffer where needed', () => {
    const value = Buffer.from('abc')
    const buffer = Buffer.alloc(5)
    expect(rawEncoder.encode(value, buffer, 1)).toBe(4)
    expect(buffer.toString('latin1')).toBe('\0abc\0')
    expect(rawEncoder.encode(value, buffer, 3)).toBe(6)
  })
})
