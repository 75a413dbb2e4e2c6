import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import pino from 'pino'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { recoverState } from '../../../src/engine/recovery.ts'
import type { Recovered } from '../../../src/engine/recovery.ts'
import type { Cluster } from '../../../src/kafka/cluster.ts'
import type { Fetcher, FetchedChunk } from '../../../src/kafka/fetcher.ts'
import type { Request } from '../../../src/kafka/request.ts'
import { LocalStore } from '../../../src/store/localStore.ts'
import { batchOf, record } from '../kafka/batches.ts'

let directory: string
let open: LocalStore | undefined
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'onfile-recovery-'))
})
afterEach(async () => {
  vi.useRealTimers()
  await open?.close()
  open = undefined
  await rm(directory, { recursive: true, force: true })
})

const VALUE = Buffer.from('1')
/** The changelog's only record that compaction has left, and where its log ends. */
const LEFT = batchOf([record('1', 'users/a')], { baseOffset: 5 })
const END = 6

/** Answers the high watermark with these ends, one after the other, the last again and again. */
class FakeKafka {
  readonly ends: number[]
  asked = 0
  start = 0
  forgotten = 0
  readonly cluster = {
    leaderOf: () => Promise.resolve(1),
    forgetLeaders: () => {
      this.forgotten++
    },
    call: (_node: number, _lane: string, request: Request<unknown>) => {
      const body = Buffer.concat([...request.encode(3)])
      const isLatest = body.readBigInt64BE(body.length - 8) === -1n
      return Promise.resolve({ errorCode: 0, offset: isLatest ? this.nextEnd() : this.start })
    },
  } as unknown as Cluster
  readonly fetcher = {
    subscribe: (_topic: string, _partition: number, fromOffset: number) => {
      const chunk: FetchedChunk = { source: 'log-0', fromOffset, bytes: LEFT, aborted: [], nextOffset: END }
      const chunks = [chunk]
      return { take: () => chunks.shift(), close: () => undefined }
    },
  } as unknown as Fetcher

  constructor(...ends: number[]) {
    this.ends = ends
  }

  private nextEnd(): number {
    return this.ends[Math.min(this.asked++, this.ends.length - 1)]!
  }
}

function recover(kafka: FakeKafka, committedEnd: number, acceptedStart: number | null = 0): Promise<Recovered> {
  return recoverState({
    cluster: kafka.cluster,
    fetcher: kafka.fetcher,
    changelog: 'log',
    committedEnd,
    acceptedStart,
    partition: 0,
    directory,
    stateVersion: 1,
    cacheEntries: 16,
    maxStoreAgeMs: 3_600_000,
    noProgressMs: 1_000,
    signal: new AbortController().signal,
    log: pino({ enabled: false }),
    onProgress: () => undefined,
    onOpened: store => {
      open = store
    },
    waitingRecords: () => 0,
    served: Promise.resolve(false),
  })
}

/** Runs through waits at once. */
async function withoutWaiting<T>(work: () => Promise<T>): Promise<T> {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  let settled = false
  const done = work().finally(() => {
    settled = true
  })
  done.catch(() => undefined)
  while (!settled) {
    await vi.advanceTimersByTimeAsync(1_000)
    await turn()
  }
  return done
}

describe('a local store without a checkpoint', () => {
  it('counts for nothing: what it holds may have been deleted, and its tombstone compacted away, since', async () => {
    const { store } = await LocalStore.open(directory)
    await store.writeAhead(write => write.put('users/gone', VALUE, 0, VALUE.length))
    await store.close()
    await recover(new FakeKafka(END), END)
    expect([open!.get('users/a')?.toString(), open!.get('users/gone')]).toEqual(['1', undefined])
    expect(open!.checkpoint()?.changelogPosition).toBe(END)
  })

  it('is gone on with where it has one', async () => {
    const { store } = await LocalStore.open(directory)
    const checkpoint = { changelogPosition: 5, stateVersion: 1, writtenAtMs: Date.now() }
    await store.write(write => write.put('users/b', VALUE, 0, VALUE.length), checkpoint)
    await store.close()
    await recover(new FakeKafka(END), END)
    expect([open!.get('users/a')?.toString(), open!.get('users/b')?.toString()]).toEqual(['1', '1'])
  })
})

describe('the age of a local store', () => {
  it.each([
    ['of an hour ago', -3_599_000, true],
    ['of more than the tombstones live', -3_700_000, false],
    ['of a clock that is a little ahead', 60_000, true],
    ['from the future, which says nothing about its age', 3_600_000, false],
  ])('is looked at: %s', async (_what, writtenInMs, isKept) => {
    const { store } = await LocalStore.open(directory)
    const checkpoint = { changelogPosition: 5, stateVersion: 1, writtenAtMs: Date.now() + writtenInMs }
    await store.write(write => write.put('users/b', VALUE, 0, VALUE.length), checkpoint)
    await store.close()
    await recover(new FakeKafka(END), END)
    expect([open!.get('users/b') !== undefined, open!.get('users/a') !== undefined]).toEqual([isKept, true])
  })
})

describe('a changelog that ends before what was committed', () => {
  it('is asked for its end again, of whoever leads it then', async () => {
    const kafka = new FakeKafka(3, 3, END)
    const { records } = await withoutWaiting(() => recover(kafka, END))
    expect([records, kafka.asked, kafka.forgotten]).toEqual([1, 3, 2])
  })

  it('is refused where it stays so', async () => {
    const kafka = new FakeKafka(3)
    const refused = withoutWaiting(() => recover(kafka, END))
    await expect(refused).rejects.toMatchObject({ code: 'CHANGELOG_LOST', retry: 'never' })
    expect([kafka.asked, open!.hasEntries]).toEqual([6, false])
  })
})

describe('a local store that is ahead of the changelog', () => {
  it.each([
    ['does not know of the last commits either', 0],
    ['says what was committed', END],
  ])('counts once a leader answers that has what it has, where the group %s', async (_what, committedEnd) => {
    await storeAt(END)
    const kafka = new FakeKafka(3, 3, END)
    const { records } = await withoutWaiting(() => recover(kafka, committedEnd))
    expect([records, kafka.asked, kafka.forgotten]).toEqual([0, 3, 2])
    expect(open!.get('users/b')?.toString()).toBe('1')
  })

  it('is refused where no leader has, and stays as it is', async () => {
    await storeAt(END)
    const kafka = new FakeKafka(3)
    const refused = withoutWaiting(() => recover(kafka, 3))
    await expect(refused).rejects.toMatchObject({ code: 'STATE_AHEAD_OF_CHANGELOG', retry: 'never' })
    expect([kafka.asked, open!.get('users/b')?.toString()]).toEqual([6, '1'])
  })
})

/** A store with one entry at this checkpoint. */
async function storeAt(changelogPosition: number, writtenInMs = 0): Promise<void> {
  const { store } = await LocalStore.open(directory)
  const checkpoint = { changelogPosition, stateVersion: 1, writtenAtMs: Date.now() + writtenInMs }
  await store.write(write => write.put('users/b', VALUE, 0, VALUE.length), checkpoint)
  await store.close()
}

describe('a changelog whose first records were deleted', () => {
  const cut = (start: number) => Object.assign(new FakeKafka(END), { start })

  it('is refused without a local store: what is left is a part of the state', async () => {
    await expect(recover(cut(5), END)).rejects.toMatchObject({ code: 'CHANGELOG_LOST', retry: 'never' })
  })

  it.each([
    ['is behind its start', 4, 0],
    ['is older than the tombstones', 5, -3_700_000],
  ])('is refused with a store that %s, which stays as it is', async (_what, position, writtenInMs) => {
    await storeAt(position, writtenInMs)
    await expect(recover(cut(5), END)).rejects.toMatchObject({ code: 'CHANGELOG_LOST', retry: 'never' })
    expect(open!.get('users/b')?.toString()).toBe('1')
  })

  it('is gone on with where the store reaches its start, and stays refused for whoever has no store', async () => {
    await storeAt(5)
    const { changelogStart } = await recover(cut(5), END)
    expect([open!.get('users/a')?.toString(), open!.get('users/b')?.toString()]).toEqual(['1', '1'])
    expect(changelogStart).toBe(0)
  })

  it('counts as the state once an operator has moved the offset, which the commits go on to say', async () => {
    const accepted = await recover(cut(5), 0, null)
    expect([accepted.records, accepted.changelogStart]).toEqual([1, 5])
    await open!.close()
    await rm(directory, { recursive: true })
    const later = await recover(cut(5), END, accepted.changelogStart)
    expect([later.records, later.changelogStart]).toEqual([1, 5])
  })

  it('is not accepted by an offset that was moved for another reason while the store is whole', async () => {
    await storeAt(5)
    const { changelogStart } = await recover(cut(5), 0, null)
    expect(changelogStart).toBe(0)
    await open!.close()
    await rm(directory, { recursive: true })
    await expect(recover(cut(5), END, changelogStart)).rejects.toMatchObject({ code: 'CHANGELOG_LOST' })
  })

  it('is refused again where still more is deleted later', async () => {
    await expect(recover(cut(5), END, 4)).rejects.toMatchObject({ code: 'CHANGELOG_LOST' })
  })
})
