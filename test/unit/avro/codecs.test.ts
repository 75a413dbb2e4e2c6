import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bareCodec, framedCodec } from '../../../src/avro/codecs.ts'
import type { Codec } from '../../../src/avro/codecs.ts'
import { FRAME_HEADER_BYTES, frameSchemaId, isFramed, writeFrameHeader } from '../../../src/avro/frame.ts'
import { avroType, readSchemaFile } from '../../../src/avro/schemaFiles.ts'
import type { CardOutcome } from '../../../src/domain/records.ts'
import { sampleOutcome } from '../../support/sampleRecords.ts'

const type = avroType(readSchemaFile('card-outcome'))
const codecs: [string, Codec<CardOutcome>][] = [
  ['bare', bareCodec<CardOutcome>(type)],
  ['framed', framedCodec<CardOutcome>(type, 70_000)],
]

describe.each(codecs)('a %s codec', (_name, codec) => {
  const whole = Buffer.alloc(1_000)
  const length = codec.encode(sampleOutcome, whole, 0)

  it('reads at any position what it wrote there', () => {
    fc.assert(
      fc.property(fc.nat({ max: 500 }), fc.uint8Array({ maxLength: 20 }), (position, after) => {
        const buffer = Buffer.alloc(position + length + after.length)
        const end = codec.encode(sampleOutcome, buffer, position)
        buffer.set(after, end)
        expect(end).toBe(position + length)
        expect(codec.decode(buffer, position, end)).toEqual(sampleOutcome)
      }),
    )
  })

  it('says how much it needs where the buffer is too short, and fits at the latest then', () => {
    for (let size = 0; size < length; size++) {
      const needed = codec.encode(sampleOutcome, Buffer.alloc(size), 0)
      expect(needed).toBeGreaterThan(size)
      const grown = Buffer.alloc(needed)
      expect(codec.encode(sampleOutcome, grown, 0)).toBe(length)
      expect(codec.decode(grown, 0, length)).toEqual(sampleOutcome)
    }
  })

  it('refuses values that are cut short, at every byte', () => {
    for (let end = 0; end < length; end++) {
      expect(() => codec.decode(whole, 0, end)).toThrow()
      expect(() => codec.decode(Buffer.from(whole.subarray(0, end)), 0, end)).toThrow()
    }
  })

  it('refuses trailing bytes', () => {
    expect(() => codec.decode(whole, 0, length + 1)).toThrow('trailing bytes')
  })

  it('keeps nothing of the buffer', () => {
    const buffer = Buffer.from(whole)
    const value = codec.decode(buffer, 0, length)
    buffer.fill(0)
    expect(value).toEqual(sampleOutcome)
  })
})

describe('a framed codec', () => {
  it('refuses another schema id, and a value without a frame', () => {
    const buffer = Buffer.alloc(1_000)
    const end = framedCodec(type, 5).encode(sampleOutcome, buffer, 0)
    expect(() => framedCodec<CardOutcome>(type, 6).decode(buffer, 0, end)).toThrow('schema id 5, expected 6')
    buffer[0] = 0x7b
    expect(() => framedCodec<CardOutcome>(type, 5).decode(buffer, 0, end)).toThrow('schema id undefined')
  })
})

describe('a frame', () => {
  it('holds any id that a registry gives out', () => {
    fc.assert(
      fc.property(fc.nat({ max: 2 ** 31 - 1 }), fc.nat({ max: 10 }), (id, position) => {
        const buffer = Buffer.alloc(position + FRAME_HEADER_BYTES)
        writeFrameHeader(buffer, position, id)
        expect(isFramed(buffer, position, buffer.length)).toBe(true)
        expect(frameSchemaId(buffer, position, buffer.length)).toBe(id)
      }),
    )
  })

  const none: [string, number[]][] = [
    ['no bytes', []],
    ['too few bytes', [0, 0, 0, 1]],
    ['JSON', [0x7b, 0, 0, 0, 1]],
    ['a negative id', [0, 0xff, 0, 0, 1]],
  ]
  it.each(none)('is not there: %s', (_what, bytes) => {
    expect(frameSchemaId(Buffer.from(bytes), 0, bytes.length)).toBeUndefined()
  })
})
