import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Compression } from '../../../src/kafka/compression.ts'
import { CorruptBatchError, ProtocolError } from '../../../src/kafka/errors.ts'
import { BatchBuilder, checkBatches, scanRecords } from '../../../src/kafka/recordBatch.ts'
import type { RecordView } from '../../../src/kafka/recordBatch.ts'
import { batchOf, emptyBatch, rawEncoder, record, scanAll, withChecksum } from './batches.ts'
import type { TestRecord } from './batches.ts'
import { decodeWithKafkajs, kafkajsCrc32c } from './kafkajsDecoder.ts'

const CODECS: readonly Compression[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

const bytes = fc.uint8Array({ maxLength: 300 }).map(array => Buffer.from(array))
const records: fc.Arbitrary<TestRecord[]> = fc.array(
  fc.record({
    timestampMs: fc.integer({ min: 0, max: 2_000_000_000_000 }),
    key: fc.option(bytes, { nil: null }),
    value: fc.option(bytes, { nil: null }),
    headers: fc.array(
      fc.record({ key: fc.string({ unit: 'grapheme', maxLength: 8 }), value: fc.option(bytes, { nil: null }) }),
      { maxLength: 3 },
    ),
  }),
  { minLength: 1, maxLength: 40 },
)

function collect(batch: Buffer): (TestRecord & { offset: number })[] {
  const found: (TestRecord & { offset: number })[] = []
  scanRecords(batch, 0, [], view => {
    found.push({
      offset: view.offset,
      timestampMs: view.timestamp,
      key: view.key(),
      value: view.value(),
      headers: view.headers(),
    })
    return true
  })
  return found
}

describe('a batch that is built and scanned', () => {
  it.each(CODECS)('gives back exactly what went in, compressed with %s', compression => {
    fc.assert(
      fc.property(records, given => {
        const found = collect(batchOf(given, { compression }))
        expect(found).toEqual(given.map((one, offset) => ({ ...one, offset })))
      }),
      { numRuns: 60 },
    )
  })

  it('is read alike by kafkajs, which shares no code with it', async () => {
    await fc.assert(
      fc.asyncProperty(records, async given => {
        const distinct = given.map(({ headers, ...rest }) => ({
          ...rest,
          // kafkajs gives headers as an object: names that are not equal, values that are not null.
          headers: [...new Map(headers.map(({ key, value }) => [`h${key}`, value ?? Buffer.from('-')]))].map(
            ([key, value]) => ({ key, value }),
          ),
        }))
        const batch = batchOf(distinct, { producerId: 4711n })
        const decoded = await decodeWithKafkajs(batch)
        expect(decoded.map(({ key, value, timestamp }) => ({ key, value, timestamp: Number(timestamp) }))).toEqual(
          distinct.map(({ key, value, timestampMs }) => ({ key, value, timestamp: timestampMs })),
        )
        expect(decoded.map(({ headers }) => Object.entries(headers))).toEqual(
          distinct.map(({ headers }) =>
            Object.entries(Object.fromEntries(headers.map(({ key, value }) => [key, value]))),
          ),
        )
        expect(decoded[0]!.batchContext.producerId).toBe('4711')
        expect(kafkajsCrc32c(batch.subarray(21))).toBe(batch.readUInt32BE(17))
      }),
      { numRuns: 60 },
    )
  })

  it.each([0, 1, 50, 63, 64, 120, 8_100, 8_191, 8_192, 16_500, 70_000, 3_000_000])(
    'takes a value of %i bytes, wherever its length field grows',
    size => {
      const given = [record('before'), { ...record(null), value: Buffer.alloc(size, 7) }, record('after')]
      const found = collect(batchOf(given))
      expect(found.map(({ value }) => value?.length)).toEqual([6, size, 5])
      expect(found[1]!.value!.every(byte => byte === 7)).toBe(true)
      expect(found[2]!.value!.toString()).toBe('after')
    },
  )

  it('takes a value that just fits where its length field then needs more room', () => {
    for (let size = 19_880; size < 19_960; size++) {
      const builder = new BatchBuilder(20_000)
      const value = Buffer.alloc(size, 7)
      builder.append(1, null, value, rawEncoder)
      expect(collect(builder.finish(1n, 0, 0))[0]!.value!.equals(value), `${size}`).toBe(true)
    }
  })

  it('takes timestamps that lie years apart, in any order', () => {
    const times = [1_700_000_000_000, 0, 4_000_000_000_000, 1_600_000_000_001]
    expect(collect(batchOf(times.map(time => record('v', 'k', time)))).map(({ timestampMs }) => timestampMs)).toEqual(
      times,
    )
  })

  it('says where the value of the last record stands', () => {
    const builder = new BatchBuilder(256)
    for (const size of [3, 200, 9_000]) {
      const value = Buffer.alloc(size, size)
      builder.append(1, Buffer.from('key'), value, rawEncoder)
      expect(builder.buffer.subarray(builder.lastValueStart, builder.lastValueEnd)).toEqual(value)
    }
    builder.append(1, null, null, rawEncoder)
    expect([builder.lastValueStart, builder.lastValueEnd]).toEqual([-1, -1])
  })

  it.each(CODECS)('changes only header and checksum when it is finished for a resend (%s)', compression => {
    const builder = new BatchBuilder()
    for (let index = 0; index < 50; index++) builder.append(index, null, Buffer.from(`value ${index}`), rawEncoder)
    const first = Buffer.from(builder.finish(7n, 1, 0, { compression }))
    const second = Buffer.from(builder.finish(7n, 2, 50, { compression }))
    expect(second.subarray(61)).toEqual(first.subarray(61))
    expect([second.readInt16BE(51), second.readInt32BE(53)]).toEqual([2, 50])
    expect(scanAll(second).values).toEqual(scanAll(first).values)
  })

  it('holds what is appended after a compressed finish', () => {
    const builder = new BatchBuilder()
    builder.append(1, null, Buffer.alloc(500, 1), rawEncoder)
    builder.finish(1n, 0, 0, { compression: 'gzip' })
    builder.append(1, null, Buffer.from('later'), rawEncoder)
    expect(scanAll(builder.finish(1n, 0, 0, { compression: 'gzip' })).values).toHaveLength(2)
  })

  it('leaves records as they are where compressing gains nothing', () => {
    const batch = batchOf([record('x')], { compression: 'gzip' })
    expect(batch.readInt16BE(21) & 7).toBe(0)
  })

  it('is as it was when an encoder throws', () => {
    const builder = new BatchBuilder()
    builder.append(5, null, Buffer.from('one'), rawEncoder)
    const failing = {
      encode: () => {
        throw new Error('no such field')
      },
    }
    expect(() => builder.append(9, null, 'two', failing)).toThrow('no such field')
    builder.append(7, null, Buffer.from('three'), rawEncoder)
    expect(scanAll(builder.finish(1n, 0, 0)).values).toEqual(['one', 'three'])
    expect(Number(builder.buffer.readBigInt64BE(35))).toBe(7)
  })

  it('cannot be finished without a record, and is empty again after reset', () => {
    const builder = new BatchBuilder()
    builder.append(1, null, null, rawEncoder)
    builder.reset()
    expect(builder.recordCount).toBe(0)
    expect(() => builder.finish(1n, 0, 0)).toThrow(RangeError)
  })
})

describe('a scan', () => {
  it('takes the time of the broker where the batch says so', () => {
    const batch = batchOf([record('a', 'k', 1), record('b', 'k', 2)])
    batch.writeInt16BE(batch.readInt16BE(21) | 8, 21)
    batch.writeBigInt64BE(99n, 35)
    expect(collect(withChecksum(batch)).map(({ timestampMs }) => timestampMs)).toEqual([99, 99])
  })

  it('begins at the asked offset inside a batch and stops where the visitor says', () => {
    const batches = Buffer.concat([
      batchOf([record('0'), record('1'), record('2')]),
      batchOf([record('3'), record('4')], { baseOffset: 3 }),
    ])
    expect(scanAll(batches, 1)).toEqual({ values: ['1', '2', '3', '4'], offsets: [1, 2, 3, 4], next: 5 })
    const seen: number[] = []
    const stoppedAt = scanRecords(batches, 0, [], view => {
      if (view.offset === 3) return false
      seen.push(view.offset)
      return true
    })
    expect([seen, stoppedAt]).toEqual([[0, 1, 2], 3])
  })

  it('leaves a batch that is not complete for the next fetch', () => {
    const first = batchOf([record('0'), record('1')])
    const whole = Buffer.concat([first, batchOf([record('2')], { baseOffset: 2 })])
    for (let cut = first.length; cut < whole.length; cut++) {
      expect(scanAll(whole.subarray(0, cut)).next).toBe(2)
      expect(checkBatches(whole.subarray(0, cut), 't-0')).toEqual({
        sizeBytes: first.length,
        nextOffset: 2,
        defect: undefined,
      })
    }
    expect(checkBatches(whole, 't-0').nextOffset).toBe(3)
    expect(checkBatches(whole.subarray(0, 30), 't-0').nextOffset).toBe(-1)
  })

  it('moves over batches that compaction has emptied', () => {
    const batches = Buffer.concat([emptyBatch(0, 9), batchOf([record('x')], { baseOffset: 10 }), emptyBatch(11, 19)])
    expect(scanAll(batches)).toEqual({ values: ['x'], offsets: [10], next: 20 })
    expect(checkBatches(batches, 't-0').nextOffset).toBe(20)
  })

  it('gives clones that stay when the view moves on', () => {
    const kept: RecordView[] = []
    scanRecords(batchOf([record('a', 'ka'), record('b', 'kb'), record(null, null)]), 0, [], view => {
      kept.push(view.clone())
      return true
    })
    expect(kept.map(view => [view.offset, view.keyString(), view.value()?.toString()])).toEqual([
      [0, 'ka', 'a'],
      [1, 'kb', 'b'],
      [2, null, undefined],
    ])
  })

  it('may be nested in a visitor', () => {
    const inner = batchOf([record('x'), record('y')])
    const outer: string[] = []
    scanRecords(batchOf([record('a'), record('b')]), 0, [], view => {
      outer.push(view.value()!.toString() + scanAll(inner).values.join(''))
      return true
    })
    expect(outer).toEqual(['axy', 'bxy'])
  })

  it('refuses a flipped bit anywhere that the checksum covers', () => {
    const batch = batchOf([record('some value'), record('another')])
    for (let at = 17; at < batch.length; at++) {
      const flipped = Buffer.from(batch)
      flipped[at]! ^= 0x10
      expect(() => scanAll(flipped), `byte ${at}`).toThrow(ProtocolError)
    }
  })

  it.each([
    ['another format', (batch: Buffer) => batch.writeInt8(1, 16), 'format 1'],
    ['a length below its header', (batch: Buffer) => batch.writeInt32BE(10, 8), 'shorter than its header'],
    ['a negative length', (batch: Buffer) => batch.writeInt32BE(-100, 8), 'shorter than its header'],
    ['offsets that run backwards', (batch: Buffer) => withChecksum(patched(batch, 23, -5)), 'ends before it begins'],
    ['a negative offset', (batch: Buffer) => batch.writeInt8(-1, 0), 'has an offset that no log can have'],
    [
      'an offset beyond the exact numbers',
      (batch: Buffer) => batch.writeInt8(0x40, 0),
      'has an offset that no log can',
    ],
    ['a negative number of records', (batch: Buffer) => withChecksum(patched(batch, 57, -1)), 'has -1 records'],
    ['fewer records than it holds', (batch: Buffer) => withChecksum(patched(batch, 57, 0)), 'more than its 0 records'],
    [
      'more records than it holds',
      (batch: Buffer) => withChecksum(patched(patched(batch, 57, 2), 23, 1)),
      'a record that reaches past',
    ],
    [
      'more records than it has offsets',
      (batch: Buffer) => withChecksum(patched(batch, 57, 2)),
      'a record at a wrong offset',
    ],
  ])('refuses %s', (_what, damage, message) => {
    const batch = batchOf([record('v')])
    damage(batch)
    expect(() => scanAll(batch)).toThrow(message)
  })

  it.each([
    ['a key of length -2', 'key', -2],
    ['a value of length -2', 'value', -2],
    ['a value that is longer than its record', 'value', 40],
    ['a value that is shorter than its record', 'value', 1],
    ['a negative number of headers', 'headers', -1],
    ['more headers than fit', 'headers', 1],
    ['an offset before its batch', 'offset', -1],
    ['an offset behind its batch', 'offset', 1],
  ] as const)('refuses a record with %s', (_what, field, value) => {
    const at = { offset: 64, key: 65, value: 67, headers: 70 }[field]
    const batch = batchOf([record('vv')])
    expect(() => scanAll(batch)).not.toThrow()
    batch[at] = ((value << 1) ^ (value >> 31)) & 0x7f
    const [message] = field === 'offset' ? ['a record at a wrong offset'] : ['a record with wrong lengths']
    expect(() => scanAll(withChecksum(batch))).toThrow(message)
  })

  it('reads headers only where there are some thousands at most, and only to their very end', () => {
    const header = { key: '', value: null }
    const views: RecordView[] = []
    const headers = [10_000, 10_001].map(count => Array.from({ length: count }, () => header))
    scanRecords(batchOf(headers.map(of => ({ ...record('v'), headers: of }))), 0, [], view => {
      views.push(view.clone())
      return true
    })
    expect(views.map(view => view.hasTooManyHeaders)).toEqual([false, true])
    expect(views[0]!.headers()).toHaveLength(10_000)
    expect(() => views[1]!.headers()).toThrow('the record at offset 1 has 10001 headers')
    views[0]!.headerCount--
    expect(() => views[0]!.headers()).toThrow('does not end with its headers')
  })

  it('refuses two records at one offset', () => {
    const batch = batchOf([record('a'), record('b')])
    const second = 61 + 1 + batch[61]! / 2
    batch[second + 3] = 0
    expect(() => scanAll(withChecksum(batch))).toThrow('a record at a wrong offset')
  })

  it('refuses the whole when a batch comes again, or out of order', () => {
    const [first, second] = [batchOf([record('0'), record('1')]), batchOf([record('2')], { baseOffset: 2 })]
    expect(() => scanAll(Buffer.concat([first, first]))).toThrow('at offset 0 comes after offset 1')
    expect(() => scanAll(Buffer.concat([second, first]))).toThrow('at offset 0 comes after offset 2')
    expect(checkBatches(Buffer.concat([first, second, first]), 't-0')).toMatchObject({ nextOffset: 3 })
  })

  it('names partition and offset of a damaged batch, and who must act, whatever is wrong with it', () => {
    const damage: ((batch: Buffer) => unknown)[] = [
      batch => (batch[30]! ^= 1),
      batch => withChecksum(patched(batch, 57, 9)),
      batch => {
        batch.writeInt16BE(16 | 1, 21)
        withChecksum(batch)
      },
    ]
    for (const spoil of damage) {
      const batch = batchOf([record('v')], { baseOffset: 4_711 })
      spoil(batch)
      expect(() => scanAll(batch)).toThrow(CorruptBatchError)
      expect(() => scanAll(batch)).toThrow(
        /^topic-0: the record batch at offset 4711 .*Who runs the Kafka cluster must/,
      )
    }
  })

  it.each([5, 6, 7])('refuses codec %i', codec => {
    const batch = batchOf([record('v')])
    batch.writeInt16BE(16 | codec, 21)
    expect(() => scanAll(withChecksum(batch))).toThrow(`codec ${codec} is unknown`)
  })

  it('answers damage under a right checksum with typed errors only, within its bytes', () => {
    const whole = Buffer.concat([
      batchOf([record('0'), { ...record('1'), headers: [{ key: 'h', value: Buffer.from('v') }] }]),
      batchOf([record('x'.repeat(200))], { baseOffset: 2, compression: 'lz4' }),
      batchOf([record('y'.repeat(200))], { baseOffset: 3, compression: 'snappy' }),
    ])
    const starts: number[] = []
    for (let at = 0; at < whole.length; at += 12 + whole.readInt32BE(at + 8)) starts.push(at)
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
        fc.nat(whole.length),
        (mutations, cut) => {
          const damaged = Buffer.from(whole)
          for (const [at, value] of mutations) damaged[at] = value
          // Right checksums, so that the records themselves are read.
          for (const start of starts) {
            const end = start + 12 + damaged.readInt32BE(start + 8)
            if (end > start + 61 && end <= damaged.length) withChecksum(damaged.subarray(start, end))
          }
          const bytes = damaged.subarray(0, whole.length - cut * (cut % 2))
          try {
            scanRecords(bytes, 0, [{ producerId: 1n, firstOffset: 2 }], view => {
              view.keyString()
              view.value()
              view.headers()
              return true
            })
            checkBatches(bytes, 't-0')
          } catch (error) {
            if (!(error instanceof ProtocolError)) throw error
          }
        },
      ),
      { numRuns: 4_000 },
    )
  })
})

function patched(batch: Buffer, at: number, value: number): Buffer {
  batch.writeInt32BE(value, at)
  return batch
}
