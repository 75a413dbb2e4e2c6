import { describe, expect, it } from 'vitest'
import { AvroDecodeError } from '../../../src/avro/errors.ts'
import { FramedReader } from '../../../src/avro/framedReader.ts'
import { SchemaShelf, framed } from '../../support/ingestHarness.ts'

const SCHEMA = { type: 'record', name: 'R', fields: [{ name: 'a', type: 'string' }] }
/** A record that holds another one of its kind: a byte per level. */
const LIST = { type: 'record', name: 'L', fields: [{ name: 'next', type: ['null', 'L'], default: null }] }

function shelfWithReader(): { shelf: SchemaShelf; reader: FramedReader<unknown>; bytes: Buffer } {
  const shelf = new SchemaShelf()
  const type = shelf.add(7, SCHEMA)
  return { shelf, reader: new FramedReader<unknown>(shelf, writer => writer), bytes: framed(7, type, { a: 'x' }) }
}

describe('a framed reader', () => {
  it('says what is missing, loads it, and then decodes', async () => {
    const { reader, bytes } = shelfWithReader()
    expect(reader.missing(bytes, 0, bytes.length)).toBe(7)
    expect(() => reader.decode(bytes, 0, bytes.length)).toThrow('not loaded')
    await reader.load(7)
    expect(reader.missing(bytes, 0, bytes.length)).toBeUndefined()
    expect(reader.decode(bytes, 0, bytes.length)).toEqual({ a: 'x' })
    expect(reader.decodeWhole(bytes, 0, bytes.length)).toEqual({ a: 'x' })
  })

  it('remembers an unknown id, and asks again after a while', async () => {
    const shelf = new SchemaShelf()
    const reader = new FramedReader<unknown>(shelf, writer => writer, { unknownTtlMs: 20 })
    const bytes = Buffer.from([0, 0, 0, 0, 9, 2, 0x78])
    await reader.load(9)
    expect(reader.missing(bytes, 0, bytes.length)).toBeUndefined()
    expect(() => reader.decode(bytes, 0, bytes.length)).toThrow(expect.objectContaining({ code: 'unknown_schema' }))
    await new Promise(resolve => setTimeout(resolve, 40))
    expect(reader.missing(bytes, 0, bytes.length)).toBe(9)
    shelf.add(9, { type: 'string' })
    await reader.load(9)
    expect(reader.decode(bytes, 0, bytes.length)).toBe('x')
  })

  it('rejects while the registry is down, and learns nothing from that', async () => {
    const { shelf, reader, bytes } = shelfWithReader()
    shelf.down = true
    await expect(reader.load(7)).rejects.toMatchObject({ code: 'registry_unavailable', retryable: true })
    expect(reader.missing(bytes, 0, bytes.length)).toBe(7)
  })

  it('takes a schema that cannot be resolved for an unknown one', async () => {
    const { shelf, bytes } = shelfWithReader()
    const reader = new FramedReader<unknown>(shelf, () => {
      throw new Error('cannot read string as int')
    })
    await reader.load(7)
    expect(() => reader.decode(bytes, 0, bytes.length)).toThrow('does not fit this topic')
  })

  it.each([
    ['an enum index beyond its symbols', { type: 'enum', name: 'E', symbols: ['A'] }, [0x7e]],
    ['a union index beyond its branches', ['null', 'string'], [0x7e]],
    ['a long beyond the exact numbers', 'long', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]],
    ['a list nested without end', LIST, Array.from({ length: 200_000 }, () => 0x02)],
    ['a text that is cut short', 'string', [0x40, 0x61]],
  ])('answers %s with its own error, which holds nothing of the record', async (_what, schema, body) => {
    const shelf = new SchemaShelf()
    shelf.add(7, schema as object)
    const reader = new FramedReader<unknown>(shelf, writer => writer)
    await reader.load(7)
    const bytes = Buffer.from([0, 0, 0, 0, 7, ...body])
    expect(() => reader.decode(bytes, 0, bytes.length)).toThrow(
      expect.toSatisfy((error: unknown) => error instanceof AvroDecodeError && !('cause' in error)),
    )
    expect(reader.decodeWhole(bytes, 0, bytes.length)).toBeUndefined()
  })

  it('has nothing to load for a value without a frame', () => {
    const { reader } = shelfWithReader()
    expect(reader.missing(Buffer.from('{}'), 0, 2)).toBeUndefined()
    expect(() => reader.decode(Buffer.from('{}'), 0, 2)).toThrow(expect.objectContaining({ code: 'invalid_avro' }))
  })
})
