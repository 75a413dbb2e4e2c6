import avsc from 'avsc'
import { describe, expect, it } from 'vitest'
import { decodeAll } from '../../../src/avro/codecs.ts'
import { AvroDecodeError } from '../../../src/avro/errors.ts'
import { typeHook } from '../../../src/avro/typeHook.ts'

const typeOf = (type: unknown): avsc.Type =>
  avsc.Type.forSchema({ type: 'record', name: 'R', fields: [{ name: 'n', type }] } as unknown as avsc.Schema, {
    typeHook,
  })

const readers = [
  ['an int', typeOf('int'), undefined],
  ['an int written as an object', typeOf({ type: 'int' }), undefined],
  ['a nullable int', typeOf(['int', 'null']), undefined],
  ['an int that is resolved', typeOf('int'), typeOf('int')],
  ['an int that is read as a long', typeOf('long'), typeOf('int')],
] as const

describe.each(readers)('%s', (what, reader, writer) => {
  const resolver = writer === undefined ? undefined : reader.createResolver(writer)
  const read = (varint: readonly number[]): unknown => {
    const bytes = Buffer.from([...(what === 'a nullable int' ? [0] : []), ...varint])
    const type = { decode: (buffer: Buffer, start: number) => reader.decode(buffer, start, resolver) }
    return (decodeAll(type, bytes, 0, bytes.length) as { n: unknown }).n
  }

  it.each([
    [[0x00], 0],
    [[0x01], -1],
    [[0xfe, 0xff, 0xff, 0xff, 0x0f], 2_147_483_647],
    [[0xff, 0xff, 0xff, 0xff, 0x0f], -2_147_483_648],
  ])('is read: %j', (varint, value) => {
    expect(read(varint)).toBe(value)
  })

  it.each([
    ['33 bits', [0x80, 0x80, 0x80, 0x80, 0x10]],
    ['64 bits', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]],
    ['so many that avsc makes NaN of them', [...Array.from({ length: 160 }, () => 0x80), 0x00]],
  ])('of %s is an error', (_what, varint) => {
    expect(() => read(varint)).toThrow(AvroDecodeError)
  })
})

it('leaves a logical type over an int to avsc', () => {
  expect(typeOf({ type: 'int', logicalType: 'date' }).decode(Buffer.from([0x04]), 0)).toMatchObject({ value: { n: 2 } })
})
