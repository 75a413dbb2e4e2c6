import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LocalStore } from '../../../src/store/localStore.ts'
import type { ChainRun } from '../../support/chain/harness.ts'
import { committedRecords } from '../../support/readCommitted.ts'

/** Hex of each value, by key. */
export type Entries = ReadonlyMap<string, string>

/** How a store stands to the changelog up to its checkpoint. */
export interface Place {
  /** Changelog position that its checkpoint names, 0 where it has none. */
  readonly checkpoint: number
  /** Keys of which the store has something else than the changelog has up to there: later changes. */
  readonly ahead: readonly string[]
  /** Of these, those of which the store has something older, or nothing: a replay from the checkpoint never mends them. */
  readonly behind: readonly string[]
  /** Effects that the store says were started and have not ended. */
  readonly openEffects: number
}

/** Of the partition's local store. Looks at a copy; ask while nobody works on it. */
export async function placeOf(run: ChainRun, brokers: string, partition: number): Promise<Place> {
  const { checkpoint, entries } = await contentOf(run.storeOf(partition))
  const upTo = await changelogUpTo(brokers, run.topics.changelog, partition, checkpoint)
  const ahead = [...new Set([...entries.keys(), ...upTo.keys()])].filter(key => entries.get(key) !== upTo.get(key))
  const chains = [...entries].filter(([key]) => key.startsWith('chains/'))
  return {
    checkpoint,
    ahead,
    behind: ahead.filter(key => key.startsWith('chains/') && countOf(entries.get(key)) < countOf(upTo.get(key))),
    openEffects: chains.reduce((sum, [, value]) => sum + chainOf(value).openEffects.length, 0),
  }
}

async function contentOf(directory: string): Promise<{ readonly checkpoint: number; readonly entries: Entries }> {
  const copy = await mkdtemp(join(tmpdir(), 'onfile-store-'))
  try {
    await cp(directory, copy, { recursive: true })
    const { store, wiped } = await LocalStore.open(copy)
    try {
      if (wiped !== null) throw wiped
      const entries = new Map<string, string>()
      for await (const [key, value] of store.entries('')) if (isEntry(key)) entries.set(key, value.toString('hex'))
      return { checkpoint: store.checkpoint()?.changelogPosition ?? 0, entries }
    } finally {
      await store.close()
    }
  } finally {
    await rm(copy, { recursive: true, force: true })
  }
}

/** The state that the committed records of a changelog before `end` come to, read by Apache's consumer. */
async function changelogUpTo(brokers: string, topic: string, partition: number, end: number): Promise<Entries> {
  const entries = new Map<string, string>()
  for await (const record of committedRecords(brokers, [topic])) {
    const key = record.key?.toString() ?? ''
    if (record.partition !== partition || record.offset >= end || !isEntry(key)) continue
    if (record.value === null) entries.delete(key)
    else entries.set(key, record.value.toString('hex'))
  }
  return entries
}

/** Neither the store's own checkpoint nor what the changelog says of its version. */
function isEntry(key: string): boolean {
  return !key.startsWith('\u0000') && key !== '~version'
}

function countOf(value: string | undefined): number {
  return value === undefined ? 0 : chainOf(value).count
}

function chainOf(value: string): { readonly count: number; readonly openEffects: readonly number[] } {
  return JSON.parse(Buffer.from(value, 'hex').toString()) as { count: number; openEffects: number[] }
}
