import avsc from 'avsc'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { bareCodec } from '../../../src/avro/codecs.ts'
import { textArrays } from '../../../src/avro/textArrayType.ts'
import { typeHook } from '../../../src/avro/typeHook.ts'

const schema = { type: 'array', items: 'string' } as const
const ours = avsc.Type.forSchema(schema, { typeHook })
const theirs = avsc.Type.forSchema(schema)
const codec = bareCodec<unknown>(ours)

/** Lengths around those at which another way begins. */
const lengths = fc.constantFrom(0, 1, 12, 13, 14, 36, 62, 63, 64, 65, 200)
const units = fc.constantFrom('a', '0', '\u0000', '\u007f', '\u0080', 'ü', '€', '\uffff', '💳')
const ofOneLength = lengths.chain(length =>
  fc.array(
    fc.oneof(
      { weight: 20, arbitrary: fc.string({ minLength: length, maxLength: length, unit: 'binary-ascii' }) },
      { weight: 1, arbitrary: fc.string({ minLength: length, maxLength: length, unit: units }) },
    ),
    { maxLength: 70, size: 'max' },
  ),
)
const mixed = fc.array(
  lengths.chain(length => fc.string({ minLength: length, maxLength: length, unit: 'binary-ascii' })),
)
/** Of one length in bytes, not in characters. */
const wide = ['a'.repeat(36), 'ü'.repeat(18), '€'.repeat(12), '💳'.repeat(9), 'a€'.repeat(9), 'ü' + 'a'.repeat(34)]
const ids = Array.from({ length: 8 }, (_, i) => `00000000-0000-4000-8000-00000000000${i}`)

it('is what the hook of all types gives for a list of plain strings, and for no other list', () => {
  const type = textArrays(schema, { typeHook })!
  expect(ours.constructor).toBe(type.constructor)
  const named = { type: 'array', items: { type: 'string' } } as const
  expect(avsc.Type.forSchema(named, { typeHook }).constructor).toBe(type.constructor)
  expect(textArrays({ type: 'array', items: 'long' }, { typeHook })).toBeUndefined()
  expect(textArrays({ type: 'array', items: { type: 'string', logicalType: 'x' } }, { typeHook })).toBeUndefined()
})

it('writes and reads lists as avsc does, whatever their lengths and characters', () => {
  fc.assert(
    fc.property(
      fc.oneof(ofOneLength, mixed, fc.array(fc.constantFrom(...wide))),
      fc.nat({ max: 5 }),
      (items, before) => {
        const bytes = theirs.toBuffer(items)
        const buffer = Buffer.alloc(before + items.length * 700 + 1_000)
        const end = codec.encode(items, buffer, before)
        expect(buffer.subarray(before, end).equals(bytes)).toBe(true)
        expect(codec.decode(buffer, before, end)).toEqual(items)
      },
    ),
    { numRuns: 2_000 },
  )
})

it('asks for the room that is missing where the buffer ends too early, and then writes the same', () => {
  const bytes = theirs.toBuffer(ids)
  for (let size = 0; size < bytes.length * 3 + 10; size++) {
    const buffer = Buffer.alloc(size)
    const end = codec.encode(ids, buffer, 0)
    expect(end).toBe(bytes.length)
    if (size >= end) expect(buffer.subarray(0, end).equals(bytes)).toBe(true)
  }
})

it('reads what was cut short or has other bytes as it reads one by one', () => {
  const bytes = theirs.toBuffer(ids)
  const readOneByOne = (input: Buffer): unknown => outcome(() => bareCodec(oneByOne()).decode(input, 0, input.length))
  for (let length = 0; length < bytes.length; length++) {
    const cut = bytes.subarray(0, length)
    expect(outcome(() => codec.decode(cut, 0, length))).toEqual(readOneByOne(cut))
  }
  for (let at = 0; at < bytes.length; at++) {
    for (const byte of [0, 1, 0x48, 0x7f, 0x80, 0xc3, 0xe2, 0xff]) {
      const damaged = Buffer.from(bytes)
      damaged[at] = byte
      expect(outcome(() => codec.decode(damaged, 0, damaged.length))).toEqual(readOneByOne(damaged))
    }
  }
})

it('refuses what is no list and what is no text in one, as avsc does', () => {
  for (const wrong of [null, 'abc', { length: 3 }, [...ids, 1], [...ids.slice(1), null], [undefined, ...ids]]) {
    expect(() => ours.toBuffer(wrong)).toThrow('invalid')
    expect(() => theirs.toBuffer(wrong)).toThrow('invalid')
  }
})

it('reads lists that another schema wrote', () => {
  const writer = avsc.Type.forSchema({ type: 'array', items: 'bytes' })
  for (const items of [ids, wide, ['a']]) {
    const written = writer.toBuffer(items.map(item => Buffer.from(item)))
    expect(ours.fromBuffer(written, ours.createResolver(writer))).toEqual(items)
  }
})

it('keeps nothing of the buffer', () => {
  const bytes = theirs.toBuffer(ids)
  const items = codec.decode(bytes, 0, bytes.length)
  bytes.fill(0x78)
  expect(items).toEqual(ids)
})

/** The same bytes read as a list without the fast way: the items are a logical type over the same string. */
function oneByOne(): avsc.Type {
  class Plain extends avsc.types.LogicalType {
    override _fromValue(value: unknown): unknown {
      return value
    }
    override _toValue(value: unknown): unknown {
      return value
    }
  }
  return avsc.Type.forSchema(
    { type: 'array', items: { type: 'string', logicalType: 'plain' } },
    {
      typeHook,
      logicalTypes: { plain: Plain },
    },
  )
}

function outcome(read: () => unknown): unknown {
  try {
    return read()
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : error
  }
}
