import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { StoreFlush } from '../../../src/engine/observer.ts'
import { PartitionState } from '../../../src/engine/state.ts'
import { StoreFlusher } from '../../../src/engine/storeFlusher.ts'
import { LocalStore } from '../../../src/store/localStore.ts'

let directory: string
let store: LocalStore
let flushes: StoreFlush[]

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'onfile-flusher-'))
  store = (await LocalStore.open(directory)).store
  flushes = []
})
afterEach(async () => {
  await store.close()
  rmSync(directory, { recursive: true })
})

function flusherOf(): StoreFlusher {
  const state = new PartitionState({ changelog: 'c', partition: 0, store, stateVersion: 1, cacheEntries: 100 }, 0)
  return new StoreFlusher(
    state,
    store,
    pino({ level: 'silent' }),
    error => {
      throw error
    },
    flush => flushes.push(flush),
  )
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
})
