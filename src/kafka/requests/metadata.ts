import { ProtocolError } from '../errors.ts'
import type { Api, Request } from '../request.ts'
import { Writer } from '../wire.ts'

const METADATA: Api = { key: 3, name: 'Metadata', minVersion: 7, maxVersion: 7, flexibleFrom: 9 }

export interface PartitionMetadata {
  readonly errorCode: number
  readonly partition: number
  /** Node id, -1 while there is no leader. */
  readonly leader: number
  readonly replicas: readonly number[]
  readonly inSyncReplicas: readonly number[]
}

export interface TopicMetadata {
  readonly errorCode: number
  readonly topic: string
  readonly partitions: readonly PartitionMetadata[]
}

export interface ClusterMetadata {
  readonly nodes: readonly { readonly nodeId: number; readonly host: string; readonly port: number }[]
  /** -1 while there is none. */
  readonly controllerId: number
  readonly topics: readonly TopicMetadata[]
}

/** Nodes and leaders. Never creates a topic. A topic that is unknown says so by its own error code. */
export function metadata(topics: readonly string[]): Request<ClusterMetadata> {
  return {
    api: METADATA,
    encode: () => {
      const body = new Writer()
      body.array(topics, topic => body.string(topic)).boolean(false)
      return [body.finish()]
    },
    decode: reader => {
      reader.int32()
      const nodes = reader.array(() => {
        const node = { nodeId: reader.int32(), host: reader.string(), port: reader.int32() }
        reader.nullableString()
        return node
      })
      reader.nullableString()
      const controllerId = reader.int32()
      const described = reader.array(() => {
        const errorCode = reader.int16()
        const topic = reader.string()
        reader.boolean()
        const partitions = reader.array(() => {
          const partition = { errorCode: reader.int16(), partition: reader.int32(), leader: reader.int32() }
          reader.int32()
          const replicas = reader.array(() => reader.int32())
          const inSyncReplicas = reader.array(() => reader.int32())
          reader.array(() => reader.int32())
          return { ...partition, replicas, inSyncReplicas }
        })
        return { errorCode, topic, partitions }
      })
      const missing = topics.find(asked => !described.some(({ topic }) => topic === asked))
      if (missing !== undefined) throw new ProtocolError(`an answer to ${METADATA.name} does not name ${missing}`)
      return { nodes, controllerId, topics: described }
    },
  }
}
