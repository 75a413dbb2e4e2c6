import avsc from 'avsc'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InstantType } from '../../../src/avro/instantType.ts'
import { longs } from '../../../src/avro/longType.ts'
import { typeHook } from '../../../src/avro/typeHook.ts'

const ours = avsc.Type.forSchema('long', { typeHook: longs })
const theirs = avsc.Type.forSchema('long')

/** All that lies beside a power of two, where the number of bytes and the halves change. */
const edges = Array.from({ length: 54 }, (_, power) => [-2, -1, 0, 1, 2].map(delta => 2 ** power + delta)).flat()
const allEdges = [...edges, ...edges.map(value => -value)]
const number = fc.oneof(
  fc.constantFrom(...allEdges),
  fc.maxSafeInteger(),
  fc.integer(),
  fc.integer({ min: 1_600_000_000_000, max: 1_900_000_000_000 }),
  fc.double(),
)

it('the product’s hook gives it for every long but those of a registered logical type', () => {
  const typeOf = (schema: object) =>
    avsc.Type.forSchema(schema as avsc.Schema, { typeHook, logicalTypes: InstantType.byName })
  expect(typeOf({ type: 'long' })).toBe(ours)
  expect(typeOf({ type: 'long', logicalType: 'timestamp-millis' })).toBe(ours)
  const micros = typeOf({ type: 'long', logicalType: 'timestamp-micros' })
  expect(micros).toBeInstanceOf(InstantType)
  expect((micros as unknown as { readonly underlyingType: avsc.Type }).underlyingType).not.toBe(ours)
})

describe('a long', () => {
  it('is written as avsc writes it, or refused as avsc refuses it', () => {
    fc.assert(
      fc.property(number, value => {
        expect(outcome(() => ours.toBuffer(value))).toEqual(outcome(() => theirs.toBuffer(value)))
      }),
      { numRuns: 5_000 },
    )
    for (const value of allEdges) {
      expect(outcome(() => ours.toBuffer(value))).toEqual(outcome(() => theirs.toBuffer(value)))
    }
  })

  it('is read as avsc reads it, also where avsc refuses it', () => {
    const zigzag = (value: bigint) => varint(value < 0n ? -value * 2n - 1n : value * 2n)
    const big = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    const values = fc.oneof(number.filter(Number.isSafeInteger).map(BigInt), big)
    fc.assert(
      fc.property(values, fc.uint8Array({ maxLength: 3 }), (value, after) => {
        const buffer = Buffer.concat([zigzag(value), after])
        expect(outcome(() => ours.decode(buffer, 0))).toEqual(outcome(() => theirs.decode(buffer, 0)))
      }),
      { numRuns: 5_000 },
    )
    for (const edge of allEdges) {
      const buffer = zigzag(BigInt(edge))
      expect(outcome(() => ours.decode(buffer, 0))).toEqual(outcome(() => theirs.decode(buffer, 0)))
    }
  })

  it('is read as avsc reads it from any bytes: overlong, cut short', () => {
    const byte = fc.oneof(fc.nat({ max: 255 }), fc.constant(0x80), fc.constant(0xff))
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 12 }), bytes => {
        const buffer = Buffer.from(bytes)
        expect(outcome(() => ours.decode(buffer, 0))).toEqual(outcome(() => theirs.decode(buffer, 0)))
      }),
      { numRuns: 5_000 },
    )
  })

  it('says what is missing where the buffer is too short, and leaves what is behind it', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.nat({ max: 9 }), (value, size) => {
        if (Math.abs(value) >= Number.MAX_SAFE_INTEGER) return
        const [buffer, expected] = [Buffer.alloc(12, 0xee), Buffer.alloc(12, 0xee)]
        expect(ours.encode(value, buffer.subarray(0, size), 0)).toBe(
          theirs.encode(value, expected.subarray(0, size), 0),
        )
        expect(buffer).toEqual(expected)
      }),
    )
  })

  it.each(['1', null, undefined, 1n, 1.5, Number.NaN, Infinity])('is no %s', value => {
    expect(outcome(() => ours.toBuffer(value))).toEqual(outcome(() => theirs.toBuffer(value)))
  })

  it('has the same name and fingerprint, and is read as a number of another type by resolvers', () => {
    expect(ours.equals(theirs)).toBe(true)
    expect(ours.inspect()).toBe(theirs.inspect())
    const bytes = theirs.toBuffer(1_750_000_000_000)
    expect(ours.fromBuffer(bytes, ours.createResolver(theirs))).toBe(1_750_000_000_000)
    for (const name of ['float', 'double']) {
      const reader = avsc.Type.forSchema(name)
      expect(reader.fromBuffer(bytes, reader.createResolver(ours))).toBe(1_750_000_000_000)
    }
    const int = avsc.Type.forSchema('int')
    expect(ours.fromBuffer(int.toBuffer(-7), ours.createResolver(int))).toBe(-7)
  })
})

function varint(value: bigint): Buffer {
  const bytes: number[] = []
  for (; value > 0x7fn; value >>= 7n) bytes.push(Number(value & 0x7fn) | 0x80)
  return Buffer.from([...bytes, Number(value)])
}

/** What came out, or the message of the error. */
function outcome(run: () => unknown): unknown {
  try {
    return run()
  } catch (error) {
    return error instanceof Error ? error.message : error
  }
}
