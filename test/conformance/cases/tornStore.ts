import { open, stat, truncate } from 'node:fs/promises'
import type { ConformanceCase } from '../case.ts'
import type { Row } from '../rows.ts'
import { withChain } from './chain.ts'
import { segmentsOf } from './storeDamage.ts'
import { expectWarm, placesOf } from './warmth.ts'

/** Less than the smallest page. */
const TORN_BYTES = 5
/** A sector that never reached the disk, while what was written after it did. */
const LOST_BYTES = 512

interface Tear {
  readonly row: Row
  readonly name: string
  readonly fault: string
  /** Does it to the last segment of a partition's store. */
  readonly tear: (file: string, size: number, partition: number) => Promise<void>
}

async function zero(file: string, from: number, bytes: number): Promise<void> {
  const handle = await open(file, 'r+')
  await handle.write(Buffer.alloc(bytes), 0, bytes, from)
  await handle.close()
}

const tears: readonly Tear[] = [
  {
    row: 'store-died',
    name: 'the process dies in the middle of a write to the local store: what is torn is cut off, the rest goes on',
    fault: 'last write to the local store torn',
    tear: (file, size) => truncate(file, size - TORN_BYTES),
  },
  {
    row: 'store-torn',
    name: 'the operating system dies, writes to the local store are lost or torn: an earlier state, an earlier checkpoint',
    fault: 'writes to the local store lost',
    tear: (file, size, partition) =>
      partition % 2 === 0 ? truncate(file, size >> 1) : zero(file, size >> 1, Math.min(LOST_BYTES, size >> 2)),
  },
]

export const tornStoreCases: readonly ConformanceCase[] = tears.map(({ row, name, fault, tear }) => ({
  row,
  name,
  run: (site, faults) =>
    withChain(site, async run => {
      const first = run.start()
      // Over several flushes of the store.
      await run.write(50, 100)
      await run.expectExact()
      await first.kill()
      faults.add('SIGKILL')
      const whole = await placesOf(run)
      for (let partition = 0; partition < run.partitions; partition++) {
        const file = (await segmentsOf(run.storeOf(partition))).at(-1)
        if (file === undefined) throw new Error(`partition ${partition} has no store`)
        await tear(file, (await stat(file)).size, partition)
        faults.add(fault)
      }
      const places = await placesOf(run)
      for (const [partition, [at]] of places) {
        if (at >= whole.get(partition)![0]) throw new Error(`the store of partition ${partition} has lost nothing`)
      }
      const worker = run.start({ logLevel: 'info' })
      await run.untilRunning()
      expectWarm(worker, places)
      const replayed = worker.tasks.filter(({ restoredRecords }) => restoredRecords > 0)
      if (replayed.length < run.partitions) throw new Error(`not all was read again: ${worker.describe()}`)
      await run.write(10)
      await run.expectExact()
      await run.stopAll()
    }),
}))
