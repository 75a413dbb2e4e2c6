import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { restoreChangelog } from '../../../src/engine/restore.ts'
import { KafkaError } from '../../../src/kafka/errors.ts'
import type { Fetcher, FetchedChunk } from '../../../src/kafka/fetcher.ts'
import { LocalStore } from '../../../src/store/localStore.ts'
import { batchOf, record } from '../kafka/batches.ts'

const UNTIL = 8
/** More than what is gathered for one write. */
const LARGE = 'x'.repeat((1 << 20) + 1)

let directory: string
let store: LocalStore
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'onfile-restore-'))
  store = (await LocalStore.open(directory)).store
})
afterEach(async () => {
  await store.close()
  await rm(directory, { recursive: true, force: true })
})

/** Gives these chunks, then fails. */
function fetcherOf(chunks: FetchedChunk[], failure: Error | null): Fetcher {
  const subscription = {
    take: () => chunks.shift(),
    get failure() {
      return chunks.length === 0 ? failure : null
    },
    close: () => undefined,
  }
  return { subscribe: () => subscription } as unknown as Fetcher
}

function chunkAt(offset: number, value: string): FetchedChunk {
  const bytes = batchOf([record(value, `users/${offset}`)], { baseOffset: offset })
  return { source: 'log-0', fromOffset: offset, bytes, aborted: [], nextOffset: offset + 1 }
}

function restore(fetcher: Fetcher, storeStampMs: number) {
  return restoreChangelog({
    fetcher,
    topic: 'log',
    partition: 0,
    store,
    stateVersion: 1,
    storeVersion: 1,
    storeStampMs,
    from: 0,
    until: UNTIL,
    noProgressMs: 1_000,
    signal: new AbortController().signal,
    onProgress: () => undefined,
  })
}

describe('restoreChangelog', () => {
  it('keeps the stamp of before until it has reached the end: what is half restored does not grow younger', async () => {
    const stamp = 1_000
    const moved = new KafkaError('Fetch', 1)
    await expect(restore(fetcherOf([chunkAt(0, LARGE)], moved), stamp)).rejects.toThrow('its start moved')
    expect(store.checkpoint()).toMatchObject({ changelogPosition: 1, writtenAtMs: stamp })

    await restore(fetcherOf([chunkAt(0, LARGE), chunkAt(UNTIL - 1, 'last')], null), stamp)
    expect(store.checkpoint()!.changelogPosition).toBe(UNTIL)
    expect(store.checkpoint()!.writtenAtMs).toBeGreaterThan(stamp)
  })

  it('says that the changelog moved, not the input, and is tried again', async () => {
    const failed = restore(fetcherOf([], new KafkaError('Fetch', 1)), 0)
    await expect(failed).rejects.toMatchObject({ code: 'CHANGELOG_MOVED', retry: 'reopen' })
    const other = new Error('the cluster is gone')
    await expect(restore(fetcherOf([], other), 0)).rejects.toBe(other)
  })
})
