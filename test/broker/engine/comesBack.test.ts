import { rm } from 'node:fs/promises'
import { expect, inject, it } from 'vitest'
import { ChainRun } from '../../support/chain/harness.ts'
import type { Worker } from '../../support/chain/harness.ts'

const PARTITIONS = 6

it(
  'an instance that comes back to its directory under a new member id is given the partitions whose stores are there',
  { timeout: 180_000 },
  async () => {
    const run = await ChainRun.create(inject('brokers'), { partitions: PARTITIONS })
    try {
      const directory = run.otherDirectory('comes-back')
      const first = run.start({ stateDirectory: directory })
      await run.untilRunning()
      const others = ['one', 'two'].map(name => run.start({ stateDirectory: run.otherDirectory(name) }))
      await shared(run, [first, ...others])
      await run.write(60)
      await run.untilInputDone()
      const held = partitionsOf(first)
      expect(await first.stop()).toBe(0)
      // Of what it held before the others came nothing is left: only then it says which stores it was given for.
      for (let partition = 0; partition < PARTITIONS; partition++) {
        if (!held.includes(partition)) await rm(run.storeOf(partition, directory), { recursive: true, force: true })
      }
      await shared(run, others)
      await run.write(3)
      await run.untilInputDone()

      const back = run.start({ stateDirectory: directory })
      await shared(run, [back, ...others])
      expect(partitionsOf(back)).toEqual(held)
      const changelogEnds = await run.ends(run.topics.changelog)
      for (const { partition, restoredRecords } of back.tasks) {
        expect(restoredRecords, `partition ${partition}`).toBeGreaterThan(0)
        expect(restoredRecords, `partition ${partition}`).toBeLessThan(changelogEnds.get(partition)! / 3)
      }
      await run.expectExact()
      await run.stopAll()
    } finally {
      await run.close()
    }
  },
)

/** Waits until all partitions run, in equal shares. */
async function shared(run: ChainRun, workers: readonly Worker[]): Promise<void> {
  await run.until(60_000, 'each has its share', () =>
    workers.every(({ running, tasks }) => running === PARTITIONS / workers.length && tasks.length === running),
  )
}

function partitionsOf(worker: Worker): number[] {
  return worker.tasks.map(({ partition }) => partition).toSorted((a, b) => a - b)
}
