import type { Api, Request } from '../request.ts'
import { Writer } from '../wire.ts'

/** The first version that tells what the caller may do, and not flexible yet. */
const METADATA: Api = { key: 3, name: 'Metadata', minVersion: 8, maxVersion: 8, flexibleFrom: 9 }

export interface TopicRights {
  readonly errorCode: number
  readonly topic: string
  /** One bit for each operation, by Kafka's number of it; see `operationsOf`. */
  readonly operations: number
}

/** What this principal may do with these topics. Needs DESCRIBE on them; creates none. */
export function topicRights(topics: readonly string[]): Request<readonly TopicRights[]> {
  return {
    api: METADATA,
    encode: () => {
      const body = new Writer()
      body.array(topics, topic => body.string(topic))
      return [body.boolean(false).boolean(false).boolean(true).finish()]
    },
    decode: reader => {
      reader.int32()
      reader.array(() => {
        reader.int32()
        reader.string()
        reader.int32()
        reader.nullableString()
      })
      reader.nullableString()
      reader.int32()
      return reader.array(() => {
        const errorCode = reader.int16()
        const topic = reader.string()
        reader.boolean()
        reader.array(() => {
          reader.int16()
          reader.int32()
          reader.int32()
          reader.int32()
          for (let list = 0; list < 3; list++) reader.array(() => reader.int32())
        })
        return { errorCode, topic, operations: reader.int32() }
      })
    },
  }
}
