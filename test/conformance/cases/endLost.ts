import { open, readdir, rm, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import type { KafkaCluster } from '../../support/kafkaCluster.ts'
import type { ConformanceCase } from '../case.ts'
import { withChain } from './chain.ts'
import { expectOneLine, expectUntouched, failedWith, others } from './topics.ts'

/** Of a batch: its base offset and its length come first. */
const BATCH_HEAD_BYTES = 12

/** Where the batches of a log segment begin, and its end. */
async function boundariesOf(file: string): Promise<number[]> {
  const handle = await open(file)
  try {
    const bytes = await handle.readFile()
    const found: number[] = []
    for (let at = 0; at < bytes.length; at += BATCH_HEAD_BYTES + bytes.readInt32BE(at + 8)) found.push(at)
    return [...found, bytes.length]
  } finally {
    await handle.close()
  }
}

/** Cuts the second half off the log of a partition that has one segment, while its broker is down. */
async function cutLog(directory: string): Promise<void> {
  const names = await readdir(directory)
  const [log, ...more] = names.filter(name => name.endsWith('.log'))
  if (log === undefined || more.length > 0) throw new Error(`not one segment: ${names.join(', ')}`)
  const boundaries = await boundariesOf(join(directory, log))
  await truncate(join(directory, log), boundaries[boundaries.length >> 1])
  // The broker makes them anew; they know places that are gone.
  for (const name of names.filter(name => /\.(index|timeindex|snapshot)$/.test(name))) await rm(join(directory, name))
}

/** What an unclean election, or a broker that lost its disk's last writes, makes of a changelog. */
export function endLostCases(cluster: () => KafkaCluster): readonly ConformanceCase[] {
  const endLost: ConformanceCase = {
    row: 'restore',
    name: 'the changelog lost only its end: CHANGELOG_LOST, with and without a local store, and the others go on',
    timeoutMs: 240_000,
    run: (site, faults) =>
      withChain(site, async run => {
        const first = run.start()
        await run.write(20, 50)
        await run.expectExact()
        await first.stop()
        const before = await run.ends(run.topics.output)
        const whole = (await run.ends(run.topics.changelog)).get(0) ?? 0
        await cluster().shutDown(0)
        await cutLog(join(cluster().dataDirectory(0), `${run.topics.changelog}-0`))
        await cluster().restart(0)
        await run.until(60_000, 'the changelog has a leader, and ends earlier', async () => {
          const left = await run.ends(run.topics.changelog).catch(() => null)
          return left !== null && left.get(0)! > 0 && left.get(0)! < whole
        })
        faults.add('end of the changelog lost')
        for (const directory of [run.otherDirectory('cold'), run.stateDirectory]) {
          const worker = run.start({ stateDirectory: directory })
          await run.until(60_000, 'partition 0 stops', () => failedWith(worker, 'CHANGELOG_LOST').includes(0))
          await run.untilRunning(30_000, run.partitions - 1)
          await run.write(4)
          await run.expectExact(30_000, others(run))
          await expectOneLine(worker, 'CHANGELOG_LOST')
          await worker.stop()
        }
        await expectUntouched(run, before, [0])
      }),
  }
  return [endLost]
}
