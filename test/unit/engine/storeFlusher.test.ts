import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Cycle } from '../../../src/engine/cycle.ts'
import type { StoreFlush } from '../../../src/engine/observer.ts'
import type { Codec } from '../../../src/engine/processor.ts'
import { PartitionState } from '../../../src/engine/state.ts'
import { StoreFlusher } from '../../../src/engine/storeFlusher.ts'
import { LocalStore } from '../../../src/store/localStore.ts'

const text: Codec<string> = {
  encode: (value, buffer, position) => position + buffer.write(value, position),
  decode: (buffer, start, end) => buffer.toString('utf8', start, end),
}

let directory: string
let store: LocalStore
let flushes: StoreFlush[]
let unusable: Error[]

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'onfile-flusher-'))
  store = (await LocalStore.open(directory)).store
  flushes = []
  unusable = []
})
afterEach(async () => {
  vi.restoreAllMocks()
  await store.close()
  rmSync(directory, { recursive: true })
})

function flusherOf(): StoreFlusher {
  return flusherOn(new PartitionState({ changelog: 'c', partition: 0, store, stateVersion: 1, cacheEntries: 100 }, 0))
}

function flusherOn(state: PartitionState, maxUnflushedBytes = 1 << 20): StoreFlusher {
  return new StoreFlusher({
    state,
    store,
    maxUnflushedBytes,
    log: pino({ level: 'silent' }),
    onUnusable: error => unusable.push(error),
    onFlushed: flush => flushes.push(flush),
  })
}

/** A state that wants to be flushed with every change. */
class ChangingState {
  readonly state = new PartitionState({ changelog: 'c', partition: 0, store, stateVersion: 1, cacheEntries: 1 }, 0)
  private readonly table = this.state.createTables<{ t: string }>({ t: text }).t
  private readonly cycle = new Cycle<never>()
  private position = 0

  commit(...keys: readonly string[]): void {
    this.state.begin(this.cycle, 0)
    for (const key of keys) this.table.put(key, 'x'.repeat(100))
    this.position += keys.length
    this.state.committed(this.cycle, this.position)
    this.cycle.reset()
    this.position++
  }
}

describe('a write of the local store', () => {
  test('is reported with what it wrote since the one before', async () => {
    await store.write(write => write.put('t/k', Buffer.alloc(5_000), 0, 5_000), {
      changelogPosition: 0,
      stateVersion: 1,
      writtenAtMs: 0,
    })
    // Only the checkpoint: what was written before the flusher came is not its own.
    await flusherOf().close()
    expect(flushes).toMatchObject([{ written: true, reclaimedBytes: 0 }])
    expect(flushes[0]!.writtenBytes).toBeGreaterThan(0)
    expect(flushes[0]!.writtenBytes).toBeLessThan(1_000)
    expect(flushes[0]!.durationMs).toBeGreaterThan(0)
  })

  test('that the store does not take is reported as such, and ends nothing', async () => {
    store.write = () => Promise.reject(new Error('ENOSPC'))
    await flusherOf().close()
    expect(flushes).toMatchObject([{ written: false, writtenBytes: 0 }])
  })

  test('is over before the store is closed, however long it takes, and none begins after', async () => {
    const order: string[] = []
    const writeAhead = store.write.bind(store)
    const turns = Promise.withResolvers<null>()
    store.write = async (...args) => {
      order.push('begins')
      if (order.length === 1) await turns.promise
      await writeAhead(...args)
      order.push('ends')
    }
    const now = performance.now.bind(performance)
    const flusher = flusherOf()
    // The checkpoint's stamp is renewed.
    performance.now = () => now() + 3_700_000
    flusher.flushWhenDue()
    performance.now = now
    const closed = flusher.close().then(() => order.push('closed'))
    await new Promise(resolve => setTimeout(resolve, 50))
    expect(order).toEqual(['begins'])
    turns.resolve(null)
    await closed
    performance.now = () => now() + 7_400_000
    flusher.flushWhenDue()
    performance.now = now
    expect(order).toEqual(['begins', 'ends', 'begins', 'ends', 'closed'])
  })

  test('of many entries goes in pieces, and the checkpoint comes behind the last of them', async () => {
    const changing = new ChangingState()
    const seen: string[] = []
    const flusher = new StoreFlusher({
      state: changing.state,
      store,
      maxUnflushedBytes: 1 << 20,
      log: pino({ level: 'silent' }),
      onUnusable: error => unusable.push(error),
      onFlushed: () => undefined,
      writeEntries: 2,
      onStep: step => {
        const written = ['a', 'b', 'c', 'd', 'e'].filter(key => store.get(`t/${key}`) !== undefined)
        seen.push(`${step}: ${written.join('')}, at ${store.checkpoint()?.changelogPosition ?? 'none'}`)
      },
    })
    changing.commit('a', 'b', 'c', 'd', 'e')
    await flusher.close()
    expect(seen).toEqual(['store-ahead: ab, at none', 'store-ahead: abcd, at none', 'stored: abcde, at 5'])
    expect(unusable).toEqual([])
  })

  test('that a full volume does not take is tried again after a while, however much waits, and logged as often', async () => {
    let nowMs = 1_000_000
    vi.spyOn(performance, 'now').mockImplementation(() => nowMs)
    const changing = new ChangingState()
    const flusher = flusherOn(changing.state)
    const triedAfter = async (ms: number) => {
      nowMs += ms
      flusher.flushWhenDue()
      while (changing.state.flushUnderWay) await new Promise(resolve => setImmediate(resolve))
      return flushes.map(({ written }) => written)
    }
    const write = store.write.bind(store)
    store.write = () => Promise.reject(new Error('ENOSPC: no space left on device'))
    changing.commit('a', 'b')
    expect(await triedAfter(0)).toEqual([false])
    expect(await triedAfter(0)).toEqual([false])
    expect(await triedAfter(450)).toEqual([false])
    expect(await triedAfter(100)).toEqual([false, false])
    expect(await triedAfter(450)).toEqual([false, false])

    store.write = write
    expect(await triedAfter(100)).toEqual([false, false, true])
    // It takes them again: what is in memory goes as soon as it is much.
    changing.commit('c')
    expect(await triedAfter(0)).toEqual([false, false, true, true])
  })

  test('that a full volume does not take ends the task once more waits than may, and says who must act', async () => {
    const changing = new ChangingState()
    const flusher = flusherOn(changing.state, 1_000)
    const write = store.write.bind(store)
    store.write = () => Promise.reject(Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' }))
    changing.commit('a')
    flusher.flushWhenDue()
    await expect.poll(() => flushes.length).toBe(1)
    await new Promise(resolve => setImmediate(resolve))
    expect(unusable).toEqual([])

    changing.commit('b', 'c', 'd', 'e', 'f')
    const tried = () => {
      flusher.flushWhenDue()
      return unusable.length
    }
    await expect.poll(tried, { timeout: 15_000 }).toBe(1)
    expect(unusable[0]).toMatchObject({ code: 'STORE_UNWRITABLE', retry: 'reopen' })
    expect(unusable[0]!.message).toContain(directory)
    expect(unusable[0]!.message).toContain(
      '1000 bytes of committed changes wait: the volume of state.dir is full or broken',
    )
    expect(unusable[0]!.message).toContain('The operator must free or mend it')

    // Nothing is lost by it: room comes back, and what was committed is written.
    store.write = write
    await flusher.close()
    expect(['a', 'f'].map(key => store.get(`t/${key}`)?.length)).toEqual([100, 100])
  })
})
