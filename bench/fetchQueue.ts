/**
 * What a queued chunk costs: a response of 8 MiB is shared by 32 partitions, of each 256 KiB, which are accepted (checked
 * and queued) and taken again. `node bench/fetchQueue.ts`.
 */
import { BatchBuilder } from '../src/kafka/batchBuilder.ts'
import type { FetchedPartition } from '../src/kafka/requests/fetch.ts'
import { SubscribedPartition } from '../src/kafka/subscription.ts'

const PARTITIONS = 32
const SLICE_BYTES = 256 << 10
const RESPONSES = 200

const text = {
  encode: (value: string, buffer: Buffer, position: number): number => {
    if (position + value.length <= buffer.length) buffer.write(value, position, 'latin1')
    return position + value.length
  },
}

function batch(): Buffer {
  const builder = new BatchBuilder()
  const value = 'x'.repeat(400)
  while (builder.sizeBytes < SLICE_BYTES - 1_000) builder.append(1_000, Buffer.from('user-1'), value, text)
  return Buffer.from(builder.finish(-1n, -1, -1, { transactional: false }))
}

const ignore = (): void => undefined
const one = batch()
const response = Buffer.concat(Array.from({ length: PARTITIONS }, () => one))
const ends = { highWatermark: 1 << 30, lastStableOffset: 1 << 30, logStartOffset: 0 }
let elapsedMs = 0
for (let round = -20; round < RESPONSES; round++) {
  const startedMs = performance.now()
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const at = { topic: 'in', partition, fromOffset: 0 }
    const subscription = new SubscribedPartition(at, 512 << 10, { onReady: ignore, onRoom: ignore, onClose: ignore })
    const bytes = response.subarray(partition * one.length, (partition + 1) * one.length)
    const fetched: FetchedPartition = { topic: 'in', partition, errorCode: 0, ...ends, aborted: [], bytes }
    subscription.accept(fetched, 0, partition === 0)
    subscription.take()
  }
  if (round >= 0) elapsedMs += performance.now() - startedMs
}
const slices = RESPONSES * PARTITIONS
const gigabytes = (slices * one.length) / 1e9
process.stdout.write(
  `${(elapsedMs / slices).toFixed(4)} ms for ${one.length >> 10} KiB of a response of ${response.length >> 20} MiB, ` +
    `${(gigabytes / (elapsedMs / 1e3)).toFixed(2)} GB/s\n`,
)
