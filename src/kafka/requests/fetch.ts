import type { AbortedTransaction } from '../recordBatch.ts'
import type { Api, Request } from '../request.ts'
import { Writer } from '../wire.ts'
import { isolationNumber } from './offsets.ts'
import type { Isolation } from './offsets.ts'

/** The last version with topic names, without leader epochs that must be known, and usable without a session. */
const FETCH: Api = { key: 1, name: 'Fetch', minVersion: 11, maxVersion: 11, flexibleFrom: 12 }

export interface PartitionToFetch {
  readonly topic: string
  readonly partition: number
  readonly fromOffset: number
  readonly maxBytes: number
}

export interface FetchOptions {
  readonly isolation: Isolation
  readonly maxWaitMs: number
  readonly minBytes: number
  /** Of the whole response; the first batch of the first partition with data comes even where it is larger. */
  readonly maxBytes: number
}

export interface FetchedPartition {
  readonly topic: string
  readonly partition: number
  readonly errorCode: number
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly logStartOffset: number
  readonly aborted: readonly AbortedTransaction[]
  /** A slice of the response: whole batches, perhaps a part of one more. */
  readonly bytes: Buffer
}

export interface FetchResponse {
  readonly errorCode: number
  readonly partitions: readonly FetchedPartition[]
}

const NO_BYTES = Buffer.alloc(0)

export function fetchRecords(partitions: readonly PartitionToFetch[], options: FetchOptions): Request<FetchResponse> {
  return {
    api: FETCH,
    encode: () => {
      const body = new Writer().int32(-1).int32(options.maxWaitMs).int32(options.minBytes).int32(options.maxBytes)
      body.int8(isolationNumber(options.isolation)).int32(0).int32(-1)
      // In the order given, not grouped by topic: the broker fills the response in this order.
      body.array(partitions, ({ topic, partition, fromOffset, maxBytes }) => {
        body.string(topic).int32(1).int32(partition).int32(-1).int64(fromOffset).int64(-1).int32(maxBytes)
      })
      return [body.int32(0).string('').finish()]
    },
    decode: reader => {
      reader.int32()
      const errorCode = reader.int16()
      reader.int32()
      const fetched = reader.array(() => {
        const topic = reader.string()
        return reader.array(() => {
          const head = {
            topic,
            partition: reader.int32(),
            errorCode: reader.int16(),
            highWatermark: reader.safeInt64(),
            lastStableOffset: reader.safeInt64(),
            logStartOffset: reader.safeInt64(),
          }
          const aborted = reader.array(() => ({ producerId: reader.int64(), firstOffset: reader.safeInt64() }))
          reader.int32()
          return { ...head, aborted, bytes: reader.nullableBytes() ?? NO_BYTES }
        })
      })
      return { errorCode, partitions: fetched.flat() }
    },
  }
}
