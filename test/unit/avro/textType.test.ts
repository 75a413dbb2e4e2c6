import avsc from 'avsc'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bareCodec, decodeAll } from '../../../src/avro/codecs.ts'
import { textStrings } from '../../../src/avro/textType.ts'
import { typeHook } from '../../../src/avro/typeHook.ts'

const schema = {
  type: 'record',
  name: 'R',
  fields: [
    { name: 'a', type: 'string' },
    { name: 'b', type: ['null', 'string'], default: null },
    { name: 'c', type: { type: 'array', items: { type: 'string' } } },
    { name: 'd', type: 'string', default: 'ü' },
  ],
} as const
interface R {
  readonly a: string
  readonly b: string | null
  readonly c: readonly string[]
  readonly d?: string
}

const ours = avsc.Type.forSchema('string', { typeHook: textStrings })
const theirs = avsc.Type.forSchema('string')
const ourRecord = avsc.Type.forSchema(schema as unknown as avsc.Schema, { typeHook, omitRecordMethods: true })
const theirRecord = avsc.Type.forSchema(schema as unknown as avsc.Schema, { omitRecordMethods: true })

/** Lengths around those at which another way of writing or reading begins, in every mixture of widths. */
const lengths = fc.oneof(fc.nat({ max: 20 }), fc.integer({ min: 58, max: 68 }), fc.nat({ max: 400 }))
const units = fc.constantFrom('a', '0', '\u0000', '\u007f', '\u0080', 'ü', '€', '\uffff', '💳')
const text = fc.oneof(
  lengths.chain(length => fc.string({ minLength: length, maxLength: length, unit: 'binary-ascii' })),
  lengths.chain(length => fc.string({ minLength: length, maxLength: length, unit: 'binary' })),
  lengths.chain(length => fc.string({ minLength: length, maxLength: length, unit: units })),
)
const record: fc.Arbitrary<R> = fc.record({
  a: text,
  b: fc.option(text),
  c: fc.array(text, { maxLength: 4 }),
  d: text,
})
const huge = ['x', 'ü', '€', '💳'].flatMap(unit => [2_730, 2_731, 8_191, 8_192, 70_000].map(n => unit.repeat(n)))

it('the product’s hook gives it for every plain string of a schema', () => {
  const type = ours.constructor
  const [a, b, c] = (ourRecord as unknown as { readonly fields: { readonly type: avsc.Type }[] }).fields.map(
    field => field.type,
  )
  expect(a!.constructor).toBe(type)
  expect((b as avsc.types.UnwrappedUnionType).types[1]!.constructor).toBe(type)
  expect((c as avsc.types.ArrayType).itemsType.constructor).toBe(type)
  expect(theirs.constructor).not.toBe(type)
})

describe('text is written', () => {
  it('as avsc writes it', () => {
    always(text, value => expect(ours.toBuffer(value)).toEqual(theirs.toBuffer(value)))
    for (const value of huge) expect(ours.toBuffer(value).equals(theirs.toBuffer(value))).toBe(true)
  })

  it('as avsc writes it, in records, unions, arrays and defaults', () => {
    always(record, value => expect(ourRecord.toBuffer(value)).toEqual(theirRecord.toBuffer(value)))
    const withoutD: R = { a: 'a', b: 'b', c: ['c'] }
    expect(ourRecord.toBuffer(withoutD)).toEqual(theirRecord.toBuffer(withoutD))
  })

  it('with lone surrogates as in every Buffer', () => {
    const surrogates = fc.constantFrom('\ud83d', '\udcb3', 'a', 'é', '💳')
    const broken = lengths.chain(length => fc.array(surrogates, { minLength: length, maxLength: length }))
    fc.assert(
      fc.property(broken, parts => {
        const value = parts.join('')
        expect(ours.toBuffer(value)).toEqual(theirs.toBuffer(value.toWellFormed()))
        expect(theirs.fromBuffer(ours.toBuffer(value))).toBe(Buffer.from(value).toString())
      }),
    )
  })

  it('however the engine of JavaScript holds it: in parts, as a part, with two bytes each', () => {
    const whole = '€'.repeat(3) + 'abcdefghijklmnopqrstuvwxyz0123456789'
    for (let start = 0; start < whole.length; start++) {
      for (let end = start; end <= whole.length; end += 3) {
        const value = whole.slice(start, end) + whole.slice(0, start)
        expect(ours.toBuffer(value)).toEqual(theirs.toBuffer(value))
      }
    }
  })

  it('up to the last byte of a buffer and not beyond, the missing bytes counted as avsc does', () => {
    fc.assert(
      fc.property(text, fc.nat({ max: 5 }), fc.integer({ min: -30, max: 30 }), (value, position, spare) => {
        const size = Math.max(0, position + theirs.toBuffer(value).length + spare)
        const [buffer, expected] = [Buffer.alloc(size + 8, 0xee), Buffer.alloc(size + 8, 0xee)]
        const end = ours.encode(value, buffer.subarray(0, size), position)
        expect(end).toBe(theirs.encode(value, expected.subarray(0, size), position))
        if (end >= 0) expect(buffer.subarray(0, end)).toEqual(expected.subarray(0, end))
        expect(buffer.subarray(size)).toEqual(expected.subarray(size))
      }),
    )
  })

  it('into a buffer that grows until it fits', () => {
    const codec = bareCodec<R>(ourRecord)
    fc.assert(
      fc.property(record, value => {
        let buffer = Buffer.alloc(0)
        let end = codec.encode(value, buffer, 0)
        for (let tries = 0; end > buffer.length; tries++) {
          expect(tries).toBeLessThan(2)
          buffer = Buffer.alloc(end)
          end = codec.encode(value, buffer, 0)
        }
        expect(buffer.subarray(0, end)).toEqual(theirRecord.toBuffer(value))
        expect(codec.decode(buffer, 0, end)).toEqual(value)
      }),
    )
  })

  it.each([undefined, null, 7, Buffer.from('x'), ['x'], new String('x')])('only if it is text: %s', value => {
    expect(() => ours.toBuffer(value)).toThrow(errorOf(() => theirs.toBuffer(value)))
    expect(ours.isValid(value)).toBe(false)
  })
})

describe('text is read', () => {
  it('as avsc reads it', () => {
    always(text, value => expect(ours.fromBuffer(theirs.toBuffer(value))).toBe(value))
    always(record, value => expect(ourRecord.fromBuffer(theirRecord.toBuffer(value))).toEqual(value))
    for (const value of huge) expect(ours.fromBuffer(theirs.toBuffer(value)) === value).toBe(true)
  })

  it('as avsc reads it from any bytes at all: invalid UTF-8, negative, huge and overlong lengths', () => {
    const some = fc.uint8Array({ maxLength: 40 })
    const short = fc.uint8Array({ maxLength: 20 }).map(bytes => Uint8Array.from([bytes.length << 1, ...bytes]))
    fc.assert(
      fc.property(fc.oneof(some, short), fc.nat({ max: 3 }), (bytes, position) => {
        const buffer = Buffer.from(bytes)
        expect(ours.decode(buffer, position)).toEqual(theirs.decode(buffer, position))
      }),
      { numRuns: 2_000 },
    )
    for (let byte = 0; byte < 256; byte++) {
      const one = Buffer.from([2, byte])
      expect(ours.fromBuffer(one)).toBe(theirs.fromBuffer(one))
    }
  })

  it('not where the buffer ends too early, at every byte', () => {
    const value: R = { a: 'short', b: 'a text of more than one short word', c: ['', 'x'.repeat(70)], d: 'ü' }
    const bytes = theirRecord.toBuffer(value)
    for (let end = 0; end < bytes.length; end++) {
      const cut = bytes.subarray(0, end)
      expect(ourRecord.decode(cut, 0)).toEqual(theirRecord.decode(cut, 0))
      expect(() => decodeAll<R>(ourRecord, Buffer.from(cut), 0, end)).toThrow('cut short')
      expect(() => decodeAll<R>(ourRecord, bytes, 0, end)).toThrow('cut short')
    }
  })

  it('without keeping anything of the buffer', () => {
    const buffer = Buffer.from(theirRecord.toBuffer({ a: 'a', b: 'b'.repeat(16), c: ['c'.repeat(17)], d: 'ü' }))
    const value = decodeAll<R>(ourRecord, buffer, 0, buffer.length)
    buffer.fill(0)
    expect(value).toEqual({ a: 'a', b: 'b'.repeat(16), c: ['c'.repeat(17)], d: 'ü' })
  })
})

describe('a schema with it', () => {
  it('is the same schema: name, fingerprint, text, branch', () => {
    expect(ours.typeName).toBe('string')
    expect(ours.branchName).toBe('string')
    expect(ours.inspect()).toBe(theirs.inspect())
    expect(ours.equals(theirs)).toBe(true)
    expect(ourRecord.fingerprint()).toEqual(theirRecord.fingerprint())
    expect(ourRecord.schema({ exportAttrs: true })).toEqual(theirRecord.schema({ exportAttrs: true }))
    expect(avsc.Type.isType(ours, 'string')).toBe(true)
  })

  it('clones, compares, skips and prints as avsc does', () => {
    fc.assert(
      fc.property(record, record, (one, other) => {
        const [a, b] = [theirRecord.toBuffer(one), theirRecord.toBuffer(other)]
        expect(ourRecord.clone(one)).toEqual(theirRecord.clone(one))
        expect(ourRecord.compareBuffers(a, b)).toBe(theirRecord.compareBuffers(a, b))
        expect(ours.compare(one.a, other.a)).toBe(theirs.compare(one.a, other.a))
        expect(ourRecord.fromString(ourRecord.toString(one))).toEqual(one)
        expect(ourRecord.isValid(one)).toBe(true)
      }),
    )
  })

  it.each([
    ['string', 'string', 'text'],
    ['bytes', 'string', Buffer.from('text')],
    ['string', 'bytes', 'text'],
    [{ type: 'string', 'avro.java.string': 'String' }, 'string', 'text'],
    [['null', 'string'], ['string', 'null'], 'text'],
    ['string', ['null', 'string', 'bytes'], 'text'],
    [{ type: 'enum', name: 'E', symbols: ['text'] }, { type: 'enum', name: 'E', symbols: ['other', 'text'] }, 'text'],
  ] as [avsc.Schema, avsc.Schema, unknown][])(
    'reads what %j wrote as %j, as avsc resolves it',
    (writer, reader, value) => {
      const [ourWriter, ourReader] = [writer, reader].map(each => typeOf(each, { typeHook }))
      const [theirWriter, theirReader] = [writer, reader].map(each => typeOf(each, {}))
      const bytes = theirWriter!.toBuffer(value)
      expect(ourWriter!.toBuffer(value)).toEqual(bytes)
      const expected: unknown = theirReader!.fromBuffer(bytes, theirReader!.createResolver(theirWriter!))
      expect(ourReader!.fromBuffer(bytes, ourReader!.createResolver(ourWriter!))).toEqual(expected)
      expect(ourReader!.fromBuffer(bytes, ourReader!.createResolver(theirWriter!))).toEqual(expected)
    },
  )

  it('does not read what avsc cannot resolve either', () => {
    expect(() => ours.createResolver(avsc.Type.forSchema('long'))).toThrow('cannot read')
    expect(() => avsc.Type.forSchema('long').createResolver(ours)).toThrow('cannot read')
  })

  it('leaves logical types over strings to avsc', () => {
    class Shouted extends avsc.types.LogicalType {
      protected override _fromValue(value: string): string {
        return value.toUpperCase()
      }
      protected override _toValue(value: string): string {
        return value.toLowerCase()
      }
    }
    const logical = { type: 'string', logicalType: 'shouted' } as avsc.Schema
    const type = avsc.Type.forSchema(logical, { typeHook, logicalTypes: { shouted: Shouted } })
    expect(type.fromBuffer(type.toBuffer('TEXT'))).toBe('TEXT')
    expect(theirs.fromBuffer(type.toBuffer('TEXT'))).toBe('text')
    expect(type.typeName).toBe('logical:shouted')
    expect(avsc.Type.forSchema(logical, { typeHook }).fromBuffer(theirs.toBuffer('text'))).toBe('text')
  })
})

function always<T>(values: fc.Arbitrary<T>, check: (value: T) => void): void {
  fc.assert(
    fc.property(values, value => {
      check(value)
    }),
  )
}

function typeOf(schema: avsc.Schema, options: { readonly typeHook?: typeof typeHook }): avsc.Type {
  return avsc.Type.forSchema(schema, { ...options })
}

function errorOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof Error) return error.message
  }
  throw new Error('nothing was thrown')
}
