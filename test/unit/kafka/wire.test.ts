import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ProtocolError } from '../../../src/kafka/errors.ts'
import { Reader, Writer } from '../../../src/kafka/wire.ts'

const text = fc.string({ unit: 'grapheme', maxLength: 40 })
const value = fc.oneof(
  fc.record({ type: fc.constant('int8' as const), value: fc.integer({ min: -128, max: 127 }) }),
  fc.record({ type: fc.constant('int16' as const), value: fc.integer({ min: -32_768, max: 32_767 }) }),
  fc.record({ type: fc.constant('int32' as const), value: fc.integer() }),
  fc.record({ type: fc.constant('int64' as const), value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) }),
  fc.record({ type: fc.constant('safeInt64' as const), value: fc.maxSafeInteger() }),
  fc.record({ type: fc.constant('unsignedVarint' as const), value: fc.integer({ min: 0, max: 0xffffffff }) }),
  fc.record({ type: fc.constant('string' as const), value: fc.option(text) }),
  fc.record({ type: fc.constant('compactString' as const), value: fc.option(text) }),
  fc.record({ type: fc.constant('array' as const), value: fc.array(fc.integer(), { maxLength: 5 }) }),
  fc.record({ type: fc.constant('compactArray' as const), value: fc.array(fc.integer(), { maxLength: 5 }) }),
)
type Value = typeof value extends fc.Arbitrary<infer T> ? T : never

function write(writer: Writer, one: Value): void {
  switch (one.type) {
    case 'int8':
      return void writer.int8(one.value)
    case 'int16':
      return void writer.int16(one.value)
    case 'int32':
      return void writer.int32(one.value)
    case 'int64':
    case 'safeInt64':
      return void writer.int64(one.value)
    case 'unsignedVarint':
      return void writer.unsignedVarint(one.value)
    case 'string':
      return void writer.string(one.value)
    case 'compactString':
      return void writer.compactString(one.value)
    case 'array':
      return void writer.array(one.value, item => writer.int32(item))
    case 'compactArray':
      return void writer.compactArray(one.value, item => writer.int32(item))
  }
}

function read(reader: Reader, type: Value['type']): unknown {
  switch (type) {
    case 'string':
      return reader.nullableString()
    case 'compactString':
      return reader.nullableCompactString()
    case 'array':
      return reader.array(() => reader.int32())
    case 'compactArray':
      return reader.compactArray(() => reader.int32())
    default:
      return reader[type]()
  }
}

describe('the wire types', () => {
  it('are read as they were written, in any sequence', () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 30 }), values => {
        const writer = new Writer(1)
        for (const one of values) write(writer, one)
        const reader = new Reader(writer.finish())
        expect(values.map(({ type }) => read(reader, type))).toEqual(values.map(one => one.value))
        expect(reader.remaining).toBe(0)
      }),
    )
  })

  it('fail with a typed error on every cut, and never read past it', () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 10 }), fc.nat(), (values, cut) => {
        const writer = new Writer()
        for (const one of values) write(writer, one)
        const whole = writer.finish()
        // The bytes behind the cut are there, but they are not the reader's.
        const reader = new Reader(whole.subarray(0, cut % whole.length))
        expect(() => values.map(({ type }) => read(reader, type))).toThrow(ProtocolError)
      }),
    )
  })

  it.each([
    ['array', new Writer().int32(0x7fffffff).finish(), (reader: Reader) => reader.array(() => reader.int8())],
    [
      'compact array',
      new Writer().unsignedVarint(0xffffffff).finish(),
      (reader: Reader) => reader.compactArray(() => 0),
    ],
    ['byte string', new Writer().int32(0x7fffffff).finish(), (reader: Reader) => reader.nullableBytes()],
    ['string', new Writer().unsignedVarint(0x7fffffff).finish(), (reader: Reader) => reader.compactString()],
    [
      'tagged field',
      new Writer().unsignedVarint(1).unsignedVarint(0).unsignedVarint(99).finish(),
      (reader: Reader) => reader.tags(),
    ],
    ['varint', Buffer.alloc(9, 0xff), (reader: Reader) => reader.unsignedVarint()],
  ])('believe no length of a %s that is longer than what is there', (_type, bytes, readIt) => {
    expect(() => readIt(new Reader(bytes))).toThrow(ProtocolError)
  })

  it('refuse an int64 that is not exact as a number', () => {
    expect(() => new Reader(new Writer().int64(2n ** 60n).finish()).safeInt64()).toThrow(ProtocolError)
  })

  it('refuse null where there must be a string', () => {
    expect(() => new Reader(new Writer().string(null).finish()).string()).toThrow(ProtocolError)
  })

  it('hand each tagged field to the visitor and go on behind it', () => {
    const field = new Writer().compactString('hello').int32(1).finish()
    const bytes = new Writer().unsignedVarint(2).unsignedVarint(5).unsignedVarint(field.length).raw(field)
    bytes.unsignedVarint(9).unsignedVarint(0).int16(77)
    const reader = new Reader(bytes.finish())
    const seen: [number, string | null][] = []
    reader.tags((tag, inner) => seen.push([tag, inner.remaining > 0 ? inner.nullableCompactString() : null]))
    expect(seen).toEqual([
      [5, 'hello'],
      [9, null],
    ])
    expect(reader.int16()).toBe(77)
  })
})
