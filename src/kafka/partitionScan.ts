import type { Cluster } from './cluster.ts'
import { Fetcher } from './fetcher.ts'
import { scanRecords } from './recordBatch.ts'
import type { RecordView } from './recordBatch.ts'

/** What a tool reads of one partition. */
export interface PartitionScan {
  readonly topic: string
  readonly partition: number
  readonly fromOffset: number
  /** Where it ends: the last stable offset of some moment. Left out: it goes on as the log grows. */
  readonly untilOffset?: number
  /** Which records are given. Called for each one: must be cheap and must not keep the view. */
  readonly keep: (record: RecordView) => boolean
  readonly signal: AbortSignal
}

/** A tool reads much at once, and one partition only. */
const PARTITION_MAX_BYTES = 4 << 20

/**
 * Committed records of one partition in the order of the log, those of one fetch at a time; an empty list where a fetch
 * brought none that are kept. For tools: no group, no offsets committed.
 *
 * @throws KafkaError where the position is outside of the log; the signal's reason when it aborts
 */
export async function* scanPartition(cluster: Cluster, scan: PartitionScan): AsyncGenerator<readonly RecordView[]> {
  const { topic, partition, fromOffset, untilOffset = Number.POSITIVE_INFINITY, keep, signal } = scan
  if (fromOffset >= untilOffset) return
  const fetcher = new Fetcher(cluster, { partitionMaxBytes: PARTITION_MAX_BYTES, queueBytes: 2 * PARTITION_MAX_BYTES })
  let wake: () => void = () => undefined
  const onAbort = (): void => wake()
  signal.addEventListener('abort', onAbort)
  const subscription = fetcher.subscribe(topic, partition, fromOffset, () => wake())
  try {
    for (let position = fromOffset; position < untilOffset;) {
      signal.throwIfAborted()
      if (subscription.failure !== undefined) throw subscription.failure
      const chunk = subscription.take()
      if (chunk === undefined) {
        await new Promise<void>(resolve => {
          wake = resolve
        })
        continue
      }
      const found: RecordView[] = []
      const visit = (record: RecordView): false | undefined => {
        if (record.offset >= untilOffset) return false
        if (keep(record)) found.push(copyOf(record))
      }
      position = scanRecords(chunk.bytes, position, chunk.aborted, visit, chunk.source)
      yield found
    }
  } finally {
    signal.removeEventListener('abort', onAbort)
    subscription.close()
    await fetcher.close()
  }
}

/** In a buffer of its own: a few records of many fetches must not keep all of these in memory. */
function copyOf(record: RecordView): RecordView {
  const base = record.keyStart
  const copy = record.clone()
  copy.buffer = Buffer.from(record.buffer.subarray(base, record.recordEnd))
  copy.keyStart = 0
  copy.keyEnd = record.keyEnd < 0 ? -1 : record.keyEnd - base
  copy.valueStart = record.valueStart - base
  copy.valueEnd = record.valueEnd < 0 ? -1 : record.valueEnd - base
  copy.headersStart = record.headersStart - base
  copy.recordEnd = record.recordEnd - base
  return copy
}
