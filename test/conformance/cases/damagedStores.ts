import { open, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ChainRun, Worker } from '../../support/chain/harness.ts'
import type { ConformanceCase, Faults } from '../case.ts'
import { withChain } from './chain.ts'
import { placesOf } from './warmth.ts'

const WIPED = 'local store could not be read: wiped'

/** Files of one store directory whose names end so. */
async function filesOf(directory: string, end: string): Promise<string[]> {
  return (await readdir(directory)).filter(name => name.endsWith(end)).map(name => join(directory, name))
}

/** Changes bytes in the middle of a file. */
async function garble(file: string): Promise<void> {
  const { size } = await stat(file)
  const handle = await open(file, 'r+')
  await handle.write(Buffer.from([0xff, 0x00, 0xff]), 0, 3, size >> 1)
  await handle.close()
}

interface Damage {
  readonly name: string
  /** What the start makes of it; `cut` and `gone` say nothing, and cost records that are read again. */
  readonly seen: 'wiped' | 'cut' | 'gone' | 'whole'
  readonly damage: (directory: string) => Promise<void>
}

const damages: readonly Damage[] = [
  { name: 'deleted', seen: 'gone', damage: directory => rm(directory, { recursive: true }) },
  {
    name: 'without its first segment',
    seen: 'gone',
    damage: async directory => {
      await rm((await filesOf(directory, '.log')).sort()[0]!)
    },
  },
  {
    name: 'with garbage for a segment',
    seen: 'wiped',
    damage: async directory => {
      for (const file of await filesOf(directory, '.log')) await writeFile(file, 'garbage')
    },
  },
  {
    name: 'of a format that is not known',
    seen: 'wiped',
    damage: async directory => {
      for (const file of await filesOf(directory, '.log')) {
        const handle = await open(file, 'r+')
        await handle.write(Buffer.from([0xff]), 0, 1, 6)
        await handle.close()
      }
    },
  },
  {
    name: 'with a log cut in half',
    seen: 'cut',
    damage: async directory => {
      for (const file of await filesOf(directory, '.log')) await truncate(file, (await stat(file)).size >> 1)
    },
  },
  {
    name: 'with a segment of nothing behind its last',
    seen: 'whole',
    damage: directory => writeFile(join(directory, '00000009.log'), Buffer.alloc(100)),
  },
  {
    name: 'with a flipped byte in the middle of its log',
    seen: 'cut',
    damage: async directory => {
      for (const file of await filesOf(directory, '.log')) await garble(file)
    },
  },
]

/** Leaves stores of several flushes, without a clean end. */
export async function runAndKill(run: ChainRun, faults: Faults): Promise<void> {
  const first = run.start()
  // Over several flushes of the store.
  await run.write(50, 100)
  await run.expectExact()
  await first.kill()
  faults.add('SIGKILL')
}

/** Throws where the worker has not seen the damage of this partition, or where it has given up more than that. */
function expectSeen(worker: Worker, partition: number, [at, end]: readonly [at: number, end: number]): void {
  const { name, seen } = damages[partition] ?? { name: 'whole', seen: 'whole' }
  const { restoredRecords = 0 } = worker.tasks.find(task => task.partition === partition) ?? {}
  const readAgain = restoredRecords > end - at
  const isWiped = worker.log
    .split('\n')
    .some(line => line.includes(`"partition":${partition},`) && line.includes(WIPED))
  if (readAgain !== (seen !== 'whole') || isWiped !== (seen === 'wiped')) {
    const found = `read ${restoredRecords} records of ${end - at} behind its store, ${isWiped ? '' : 'not '}wiped`
    throw new Error(`the local store ${name} (partition ${partition}) ${found}: ${worker.describe()}`)
  }
}

/** Partition n is damaged in the n-th way; the last one stays whole. */
export const damagedStores: ConformanceCase = {
  row: 'store-damage',
  name: `local stores that are ${damages.map(({ name }) => name).join(', ')}`,
  timeoutMs: 120_000,
  run: (site, faults) =>
    withChain(
      site,
      async run => {
        await runAndKill(run, faults)
        const places = await placesOf(run)
        for (const [partition, { name, damage }] of damages.entries()) {
          await damage(run.storeOf(partition))
          faults.add(`local store ${name}`)
        }
        await run.write(10)
        const worker = run.start()
        await run.untilRunning()
        for (const partition of places.keys()) expectSeen(worker, partition, places.get(partition)!)
        await run.expectExact()
        await run.stopAll()
      },
      { partitions: damages.length + 1, keys: 80 },
    ),
}
