import type { ConformanceCase } from '../case.ts'
import { behindProxy } from './behindProxy.ts'
import { withChain } from './chain.ts'

/** Behind a partition's topic in an OffsetFetch answer: one partition, and its number. */
const OFFSET_BEHIND_NAME = 1 + 4

/** Makes an OffsetFetch answer say that the group has committed nothing. The partition, null where that is no lie. */
function sayNone(answer: Buffer, topic: string): number | null {
  const name = answer.indexOf(topic)
  if (name < 0) return null
  const at = name + Buffer.byteLength(topic) + OFFSET_BEHIND_NAME
  if (answer.readBigInt64BE(at) < 0n) return null
  answer.writeBigInt64BE(-1n, at)
  return answer.readInt32BE(at - 4)
}

/** What a coordinator that resigns says of every group (KAFKA-20416): believed, a partition begins anew or stops. */
const saidOnce: ConformanceCase = {
  row: 'offset',
  name: 'the coordinator says once that nothing was committed: not believed before it has said so twice, and exact',
  timeoutMs: 120_000,
  run: (site, faults) =>
    withChain(site, async run => {
      const first = run.start()
      await run.write(8)
      await run.expectExact()
      await first.stop()
      await run.write(8)
      await behindProxy(run, site, async (proxy, worker) => {
        const told = new Set<number>()
        const damage = (answer: Buffer) => {
          const copy = Buffer.from(answer)
          const partition = sayNone(copy, run.topics.input)
          if (partition === null || told.has(partition)) return
          told.add(partition)
          copy.copy(answer)
          faults.add('OffsetFetch answer says that there is none')
        }
        proxy.lose({ api: 'OffsetFetch', on: 'response', action: 'damage', damage })
        await run.until(60_000, 'each partition was told so', () => told.size === run.partitions)
        await run.untilRunning(60_000)
        if (worker.log.includes('OFFSET_MISSING')) throw new Error(`it was believed: ${worker.describe()}`)
      })
    }),
}

export const noneCommittedCases: readonly ConformanceCase[] = [saidOnce]
