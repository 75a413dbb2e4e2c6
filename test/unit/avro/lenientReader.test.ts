import avsc from 'avsc'
import { describe, expect, it } from 'vitest'
import { decodeAll } from '../../../src/avro/codecs.ts'
import { boundedContainers } from '../../../src/avro/boundedContainers.ts'
import { InstantType } from '../../../src/avro/instantType.ts'
import { lenientReader } from '../../../src/avro/lenientReader.ts'
import { readSchemaFile } from '../../../src/avro/schemaFiles.ts'

const EXPECTED = readSchemaFile('in/card-lifecycle')
const MS = 1_743_132_938_947

function read(schema: object, value: unknown): unknown {
  const writer = avsc.Type.forSchema(schema as avsc.Schema, {
    typeHook: boundedContainers,
    logicalTypes: InstantType.byName,
  })
  const bytes = writer.toBuffer(value)
  const reader = lenientReader(EXPECTED, writer)
  return reader === undefined ? undefined : decodeAll(reader, bytes, 0, bytes.length)
}

/** A writer's record with one field in `data`. */
const withUpdatedAt = (type: unknown): object => ({
  type: 'record',
  name: 'com.bank.Event',
  fields: [{ name: 'data', type: { type: 'record', name: 'com.bank.Data', fields: [{ name: 'updated_at', type }] } }],
})

const ABSENT = { event_uid: null, event: null, user_id: null, external_user_id: null, data: null }

describe('a writer of any schema with the same field names', () => {
  const stamps: [string, unknown, unknown, unknown][] = [
    ['a string', 'string', '2025-03-28', '2025-03-28'],
    ['a nullable string', ['null', 'string'], '2025-03-28', '2025-03-28'],
    ['a string that may be null, in the other order', ['string', 'null'], null, null],
    ['timestamp-millis', { type: 'long', logicalType: 'timestamp-millis' }, MS, MS],
    ['timestamp-micros', { type: 'long', logicalType: 'timestamp-micros' }, MS, MS],
    ['nullable timestamp-micros', ['null', { type: 'long', logicalType: 'timestamp-micros' }], MS, MS],
    ['local-timestamp-micros', { type: 'long', logicalType: 'local-timestamp-micros' }, MS, MS],
    ['a plain long', 'long', MS, MS],
    ['a union of text and time', ['null', 'string', 'long'], MS, MS],
    ['bytes: not read', 'bytes', Buffer.from('x'), undefined],
    ['an array: not read', { type: 'array', items: 'string' }, ['x'], undefined],
  ]
  it.each(stamps)('may give updated_at as %s', (_what, type, value, expected) => {
    expect(read(withUpdatedAt(type), { data: { updated_at: value } })).toMatchObject({
      data: expected === undefined ? { type: null } : { updated_at: expected },
    })
  })

  it('writes microseconds: the wire holds them, the reader gives milliseconds', () => {
    const micros = avsc.Type.forSchema(withUpdatedAt('long') as avsc.Schema).toBuffer({
      data: { updated_at: MS * 1_000 + 999 },
    })
    const writer = avsc.Type.forSchema(
      withUpdatedAt({ type: 'long', logicalType: 'timestamp-micros' }) as avsc.Schema,
      {
        logicalTypes: InstantType.byName,
      },
    )
    const value = decodeAll(lenientReader(EXPECTED, writer)!, micros, 0, micros.length)
    expect(value).toMatchObject({ data: { updated_at: MS } })
  })

  it('gives null for what is missing and leaves out what is something else', () => {
    expect(read({ type: 'record', name: 'Empty', fields: [] }, {})).toEqual(ABSENT)
    const odd = read({ type: 'record', name: 'Odd', fields: [{ name: 'data', type: 'string' }] }, { data: 'x' })
    expect(odd).toEqual({ ...ABSENT, data: undefined })
  })

  it('may have data null, or as the only branch that is a record', () => {
    const nested = { type: 'record', name: 'D', fields: [{ name: 'id', type: 'string' }] }
    const schema = { type: 'record', name: 'E', fields: [{ name: 'data', type: [nested, 'null'] }] }
    expect(read(schema, { data: null })).toEqual(ABSENT)
    expect(read(schema, { data: { id: 'c' } })).toMatchObject({ data: { id: 'c', type: null } })
  })

  it('may refer to itself in what is not read', () => {
    const schema = {
      type: 'record',
      name: 'Node',
      fields: [
        { name: 'next', type: ['null', 'Node'], default: null },
        { name: 'event_uid', type: 'string' },
      ],
    }
    expect(read(schema, { next: { next: null, event_uid: 'inner' }, event_uid: 'outer' })).toMatchObject({
      event_uid: 'outer',
    })
  })

  it('must be a record', () => {
    expect(read({ type: 'string' }, 'x')).toBeUndefined()
  })
})
