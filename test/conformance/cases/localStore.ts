import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { LocalStore } from '../../../src/store/localStore.ts'
import type { ChainRun } from '../../support/chain/harness.ts'
import { truncateChangelog } from '../../support/chain/truncateChangelog.ts'
import type { ConformanceCase } from '../case.ts'
import { withChain } from './chain.ts'
import { damagedStores, runAndKill } from './damagedStores.ts'
import { failedWith, keepOffsets } from './topics.ts'
import { expectWarm, placesOf } from './warmth.ts'

const tooOld: ConformanceCase = {
  row: 'store',
  name: 'the local store is older than the tombstones of the changelog: wiped, restored whole',
  run: (site, faults) =>
    withChain(site, async run => {
      await runAndKill(run, faults)
      await run.write(10)
      const worker = run.start({ maxStoreAgeMs: 1, logLevel: 'info' })
      faults.add('local store too old', run.partitions)
      await run.expectExact()
      if (!worker.log.includes('local store is too old')) throw new Error(`not seen: ${worker.describe()}`)
      await run.stopAll()
    }),
}

const behindLogStart: ConformanceCase = {
  row: 'store',
  name: 'the local store is behind the log start of the changelog: CHANGELOG_LOST; once the loss is accepted wiped, restored',
  timeoutMs: 150_000,
  run: (site, faults) =>
    withChain(site, async run => {
      const first = run.start()
      await run.write(35, 20)
      await run.expectExact()
      await first.stop()
      const old = run.otherDirectory('old')
      await cp(join(run.stateDirectory, 'chain'), join(old, 'chain'), { recursive: true })
      const copiedAt = await run.ends(run.topics.changelog)
      // From here on every key is written anew, so nothing is lost with what is deleted.
      const second = run.start()
      await run.write(35, 20)
      await run.expectExact()
      await second.stop()
      await truncateChangelog(run, new Map([...copiedAt].map(([partition, end]) => [partition, end + 1])))
      faults.add('local store behind the log start', run.partitions)
      await run.write(10)
      const refused = run.start({ stateDirectory: old })
      await run.until(30_000, 'all stop', () => failedWith(refused, 'CHANGELOG_LOST').length === run.partitions)
      await refused.stop()
      await keepOffsets(run)
      faults.add('offset moved by hand to where it was', run.partitions)
      const worker = run.start({ stateDirectory: old, logLevel: 'info' })
      await run.expectExact()
      if (!worker.log.includes('local store is too old')) throw new Error(`not seen: ${worker.describe()}`)
      await run.stopAll()
    }),
}

/** Rewrites the checkpoint of partition 0's store. */
async function setCheckpoint(run: ChainRun, change: { changelogPosition?: number; stateVersion?: number }) {
  const { store } = await LocalStore.open(run.storeOf(0))
  const checkpoint = store.checkpoint()
  if (checkpoint === null) throw new Error('no checkpoint')
  await store.write(() => undefined, { ...checkpoint, ...change })
  await store.close()
}

const refusals = [
  { code: 'STATE_AHEAD_OF_CHANGELOG', what: 'ahead of the changelog', change: { changelogPosition: 1_000_000 } },
  { code: 'STATE_TOO_NEW', what: 'of a newer release', change: { stateVersion: 7 } },
].map(({ code, what, change }): ConformanceCase => ({
  row: code === 'STATE_TOO_NEW' ? 'release' : 'store',
  name: `the local store is ${what}: ${code}, and the other tasks go on`,
  run: (site, faults) =>
    withChain(site, async run => {
      const first = run.start()
      await run.write(20, 20)
      await run.expectExact()
      await first.stop()
      await setCheckpoint(run, change)
      faults.add(`local store ${what}`)
      await run.write(10)
      const worker = run.start()
      await run.until(30_000, 'partition 0 stops', () => failedWith(worker, code).includes(0))
      await run.expectExact(30_000, new Set([1, 2, 3]))
      await run.stopAll()
      // The remedy that the message names.
      await rm(run.storeOf(0), { recursive: true })
      run.start()
      await run.expectExact()
      await run.stopAll()
    }),
}))

const diskFull: ConformanceCase = {
  row: 'store-full',
  name: 'the volume of the local store is full: commits go on, and the changelog refills it later',
  run: (site, faults) =>
    withChain(
      site,
      async run => {
        const full = run.start({}, 16)
        await run.write(40, 200)
        await run.expectExact()
        await run.until(20_000, 'the store has refused a write', () =>
          full.log.includes('local store cannot be written'),
        )
        faults.add('local store cannot be written')
        if (full.commits.lost > 0) throw new Error(`commits were lost: ${full.describe()}`)
        await full.kill()
        await run.write(10)
        run.start()
        await run.expectExact()
        await run.stopAll()
      },
      { keys: 400 },
    ),
}

/** What a store holds besides its checkpoint. */
async function contentOf(directory: string): Promise<string[]> {
  const { store, wiped } = await LocalStore.open(directory)
  if (wiped !== null) throw wiped
  const lines: string[] = []
  for await (const [key, value] of store.entries('')) {
    if (!key.startsWith('\u0000')) lines.push(`${key}=${value.toString('hex')}`)
  }
  await store.close()
  return lines.sort()
}

const warmEqualsCold: ConformanceCase = {
  row: 'after-4',
  name: 'after kills between all steps the local store equals one restored from the changelog alone, byte for byte',
  timeoutMs: 180_000,
  run: (site, faults) =>
    withChain(site, async run => {
      const kills = async () => {
        for (const step of ['produced', 'committed', 'stored', 'effects-started'] as const) {
          for (const count of [5, 30]) {
            await run.endOf(run.start({ instanceId: 'pod-0', fault: { does: 'kill', step, count } }))
            faults.add('SIGKILL')
          }
        }
      }
      await run.writeUntil(kills(), 60)
      const places = await placesOf(run)
      const last = run.start({ instanceId: 'pod-0', logLevel: 'info' })
      await run.untilRunning()
      expectWarm(last, places)
      await run.expectExact()
      await run.stopAll()
      const cold = run.otherDirectory('cold')
      run.start({ instanceId: 'pod-0', stateDirectory: cold })
      await run.untilRunning()
      await run.stopAll()
      for (let partition = 0; partition < run.partitions; partition++) {
        const [warm, restored] = await Promise.all([
          contentOf(run.storeOf(partition)),
          contentOf(run.storeOf(partition, cold)),
        ])
        if (warm.length === 0) throw new Error(`the store of partition ${partition} is empty`)
        const differing = warm.filter((line, index) => line !== restored[index])
        if (differing.length > 0 || warm.length !== restored.length) {
          throw new Error(
            `partition ${partition}: ${warm.length} and ${restored.length} entries; ${differing[0] ?? ''}`,
          )
        }
      }
    }),
}

export const localStoreCases: readonly ConformanceCase[] = [
  damagedStores,
  tooOld,
  behindLogStart,
  ...refusals,
  diskFull,
  warmEqualsCold,
]
