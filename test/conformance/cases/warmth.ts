import { existsSync } from 'node:fs'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LocalStore } from '../../../src/store/localStore.ts'
import type { ChainRun, Worker } from '../../support/chain/harness.ts'

/** What a start does not say that goes on from its store. */
const STARTED_ANEW = /local store could not be read|local store is too old/

/** Changelog position up to which a store holds the state, 0 where it has none. Looks at a copy, so the store stays as it is. */
export async function checkpointOf(directory: string): Promise<number> {
  if (!existsSync(directory)) return 0
  const copy = await mkdtemp(join(tmpdir(), 'onfile-store-'))
  try {
    await cp(directory, copy, { recursive: true })
    const { store, wiped } = await LocalStore.open(copy)
    await store.close()
    if (wiped !== null) throw wiped
    return store.checkpoint()?.changelogPosition ?? 0
  } finally {
    await rm(copy, { recursive: true, force: true })
  }
}

/** `checkpointOf` every partition, and the end of its changelog. Ask while nobody works. */
export async function placesOf(
  run: ChainRun,
  stateDirectory?: string,
): Promise<Map<number, [at: number, end: number]>> {
  const places = new Map<number, [number, number]>()
  for (const [partition, end] of await run.ends(run.topics.changelog)) {
    places.set(partition, [await checkpointOf(run.storeOf(partition, stateDirectory)), end])
  }
  return places
}

/**
 * Throws unless the worker, which must log at `info` and run everything, read no more of the `places` than what its stores did
 * not have when `placesOf` was asked. Markers count as well, so this tells only where a store has more than a few records.
 */
export function expectWarm(worker: Worker, places: ReadonlyMap<number, readonly [at: number, end: number]>): void {
  const anew = STARTED_ANEW.exec(worker.log)
  if (anew !== null) throw new Error(`a store was given up: ${anew[0]}: ${worker.describe()}`)
  for (const { partition, restoredRecords } of worker.tasks) {
    const place = places.get(partition)
    if (place === undefined) continue
    const [at, end] = place
    if (at === 0) throw new Error(`the store of partition ${partition} had no checkpoint`)
    if (restoredRecords > end - at) {
      throw new Error(
        `partition ${partition} read ${restoredRecords} records, yet its store was at ${at} of ${end}: ${worker.describe()}`,
      )
    }
  }
}
