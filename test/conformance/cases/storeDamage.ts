import { open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { LocalStore } from '../../../src/store/localStore.ts'
import type { ChainRun } from '../../support/chain/harness.ts'
import type { ConformanceCase } from '../case.ts'
import { withChain } from './chain.ts'

const SMALL_SEGMENT_BYTES = 4 << 10
/** Of a segment's head, and more. */
const HEAD_BYTES = 64

/** The log of a store, its segments in their order. */
export async function segmentsOf(directory: string): Promise<string[]> {
  const names = await readdir(directory)
  return names
    .filter(name => name.endsWith('.log'))
    .sort()
    .map(name => join(directory, name))
}

const underRunningTask: ConformanceCase = {
  row: 'store-page',
  name: 'the local store is damaged under a running task: STORE_DAMAGED, opened again without what is damaged, exact',
  timeoutMs: 120_000,
  run: (site, faults) =>
    withChain(
      site,
      async run => {
        const first = run.start()
        await run.write(12)
        await run.expectExact()
        await first.stop()
        // It has read nothing of its store yet that it keeps.
        const worker = run.start()
        await run.untilRunning()
        for (const file of await segmentsOf(run.storeOf(0))) {
          const { size } = await stat(file)
          const handle = await open(file, 'r+')
          await handle.write(Buffer.alloc(size - HEAD_BYTES, 0xff), 0, size - HEAD_BYTES, HEAD_BYTES)
          await handle.close()
        }
        faults.add('local store damaged under a running task')
        await run.write(6)
        await run.until(30_000, 'the damage is seen', () => worker.log.includes('"code":"STORE_DAMAGED"'))
        await run.untilRunning()
        await run.expectExact()
        await run.stopAll()
      },
      // More than the one page that is in memory.
      { keys: 400 },
    ),
}

/** Writes to partition 0's store until its log has several segments, and closes it. */
async function intoSegments(run: ChainRun): Promise<string[]> {
  const directory = run.storeOf(0)
  const { store } = await LocalStore.open(directory, { segmentBytes: SMALL_SEGMENT_BYTES })
  const checkpoint = store.checkpoint()!
  const value = Buffer.alloc(500, 'x')
  for (let number = 0; (await segmentsOf(directory)).length < 4; number++) {
    if (number === 1_000) throw new Error('no segment was completed')
    await store.write(write => write.put(`more/${number}`, value, 0, value.length), checkpoint)
  }
  await store.close()
  const segments = await segmentsOf(directory)
  if (segments.length < 3) throw new Error('the store has too few segments')
  return segments
}

interface BrokenLog {
  readonly name: string
  readonly fault: string
  readonly breakIt: (segments: readonly string[], directory: string) => Promise<void>
}

const brokenLogs: readonly BrokenLog[] = [
  {
    name: 'a local store of several segments lost its first one: wiped, restored whole',
    fault: 'first of several segments deleted',
    breakIt: ([oldest]) => rm(oldest!),
  },
  {
    name: 'a local store of several segments is damaged inside one that is not the last: wiped, restored whole',
    fault: 'segment before the last damaged',
    breakIt: async ([, second], directory) => {
      const { size } = await stat(second!)
      const handle = await open(second!, 'r+')
      await handle.write(Buffer.from([0xff, 0x00, 0xff]), 0, 3, size >> 1)
      await handle.close()
      // Else the start does not walk through what the snapshot covers, and the damage is that of a page that is read.
      await rm(join(directory, 'index.snapshot'), { force: true })
    },
  },
]

const withBrokenLog = brokenLogs.map(({ name, fault, breakIt }): ConformanceCase => ({
  row: 'store-damage',
  name,
  timeoutMs: 120_000,
  run: (site, faults) =>
    withChain(site, async run => {
      const first = run.start()
      await run.write(12)
      await run.expectExact()
      await first.stop()
      await breakIt(await intoSegments(run), run.storeOf(0))
      faults.add(fault)
      await run.write(6)
      const worker = run.start()
      await run.expectExact()
      if (!worker.log.includes('local store could not be read: wiped'))
        throw new Error(`not seen: ${worker.describe()}`)
      await run.stopAll()
    }),
}))

export const storeDamageCases: readonly ConformanceCase[] = [underRunningTask, ...withBrokenLog]
