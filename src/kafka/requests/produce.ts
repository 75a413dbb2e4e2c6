import type { Api, Request } from '../request.ts'
import { Writer } from '../wire.ts'
import type { TransactionProtocol } from './transactions.ts'

const PRODUCE: Api = { key: 0, name: 'Produce', minVersion: 9, maxVersion: 12, flexibleFrom: 9 }
const ALL_IN_SYNC_REPLICAS = -1

/** One finished record batch on its way to its partition. */
export interface BatchToProduce {
  readonly topic: string
  readonly partition: number
  readonly batch: Buffer
}

export interface ProducedBatch {
  readonly topic: string
  readonly partition: number
  readonly errorCode: number
  readonly errorMessage: string | null
  readonly baseOffset: number
}

/** One batch per partition, to one leader. The batches are not copied: they must not change until the answer is there. */
export function produce(
  protocol: TransactionProtocol,
  transactionalId: string | null,
  batches: readonly BatchToProduce[],
  timeoutMs: number,
): Request<readonly ProducedBatch[]> {
  return {
    api: PRODUCE,
    ...(protocol === 'v2' ? { minVersion: 12 } : { maxVersion: 11 }),
    encode: () => {
      const byTopic = Map.groupBy(batches, ({ topic }) => topic)
      const parts: Buffer[] = []
      let body = new Writer(128).compactString(transactionalId).int16(ALL_IN_SYNC_REPLICAS).int32(timeoutMs)
      body.unsignedVarint(byTopic.size + 1)
      for (const [topic, ofTopic] of byTopic) {
        body.compactString(topic).unsignedVarint(ofTopic.length + 1)
        for (const { partition, batch } of ofTopic) {
          parts.push(
            body
              .int32(partition)
              .unsignedVarint(batch.length + 1)
              .finish(),
            batch,
          )
          body = new Writer(64).emptyTags()
        }
        body.emptyTags()
      }
      parts.push(body.emptyTags().finish())
      return parts
    },
    decode: reader =>
      reader
        .compactArray(() => {
          const topic = reader.compactString()
          const ofTopic = reader.compactArray(() => {
            const partition = reader.int32()
            const errorCode = reader.int16()
            const baseOffset = reader.safeInt64()
            reader.safeInt64()
            reader.safeInt64()
            reader.compactArray(() => {
              reader.int32()
              reader.nullableCompactString()
              reader.tags()
            })
            const errorMessage = reader.nullableCompactString()
            reader.tags()
            return { topic, partition, errorCode, errorMessage, baseOffset }
          })
          reader.tags()
          return ofTopic
        })
        .flat(),
  }
}
