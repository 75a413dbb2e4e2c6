import { gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { compressFrameSync, decompressFrameSync } from 'lz4-napi'
import { compressSync, uncompressSync } from 'snappy'
import { describe, expect, it } from 'vitest'
import { compress, compressionOf, decompress, maxDecompressedBytes } from '../../../src/kafka/compression.ts'
import type { Compression } from '../../../src/kafka/compression.ts'
import { ProtocolError } from '../../../src/kafka/errors.ts'

const CODECS: readonly Exclude<Compression, 'none'>[] = ['gzip', 'snappy', 'lz4', 'zstd']

/** Text with repetitions near and far, and noise. */
const input = fc
  .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 400 })), { maxLength: 20 })
  .map(parts =>
    Buffer.concat(parts.flatMap(([bytes, times]) => Array.from({ length: times }, () => Buffer.from(bytes)))),
  )

describe.each(CODECS)('%s', codec => {
  it('gives back what it got', () => {
    fc.assert(
      fc.property(input, bytes => {
        expect(decompress(codec, compress(codec, bytes))).toEqual(bytes)
      }),
      { numRuns: 60 },
    )
  })

  it('stops a bomb before it is in memory', () => {
    const bomb = compress(codec, Buffer.alloc(8 << 20))
    expect(bomb.length).toBeLessThan(1 << 20)
    expect(() => decompress(codec, bomb, 1 << 20)).toThrow(ProtocolError)
    expect(decompress(codec, bomb, 8 << 20)).toHaveLength(8 << 20)
  })

  it('gives what every producer may put into a batch, and no more than in proportion to its bytes', () => {
    const allowed = compress(codec, Buffer.alloc(16 << 20))
    expect(decompress(codec, allowed)).toHaveLength(16 << 20)
    if (codec === 'snappy') return
    expect(() => decompress(codec, compress(codec, Buffer.alloc((16 << 20) + 1)))).toThrow(ProtocolError)
  })

  it('answers cut and changed input with a typed error or with bytes within the bound', () => {
    const whole = compress(codec, Buffer.from('some records, some records, some other records '.repeat(40)))
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length), (at, byte, cut) => {
        const damaged = Buffer.from(whole.subarray(0, Math.max(1, cut)))
        if (at < damaged.length) damaged[at] = byte
        try {
          expect(decompress(codec, damaged, 100_000).length).toBeLessThanOrEqual(100_000)
        } catch (error) {
          if (!(error instanceof ProtocolError)) throw error
        }
      }),
      { numRuns: 1_500 },
    )
  })
})

describe('formats of other producers', () => {
  const text = Buffer.from('issuer event '.repeat(5_000))

  it('reads one raw snappy block, as librdkafka and Go clients send it', () => {
    expect(decompress('snappy', compressSync(text))).toEqual(text)
  })

  it('writes blocks that snappy itself reads, in the frame of snappy-java', () => {
    const framed = compress('snappy', text)
    expect(framed.subarray(0, 8)).toEqual(Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]))
    expect([framed.readInt32BE(8), framed.readInt32BE(12)]).toEqual([1, 1])
    const blocks: Buffer[] = []
    for (let at = 16; at < framed.length; at += 4 + framed.readInt32BE(at)) {
      blocks.push(uncompressSync(framed.subarray(at + 4, at + 4 + framed.readInt32BE(at))) as Buffer)
    }
    expect(Buffer.concat(blocks)).toEqual(text)
  })

  it.each([
    ['plain', {}],
    ['with a content checksum', { contentChecksum: true }],
    ['with block checksums', { blockChecksums: true, contentChecksum: true }],
  ])('reads lz4 frames %s, of many blocks', (_what, options) => {
    const large = Buffer.concat([text, Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7919) % 251)), text])
    const framed = compressFrameSync(large, options)
    expect(decompress('lz4', framed)).toEqual(large)
    expect(decompressFrameSync(compress('lz4', large))).toEqual(large)
  })

  it('reads lz4 frames one after the other, frames to skip, raw blocks, and matches into the block before', () => {
    const header = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x40, 0x40, 0])
    const raw = Buffer.concat([uint32((0x80000000 | 4) >>> 0), Buffer.from('abcd')])
    // Token: no literals, a match of 8 at distance 4, then one literal.
    const linked = Buffer.from([0x04, 4, 0, 0x10, 0x21])
    const frame = Buffer.concat([header, raw, uint32(linked.length), linked, uint32(0)])
    const skippable = Buffer.concat([uint32(0x184d2a53), uint32(3), Buffer.from('...')])
    expect(decompress('lz4', Buffer.concat([frame, skippable, frame])).toString()).toBe('abcdabcdabcd!'.repeat(2))
  })

  it('believes no size of a snappy block that its bytes cannot hold', () => {
    const block = Buffer.from([0x80, 0x80, 0x80, 0x04, 0x00, 0x61])
    expect(() => decompress('snappy', block)).toThrow('6 bytes cannot hold 8388608')
  })

  it('refuses an lz4 match that reaches before its frame', () => {
    const header = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x40, 0x40, 0])
    const block = Buffer.from([0x14, 0x61, 9, 0, 0x10, 0x21])
    const frame = Buffer.concat([header, uint32(block.length), block, uint32(0)])
    expect(() => decompress('lz4', frame)).toThrow('9 bytes back')
  })

  it('reads gzip and zstd of any level', () => {
    expect(decompress('gzip', gzipSync(text, { level: 9 }))).toEqual(text)
    expect(decompress('zstd', zstdCompressSync(text))).toEqual(text)
  })
})

it('lets grow what may come out of a batch with its bytes, up to a bound', () => {
  expect([0, 100, 1 << 17, 1 << 19, 1 << 20, 1 << 28].map(maxDecompressedBytes)).toEqual(
    [16, 16, 16, 64, 128, 128].map(mebibytes => mebibytes << 20),
  )
})

describe('the codec of a batch', () => {
  it('is what the protocol numbers it, whatever other attributes are set', () => {
    expect([0, 1, 2, 3, 4].map(number => compressionOf(number | 16 | 8))).toEqual(['none', ...CODECS])
  })
})

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
