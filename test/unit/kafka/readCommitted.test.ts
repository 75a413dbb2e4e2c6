import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AbortedTransaction } from '../../../src/kafka/recordBatch.ts'
import { scanRecords } from '../../../src/kafka/recordBatch.ts'
import { batchOf, emptyBatch, marker, record, scanAll, withChecksum } from './batches.ts'

const [A, B, C] = [1n, 2n, 3n]

const aborted = (producerId: bigint, firstOffset: number): AbortedTransaction => ({ producerId, firstOffset })
const data = (value: string, baseOffset: number, producerId: bigint) =>
  batchOf([record(value)], { baseOffset, producerId })

describe('a read_committed scan', () => {
  it('hides aborted records and every marker, and moves over both', () => {
    const log = Buffer.concat([
      data('a0', 0, A),
      marker('abort', 1, A),
      data('a1', 2, A),
      marker('commit', 3, A),
      batchOf([record('plain')], { baseOffset: 4, producerId: -1n, transactional: false }),
    ])
    expect(scanAll(log, 0, [aborted(A, 0)])).toEqual({ values: ['a1', 'plain'], offsets: [2, 4], next: 5 })
  })

  it('takes the aborted list in order of first offsets, though brokers list it in order of the aborts', () => {
    // B began after A and was aborted before it.
    const log = Buffer.concat([
      data('a', 0, A),
      data('b', 1, B),
      marker('abort', 2, B),
      data('a again', 3, A),
      marker('abort', 4, A),
      data('c', 5, C),
      marker('commit', 6, C),
    ])
    expect(scanAll(log, 0, [aborted(B, 1), aborted(A, 0)])).toEqual({ values: ['c'], offsets: [5], next: 7 })
  })

  it('knows several transactions that began before the first fetched batch', () => {
    const log = Buffer.concat([data('b', 10, B), data('a', 11, A), marker('abort', 12, A), marker('abort', 13, B)])
    expect(scanAll(log, 10, [aborted(B, 2), aborted(A, 1)])).toEqual({ values: [], offsets: [], next: 14 })
  })

  it('does not take a data record with the key of an abort marker for one', () => {
    const zeroKey = { ...record('zero'), key: Buffer.from([0, 0, 0, 0]) }
    const log = Buffer.concat([
      batchOf([zeroKey], { baseOffset: 0, producerId: A }),
      data('a', 1, A),
      marker('abort', 2, A),
    ])
    expect(scanAll(log, 0, [aborted(A, 0)]).values).toEqual([])
  })

  it('shows what a producer committed after it had aborted, and hides what it aborted after it had committed', () => {
    const log = Buffer.concat([
      data('1', 0, A),
      marker('commit', 1, A),
      data('2', 2, A),
      marker('abort', 3, A),
      data('4', 4, A),
      marker('commit', 5, A),
    ])
    expect(scanAll(log, 0, [aborted(A, 2)]).values).toEqual(['1', '4'])
  })

  it('moves over an aborted transaction whose records were compacted away', () => {
    const log = Buffer.concat([emptyBatch(0, 4, A), marker('abort', 5, A), data('x', 6, A), marker('commit', 7, A)])
    expect(scanAll(log, 0, [aborted(A, 0)])).toEqual({ values: ['x'], offsets: [6], next: 8 })
  })

  it('concludes nothing from a marker that compaction has emptied', () => {
    const emptied = withChecksum(Buffer.from(marker('abort', 1, A).subarray(0, 61)).fill(0, 57))
    emptied.writeInt32BE(61 - 12, 8)
    const log = Buffer.concat([data('a', 0, A), withChecksum(emptied), data('b', 2, B)])
    expect(scanAll(log, 0, [aborted(A, 0)])).toEqual({ values: ['b'], offsets: [2], next: 3 })
  })

  it.each([
    ['whose key is too short', [0x10, 0, 0, 0, 2, 0, 1, 0, 0]],
    ['whose record is cut', [0x80]],
  ])('refuses an abort marker %s: what follows would stay hidden', (_what, bytes) => {
    const damaged = Buffer.concat([marker('abort', 1, A).subarray(0, 61), Buffer.from(bytes)])
    damaged.writeInt32BE(damaged.length - 12, 8)
    const log = Buffer.concat([data('a', 0, A), withChecksum(damaged), data('b', 2, A), marker('commit', 3, A)])
    expect(() => scanAll(log, 0, [aborted(A, 0)])).toThrow('a transaction marker that does not say which')
  })

  it('believes no marker with a wrong checksum, also where only its marker counts', () => {
    const flipped = marker('commit', 1, A)
    // The key now says "abort".
    flipped[flipped.length - 9]! ^= 1
    const log = Buffer.concat([data('a', 0, A), flipped, data('b', 2, A), marker('abort', 3, A)])
    expect(() => scanAll(log, 2, [aborted(A, 0)])).toThrow('topic-0: the record batch at offset 1 has a wrong checksum')
  })

  it('goes on in the middle of fetched bytes without forgetting an abort marker before', () => {
    const log = Buffer.concat([data('a', 0, A), marker('abort', 1, A), data('b', 2, A), marker('commit', 3, A)])
    const list = [aborted(A, 0)]
    expect(scanAll(log, 1, list).values).toEqual(['b'])
    expect(scanAll(log, 2, list).values).toEqual(['b'])
  })

  it('agrees with a model for any interleaving of transactions, wherever it stops and goes on', () => {
    const step = fc.record({
      producer: fc.integer({ min: 1, max: 3 }),
      what: fc.constantFrom('data', 'data', 'commit', 'abort'),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.integer({ min: 1, max: 4 }), (steps, pace) => {
        const { log, abortedList, committed, end } = play(steps)
        const seen: number[] = []
        let position = 0
        while (position < end) {
          let room = pace
          const next = scanRecords(log, position, abortedList, view => {
            if (room-- === 0) return false
            seen.push(view.offset)
            return true
          })
          expect(next).toBeGreaterThan(position)
          position = next
        }
        expect(seen).toEqual(committed)
      }),
      { numRuns: 300 },
    )
  })
})

/** Writes the log; transactions that are open at the end are aborted. */
function play(steps: readonly { readonly producer: number; readonly what: 'data' | 'commit' | 'abort' }[]) {
  const batches: Buffer[] = []
  const open = new Map<number, number[]>()
  const abortedList: AbortedTransaction[] = []
  const committed: number[] = []
  let end = 0
  const finish = (producer: number, kind: 'commit' | 'abort') => {
    const offsets = open.get(producer)
    if (offsets === undefined) return
    if (kind === 'commit') committed.push(...offsets)
    else abortedList.push(aborted(BigInt(producer), offsets[0]!))
    batches.push(marker(kind, end++, BigInt(producer)))
    open.delete(producer)
  }
  for (const { producer, what } of steps) {
    if (what !== 'data') {
      finish(producer, what)
      continue
    }
    open.set(producer, [...(open.get(producer) ?? []), end])
    batches.push(data(`${end}`, end++, BigInt(producer)))
  }
  for (const producer of [...open.keys()]) finish(producer, 'abort')
  return { log: Buffer.concat(batches), abortedList, committed: committed.toSorted((a, b) => a - b), end }
}
