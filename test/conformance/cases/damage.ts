import { Reader } from '../../../src/kafka/wire.ts'
import { fetchRecords } from '../../../src/kafka/requests/fetch.ts'
import type { ConformanceCase } from '../case.ts'
import { behindProxy } from './behindProxy.ts'
import { withChain } from './chain.ts'
import { failedWith, others } from './topics.ts'

const CORRUPT = 'CORRUPT_BATCH'
/** Length prefix and correlation id. */
const FRAME_HEAD_BYTES = 8
const anyFetch = fetchRecords([], { isolation: 'read_committed', maxWaitMs: 0, minBytes: 0, maxBytes: 0 })

/** Flips a bit in the last record of what a fetch brought of one partition. True where it brought something. */
function damageRecords(answer: Buffer, topic: string, partition: number): boolean {
  const { partitions } = anyFetch.decode(new Reader(answer, FRAME_HEAD_BYTES), anyFetch.api.maxVersion)
  const fetched = partitions.find(one => one.topic === topic && one.partition === partition)
  if (fetched === undefined || fetched.bytes.length === 0) return false
  fetched.bytes[fetched.bytes.length - 3]! ^= 0x20
  return true
}

const damagedInput: ConformanceCase = {
  row: 'offset',
  name: 'a batch of the input comes damaged: CORRUPT_BATCH where it is, nothing is skipped, the others go on, and it is read when it is sound again',
  timeoutMs: 180_000,
  run: (site, faults) =>
    withChain(site, run =>
      behindProxy(run, site, async (proxy, worker) => {
        await run.untilRunning()
        await run.write(4)
        await run.expectExact()
        const end = (await run.ends(run.topics.input)).get(0) ?? 0
        const damage = (answer: Buffer) => {
          if (damageRecords(answer, run.topics.input, 0)) faults.add('damaged fetch')
        }
        proxy.lose({ api: 'Fetch', on: 'response', action: 'damage', damage })
        await run.write(4)
        await run.until(30_000, 'partition 0 stops', () => failedWith(worker, CORRUPT).includes(0))
        await run.expectExact(40_000, others(run))
        const message =
          /-0: the record batch at offset (\d+) has a wrong checksum.*Who runs the Kafka cluster must/.exec(worker.log)
        if (message === null || Number(message[1]) < end || !message.input.includes(`"code":"${CORRUPT}"`)) {
          throw new Error(`the log does not say where and who must act: ${worker.log}`)
        }
      }),
    ),
}

export const damageCases: readonly ConformanceCase[] = [damagedInput]
