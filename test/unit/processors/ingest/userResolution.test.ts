import { describe, expect, it } from 'vitest'
import { InputNotReadyError } from '../../../../src/engine/processor.ts'
import type { IngestSettings } from '../../../../src/processors/ingest/settings.ts'
import { headerOf, ingestHarness, reasonOf, userEventOf } from '../../../support/ingestHarness.ts'
import { recordView } from '../../../support/recordView.ts'

const CARD = 'card-1'
const HEADER = { 'onfile-user-id': ' header-user ' }

const valueWith = (fields: object, data: object = {}): string =>
  JSON.stringify({ event_uid: 'e1', ...fields, data: { id: CARD, type: 'updated', ...data } })

interface Case {
  readonly what: string
  readonly userFrom?: IngestSettings['userFrom']
  readonly headers?: Record<string, string | Buffer>
  readonly key?: string
  readonly value: string
  readonly owner?: string
  readonly expected: string
}

const found: readonly Case[] = [
  {
    what: 'the header, before all else',
    headers: HEADER,
    value: valueWith({ user_id: 'field' }),
    owner: 'dir',
    expected: 'header-user',
  },
  { what: 'user_id', value: valueWith({ user_id: 'u', external_user_id: 'x' }), expected: 'u' },
  { what: 'external_user_id', value: valueWith({ external_user_id: 'x' }, { user_id: 'd' }), expected: 'x' },
  {
    what: 'data.user_id',
    value: valueWith({ user_id: null }, { user_id: 'd', external_user_id: 'de' }),
    expected: 'd',
  },
  { what: 'data.external_user_id', value: valueWith({ user_id: ' ' }, { external_user_id: 'de' }), expected: 'de' },
  { what: 'the directory', value: valueWith({}), owner: 'dir', expected: 'dir' },
  {
    what: 'the field behind an empty header',
    headers: { 'onfile-user-id': '' },
    value: valueWith({ user_id: 'u' }),
    expected: 'u',
  },
  {
    what: 'the key, where configured',
    userFrom: ['key'],
    key: ' k ',
    value: valueWith({ user_id: 'u' }),
    expected: 'k',
  },
  {
    what: 'the key, where the directory knows nothing',
    userFrom: ['directory', 'key'],
    key: 'k',
    value: valueWith({}),
    expected: 'k',
  },
  {
    what: 'the field first, in another order',
    userFrom: ['field', 'header'],
    headers: HEADER,
    value: valueWith({ user_id: 'u' }),
    expected: 'u',
  },
  { what: 'a user whose name is a word of the code', value: valueWith({ user_id: 'unusable' }), expected: 'unusable' },
]

describe('the user of a lifecycle event', () => {
  it.each(found)('is found: $what', async ({ userFrom, headers, key, value, owner, expected }) => {
    const harness = ingestHarness(userFrom === undefined ? {} : { userFrom })
    if (owner !== undefined) harness.directory.ask = () => owner
    const record = recordView({ key: key ?? 'card-key', value, headers: headers ?? {} })
    expect(userEventOf(await harness.run(record)).user_id).toBe(expected)
  })

  const notFound: readonly (Omit<Case, 'expected'> & { readonly reason: string })[] = [
    { what: 'no source names one', value: valueWith({}), reason: 'user_unresolved' },
    {
      what: 'only the key does, and it is not configured',
      key: 'user',
      value: valueWith({}),
      reason: 'user_unresolved',
    },
    {
      what: 'the header is not UTF-8',
      headers: { 'onfile-user-id': Buffer.from([0xff]) },
      value: valueWith({}),
      reason: 'schema_violation',
    },
    {
      what: 'the header is too long',
      headers: { 'onfile-user-id': 'x'.repeat(256) },
      value: valueWith({ user_id: 'u' }),
      reason: 'schema_violation',
    },
    {
      what: 'the directory answers with a card number',
      value: valueWith({}),
      owner: '4242424242424242',
      reason: 'contains_pan',
    },
  ]
  it.each(notFound)('is not found: $what', async ({ headers, key, value, owner, reason }) => {
    const harness = ingestHarness()
    if (owner !== undefined) harness.directory.ask = () => owner
    const record = recordView({ key: key ?? 'card-key', value, headers: headers ?? {} })
    expect(reasonOf(await harness.run(record))).toBe(reason)
  })

  it('is asked for once per card and batch', async () => {
    const harness = ingestHarness()
    harness.directory.ask = () => 'dir'
    const records = [0, 1, 2].map(offset => recordView({ value: valueWith({}), offset }))
    const processor = harness.processor()
    await processor.prepare!(records, new AbortController().signal)
    expect(harness.directory.resolved).toEqual([CARD])
  })

  it('is not asked for where the card reference is a card number', async () => {
    const harness = ingestHarness()
    await harness.run(recordView({ value: valueWith({}, { id: '4242424242424242' }) }))
    expect(harness.directory.resolved).toEqual([])
  })

  it('makes the whole batch wait while the directory is down, and loses nothing', async () => {
    const harness = ingestHarness()
    harness.directory.ask = () => {
      throw new Error('down')
    }
    const records = [recordView({ value: valueWith({}), offset: 0 }), recordView({ value: 'x', offset: 1 })]
    const processor = harness.processor()
    await expect(processor.prepare!(records, new AbortController().signal)).rejects.toThrow('down')
    expect(harness.context.forwarded).toEqual([])
    harness.directory.ask = () => 'dir'
    await processor.prepare!(records, new AbortController().signal)
    for (const record of records) processor.onRecord(record, harness.context)
    expect(harness.context.forwarded).toHaveLength(2)
  })

  it('is asked for again where the answer has been forgotten since', async () => {
    const harness = ingestHarness()
    harness.directory.ask = () => 'dir'
    const record = recordView({ value: valueWith({}) })
    const processor = harness.processor()
    await processor.prepare!([record], new AbortController().signal)
    harness.directory.owners.clear()
    const refused = caught(() => processor.onRecord(record, harness.context))
    expect(refused).toBeInstanceOf(InputNotReadyError)
    await (refused as InputNotReadyError).resolve(new AbortController().signal)
    processor.onRecord(record, harness.context)
    expect(userEventOf(harness.context.forwarded[0]!).user_id).toBe('dir')
  })
})

describe('ids that look like card numbers', () => {
  it('are let through where they match ingest.idPattern as a whole', async () => {
    const harness = ingestHarness({ idPattern: '42\\d{14}' })
    const value = valueWith({ user_id: '4242424242424242' })
    expect(userEventOf(await harness.run(recordView({ value }))).user_id).toBe('4242424242424242')
    const longer = valueWith({ user_id: 'u 4242424242424242' })
    const letter = await harness.run(recordView({ value: longer }))
    expect(reasonOf(letter)).toBe('contains_pan')
    expect(headerOf(letter, 'onfile.dlq.value')).toBe('omitted')
  })
})

function caught(act: () => void): unknown {
  try {
    act()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}
