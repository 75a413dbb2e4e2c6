import { setTimeout as wait } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { TaskInput } from '../../../src/engine/input.ts'
import { InputNotReadyError } from '../../../src/engine/processor.ts'
import { BatchBuilder } from '../../../src/kafka/batchBuilder.ts'
import * as layout from '../../../src/kafka/batchLayout.ts'
import { CorruptBatchError, KafkaError } from '../../../src/kafka/errors.ts'
import type { Subscription } from '../../../src/kafka/fetcher.ts'
import type { RecordView } from '../../../src/kafka/recordBatch.ts'
import { chunk, FakeSubscription, raw } from './fakeSubscription.ts'

/** A compressed batch of records with values of `sizeBytes` in all. */
function packed(fromOffset: number, count: number, sizeBytes: number): Buffer {
  const batch = new BatchBuilder()
  for (let i = 0; i < count; i++) batch.append(1_000, null, 'x'.repeat(sizeBytes / count), raw)
  const bytes = Buffer.from(batch.finish(-1n, -1, -1, { transactional: false, compression: 'zstd' }))
  bytes.writeBigInt64BE(BigInt(fromOffset), 0)
  return bytes
}

function inputOn(
  subscription: Subscription,
  options: { prepare?: (records: readonly RecordView[], signal: AbortSignal) => Promise<void> } = {},
): { input: TaskInput; reasons: (string | null)[]; abort: AbortController } {
  const reasons: (string | null)[] = []
  const abort = new AbortController()
  const input = new TaskInput({
    subscription,
    position: 0,
    prepare: options.prepare,
    signal: abort.signal,
    wake: () => undefined,
    onWaiting: reason => reasons.push(reason),
  })
  return { input, reasons, abort }
}

describe('TaskInput', () => {
  it('hands out records until the handler has enough, and goes on at the same one', () => {
    const subscription = new FakeSubscription()
    subscription.chunks.push(chunk(0, 5))
    const { input } = inputOn(subscription)
    const seen: number[] = []
    const upTo = (limit: number) => (record: RecordView) => {
      if (seen.length >= limit) return false
      seen.push(record.offset)
      return true
    }
    expect(input.take(upTo(2))).toBe(true)
    expect(input.position).toBe(2)
    input.take(upTo(10))
    expect(seen).toEqual([0, 1, 2, 3, 4])
    expect(input.position).toBe(5)
  })

  it('comes back with the very record that was not ready, after its remedy', async () => {
    const subscription = new FakeSubscription()
    subscription.chunks.push(chunk(0, 3))
    const { input, reasons } = inputOn(subscription)
    const seen: number[] = []
    let tries = 0
    let ready = false
    const handle = (record: RecordView) => {
      if (record.offset === 1 && !ready) {
        throw new InputNotReadyError('schema 7', () => {
          if (++tries === 1) return Promise.reject(new Error('registry down'))
          ready = true
          return Promise.resolve()
        })
      }
      seen.push(record.offset)
      return true
    }
    input.take(handle)
    expect(input.position).toBe(1)
    expect(input.take(handle)).toBe(false)
    await wait(20)
    expect(reasons).toEqual(['schema 7: registry down'])
    await wait(350)
    expect(reasons).toEqual(['schema 7: registry down', null])
    input.take(handle)
    expect(seen).toEqual([0, 1, 2])
  })

  it('prepares a whole batch once, before its first record', async () => {
    const subscription = new FakeSubscription()
    subscription.chunks.push(chunk(0, 3))
    const prepared: number[][] = []
    const { input } = inputOn(subscription, {
      prepare: records => {
        prepared.push(records.map(r => r.offset))
        return Promise.resolve()
      },
    })
    const seen: number[] = []
    const handle = (record: RecordView) => seen.push(record.offset) > 0
    expect(input.take(handle)).toBe(false)
    await wait(5)
    input.take(record => record.offset < 1 && handle(record))
    input.take(handle)
    expect(prepared).toEqual([[0, 1, 2]])
    expect(seen).toEqual([0, 1, 2])
    expect(input.position).toBe(3)
  })

  it.each([
    ['many records', [chunk(0, 25_000).bytes], [10_000, 10_000, 5_000]],
    ['records that unpack to much', [0, 2, 4, 6].map(at => packed(at, 2, 15 << 20)), [4, 4]],
  ])('prepares %s in turns, and none twice', async (_what, batches, turns) => {
    const subscription = new FakeSubscription()
    const count = turns.reduce((sum, turn) => sum + turn)
    const bytes = Buffer.concat(batches)
    subscription.chunks.push({ source: 'input-0', fromOffset: 0, bytes, aborted: [], nextOffset: count })
    const prepared: number[] = []
    const { input } = inputOn(subscription, {
      prepare: records => Promise.resolve(void prepared.push(records.length)),
    })
    const seen: number[] = []
    for (let turn = 0; turn <= 2 * turns.length; turn++) {
      input.take(record => seen.push(record.offset) > 0)
      await wait(1)
    }
    expect(prepared).toEqual(turns)
    expect(seen).toEqual(Array.from({ length: count }, (_, offset) => offset))
    expect(input.position).toBe(count)
  })

  it('knows the age of the oldest record that waits: taken half, fetched, or known of and not fetched', () => {
    const subscription = new FakeSubscription()
    const { input } = inputOn(subscription)
    expect(input.oldestPendingMs).toBe(Number.POSITIVE_INFINITY)

    subscription.chunks.push(chunk(0, 2, 1_000), chunk(2, 2, 5_000))
    subscription.position = 4
    subscription.lastStableOffset = 4
    expect(input.oldestPendingMs).toBe(1_000)
    input.take(record => record.offset < 1)
    expect(input.oldestPendingMs).toBe(1_000)
    input.take(() => true)
    expect(input.oldestPendingMs).toBe(5_000)
    input.take(() => true)
    expect(input.oldestPendingMs).toBe(Number.POSITIVE_INFINITY)

    // Fetching fails from here on: what is missing is at least so old as the last answer.
    subscription.lastStableOffset = 9
    subscription.highWatermarkAskedAtMs = 7_000
    expect(input.oldestPendingMs).toBe(7_000)
  })

  it('knows the age of the record that a look-up holds up', () => {
    const subscription = new FakeSubscription()
    subscription.chunks.push(chunk(0, 2, 3_000))
    const { input } = inputOn(subscription, { prepare: () => new Promise(() => undefined) })
    input.take(() => true)
    expect(subscription.next).toBeUndefined()
    expect(input.oldestPendingMs).toBe(3_000)
  })

  it('says that an open transaction hides the rest, once that lasts for longer than a commit and nothing before it is left', () => {
    const subscription = new FakeSubscription()
    const { input } = inputOn(subscription)
    Object.assign(subscription, { position: 5, lastStableOffset: 5, highWatermark: 9 })
    subscription.chunks.push(chunk(0, 5))
    subscription.blockedSinceMs = performance.now() - 61_000
    expect([input.blockedRecords, input.openTransaction]).toEqual([0, null])
    input.take(() => true)
    expect(input.blockedRecords).toBe(4)
    expect(input.openTransaction?.reason).toContain('at offset 5 of the input hides 4 offsets')
    expect(Math.abs(Date.now() - 61_000 - input.openTransaction!.sinceMs)).toBeLessThan(30_000)
    // A commit under way on a busy topic.
    subscription.blockedSinceMs = performance.now()
    expect([input.blockedRecords, input.openTransaction]).toEqual([4, null])
    // A partition without a leader: nobody says how far it is by now.
    subscription.lastError = new Error('no leader')
    expect(input.blockedRecords).toBe(0)
    subscription.lastError = undefined
    Object.assign(subscription, { blockedSinceMs: 0, lastStableOffset: 9 })
    expect([input.blockedRecords, input.openTransaction]).toEqual([0, null])
  })

  it('says that it has read up to t only past the high watermark that was asked for at t', () => {
    const subscription = new FakeSubscription()
    const { input } = inputOn(subscription)
    input.take(() => true)
    expect(input.readUpToMs).toBe(0)

    subscription.highWatermark = 5
    subscription.highWatermarkAskedAtMs = 100
    input.take(() => true)
    expect(input.readUpToMs).toBe(0)

    // New answers do not move the goal that is being run for, else a busy topic would never reach it.
    subscription.chunks.push(chunk(0, 5), chunk(5, 5))
    subscription.highWatermark = 10
    subscription.highWatermarkAskedAtMs = 200
    input.take(() => true)
    expect(input.position).toBe(5)
    expect(input.readUpToMs).toBe(100)
    input.take(() => true)
    expect(input.readUpToMs).toBe(200)

    // An idle topic: every answer says that there is nothing new up to the moment when it was asked for.
    subscription.highWatermarkAskedAtMs = 300
    input.take(() => true)
    expect(input.readUpToMs).toBe(300)
  })
})

describe('a subscription that has failed', () => {
  const gone = new KafkaError('Fetch', 1, 'input-0 at 5')

  it('is told only when everything that had come before is handed out', () => {
    const subscription = new FakeSubscription()
    subscription.chunks.push(chunk(0, 2), chunk(2, 3))
    subscription.failure = gone
    const { input } = inputOn(subscription)
    const seen: number[] = []
    const upTo = (limit: number) => (record: RecordView) => record.offset < limit && seen.push(record.offset) > 0
    // In the queue, in hand, half of it taken.
    expect([input.failure, input.lastError]).toEqual([undefined, gone])
    input.take(upTo(1))
    expect(input.failure).toBeUndefined()
    input.take(upTo(5))
    expect(input.failure).toBeUndefined()
    input.take(upTo(4))
    expect(input.failure).toBeUndefined()
    input.take(upTo(5))
    expect([seen, input.position, input.failure]).toEqual([[0, 1, 2, 3, 4], 5, gone])
  })

  it('is not told while a look-up for what had come takes a second', async () => {
    const subscription = new FakeSubscription()
    subscription.chunks.push(chunk(0, 3))
    subscription.failure = gone
    const { input } = inputOn(subscription, { prepare: () => wait(1_000) })
    const seen: number[] = []
    const handle = (record: RecordView) => seen.push(record.offset) > 0
    input.take(handle)
    expect([subscription.next, input.failure, input.waiting]).toEqual([undefined, undefined, true])
    await expect.poll(() => input.waiting, { timeout: 15_000 }).toBe(false)
    expect(input.failure).toBeUndefined()
    input.take(handle)
    expect([seen, input.failure]).toEqual([[0, 1, 2], gone])
  })
})

describe('a batch that cannot be read though its checksum is right', () => {
  /** What is done to a batch of two records, and the offset behind it then. */
  const damages: readonly { what: string; damage: (batch: Buffer) => void; end: number }[] = [
    { what: 'a record that reaches past it', damage: batch => void (batch[batch.length - 1]! ^= 0xff), end: 4 },
    {
      what: 'bytes behind the last record',
      end: 3,
      damage: batch => {
        batch.writeInt32BE(1, layout.RECORD_COUNT)
        batch.writeInt32BE(0, layout.LAST_OFFSET_DELTA)
      },
    },
    {
      what: 'no offset left for the last record',
      end: 3,
      damage: batch => void batch.writeInt32BE(0, layout.LAST_OFFSET_DELTA),
    },
  ]

  /** Two batches of two records, the second of them damaged, and one behind them. */
  function halfSound(damage: (batch: Buffer) => void): FakeSubscription {
    const subscription = new FakeSubscription()
    const [sound, broken] = [chunk(0, 2).bytes, chunk(2, 2).bytes]
    damage(broken)
    const bytes = Buffer.concat([sound, broken])
    subscription.chunks.push({ source: 'input-0', fromOffset: 0, bytes, aborted: [], nextOffset: 4 }, chunk(4, 2))
    return subscription
  }

  it.each(
    damages.flatMap(damaged => [
      { ...damaged, prepare: undefined, asked: '' },
      { ...damaged, prepare: () => Promise.resolve(), asked: ' and have been looked up' },
    ]),
  )(
    '$what: ends the input once the records before it are handed out$asked, and hands out none behind it',
    async ({ damage, end, prepare }) => {
      const { input } = inputOn(halfSound(damage), prepare === undefined ? {} : { prepare })
      const seen: number[] = []
      for (let turn = 0; turn < 6; turn++) {
        input.take(record => seen.push(record.offset) > 0)
        await wait(1)
      }
      expect(input.failure).toBeInstanceOf(CorruptBatchError)
      expect([...new Set(seen)]).toEqual(seen)
      expect(seen.slice(0, 2)).toEqual([0, 1])
      expect(input.position).toBe(seen.at(-1)! + 1)
      expect(input.position).toBeLessThan(end)
    },
  )
})
