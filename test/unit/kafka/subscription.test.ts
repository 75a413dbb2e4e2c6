import { describe, expect, it } from 'vitest'
import { CorruptBatchError } from '../../../src/kafka/errors.ts'
import { scanRecords } from '../../../src/kafka/recordBatch.ts'
import type { FetchedPartition } from '../../../src/kafka/requests/fetch.ts'
import { SubscribedPartition } from '../../../src/kafka/subscription.ts'
import { batchOf, marker, record } from './batches.ts'

const FROM = 10

function subscription(): SubscribedPartition {
  const ignore = () => undefined
  const at = { topic: 'cards', partition: 3, fromOffset: FROM }
  return new SubscribedPartition(at, 1 << 20, { onReady: ignore, onRoom: ignore, onClose: ignore })
}

function fetched(bytes: Buffer, highWatermark = 100): FetchedPartition {
  const ends = { highWatermark, lastStableOffset: highWatermark, logStartOffset: 0 }
  return { topic: 'cards', partition: 3, errorCode: 0, ...ends, aborted: [], bytes }
}

function damaged(batch: Buffer): Buffer {
  batch[batch.length - 2]! ^= 0x10
  return batch
}

const one = (value: string, baseOffset: number) => batchOf([record(value)], { baseOffset })

describe('a subscribed partition', () => {
  it('takes the sound batches before a damaged one, and refuses the damaged one by its place', () => {
    const partition = subscription()
    const bytes = Buffer.concat([one('a', 10), one('b', 11), damaged(one('c', 12)), one('d', 13)])
    partition.accept(fetched(bytes), 1, true)
    const chunk = partition.take()!
    const seen: string[] = []
    scanRecords(chunk.bytes, chunk.fromOffset, chunk.aborted, view => void seen.push(view.value()!.toString()))
    expect([seen, chunk.nextOffset, partition.position]).toEqual([['a', 'b'], 12, 12])

    const rest = fetched(bytes.subarray(one('a', 10).length * 2))
    expect(() => partition.accept(rest, 2, true)).toThrow(CorruptBatchError)
    expect(() => partition.accept(rest, 2, true)).toThrow('cards-3: the record batch at offset 12 has a wrong checksum')
    expect([partition.take(), partition.position]).toEqual([undefined, 12])
  })

  it('checks batches before its position too: a marker there decides what is hidden', () => {
    const bytes = Buffer.concat([damaged(marker('abort', 8, 1n)), one('a', 10)])
    expect(() => subscription().accept(fetched(bytes), 1, true)).toThrow('at offset 8 has a wrong checksum')
  })

  it.each([
    ['that ends before the position', one('x', 4), 'offset 4 was not asked for'],
    ['far behind the end of the log', one('x', 10 + 2 ** 30), 'lies beyond the end of the log (100)'],
    ['whose length says more than came', one('x', 10).subarray(0, 65), 'did not come whole in 65 bytes'],
  ])('refuses a batch %s instead of asking for it for ever', (_what, bytes, message) => {
    expect(() => subscription().accept(fetched(bytes), 1, true)).toThrow(message)
  })

  it('takes nothing of a part of a batch where another partition of the answer had bytes before', () => {
    const partition = subscription()
    partition.accept(fetched(one('x', 10).subarray(0, 65)), 1, false)
    expect([partition.take(), partition.position, partition.highWatermark]).toEqual([undefined, 10, 100])
  })

  it('knows since when the last stable offset stands still below the end, and forgets it with each move', () => {
    const partition = subscription()
    const answer = (lastStableOffset: number, highWatermark: number) =>
      partition.accept({ ...fetched(Buffer.alloc(0), highWatermark), lastStableOffset }, 1, false)
    answer(10, 10)
    expect(partition.blockedSinceMs).toBe(0)
    answer(10, 12)
    const since = partition.blockedSinceMs
    expect(since).toBeGreaterThan(0)
    answer(10, 14)
    expect(partition.blockedSinceMs).toBe(since)
    answer(11, 14)
    expect(partition.blockedSinceMs).toBeGreaterThan(since)
    answer(14, 14)
    expect(partition.blockedSinceMs).toBe(0)
  })

  it('keeps no response of all partitions in memory for its few bytes of it', () => {
    const partition = subscription()
    const few = one('a', 10)
    const response = Buffer.concat([Buffer.alloc(1 << 20), few])
    partition.accept(fetched(response.subarray(1 << 20)), 1, false)
    const { bytes } = partition.take()!
    expect([bytes.equals(few), bytes.buffer.byteLength]).toEqual([true, few.length])

    const most = Buffer.from(new Uint8Array([0, ...one('b', 11)]).buffer)
    partition.accept(fetched(most.subarray(1)), 1, false)
    expect(partition.take()!.bytes.buffer).toBe(most.buffer)
  })
})
