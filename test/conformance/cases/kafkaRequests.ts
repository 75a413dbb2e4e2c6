import { Cluster } from '../../../src/kafka/cluster.ts'
import type { Api, Request } from '../../../src/kafka/request.ts'
import { Writer } from '../../../src/kafka/wire.ts'

const OFFSET_COMMIT: Api = { key: 8, name: 'OffsetCommit', minVersion: 7, maxVersion: 7, flexibleFrom: 8 }
const DESCRIBE_TRANSACTIONS: Api = {
  key: 65,
  name: 'DescribeTransactions',
  minVersion: 0,
  maxVersion: 0,
  flexibleFrom: 0,
}
const DESCRIBE_PRODUCERS: Api = { key: 61, name: 'DescribeProducers', minVersion: 0, maxVersion: 0, flexibleFrom: 0 }
const TRANSACTIONAL_ID_NOT_FOUND = 105

/** Requests of this suite to the cluster behind `brokers`, with connections of their own. */
export async function withCluster<T>(brokers: string, body: (cluster: Cluster) => Promise<T>): Promise<T> {
  const cluster = await Cluster.connect({ brokers: brokers.split(','), clientId: 'conformance' })
  try {
    return await body(cluster)
  } finally {
    await cluster.close()
  }
}

export interface ForeignCommit {
  readonly groupId: string
  readonly generation: number
  readonly memberId: string
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly metadata: string
}

/** Commits an offset in the name of a member of the group, beside the member itself. The error code of the answer. */
export async function commitInTheNameOf(cluster: Cluster, commit: ForeignCommit): Promise<number> {
  const request: Request<number> = {
    api: OFFSET_COMMIT,
    encode: () => {
      const body = new Writer().string(commit.groupId).int32(commit.generation).string(commit.memberId).string(null)
      body.int32(1).string(commit.topic).int32(1).int32(commit.partition)
      return [body.int64(commit.offset).int32(-1).string(commit.metadata).finish()]
    },
    decode: reader => {
      reader.int32()
      const codes = reader.array(() => {
        reader.string()
        return reader.array(() => {
          reader.int32()
          return reader.int16()
        })
      })
      return codes.flat()[0] ?? -1
    },
  }
  return cluster.call(await cluster.coordinator('group', commit.groupId), 'admin', request)
}

/** Whether the coordinator has forgotten a transactional id. */
export async function isForgotten(cluster: Cluster, transactionalId: string): Promise<boolean> {
  const request: Request<number> = {
    api: DESCRIBE_TRANSACTIONS,
    encode: () => {
      const body = new Writer()
      body.compactArray([transactionalId], id => body.compactString(id))
      return [body.emptyTags().finish()]
    },
    decode: reader => {
      reader.int32()
      // Of the one description only how it begins is needed.
      let code = -1
      reader.compactArray(() => {
        code = reader.int16()
        reader.compactString()
        reader.compactString()
        reader.int32()
        reader.int64()
        reader.int64()
        reader.int16()
        reader.compactArray(() => {
          reader.compactString()
          reader.compactArray(() => reader.int32())
          reader.tags()
        })
        reader.tags()
      })
      return code
    },
  }
  const node = await cluster.coordinator('transaction', transactionalId)
  return (await cluster.call(node, 'admin', request)) === TRANSACTIONAL_ID_NOT_FOUND
}

/** What the leader of a partition knows of a producer that has written to it. */
export interface ProducerState {
  readonly producerId: bigint
  readonly epoch: number
  readonly lastSequence: number
}

/** The producers of which the leader of a partition knows the last sequence number. Throws for an error in the answer. */
export async function producersOf(cluster: Cluster, topic: string, partition: number): Promise<ProducerState[]> {
  const request: Request<ProducerState[]> = {
    api: DESCRIBE_PRODUCERS,
    encode: () => {
      const body = new Writer()
      body.compactArray([topic], name => {
        body.compactString(name).compactArray([partition], number => body.int32(number))
        body.emptyTags()
      })
      return [body.emptyTags().finish()]
    },
    decode: reader => {
      reader.int32()
      const ofTopics = reader.compactArray(() => {
        reader.compactString()
        const ofPartitions = reader.compactArray(() => {
          reader.int32()
          const code = reader.int16()
          if (code !== 0) throw new Error(`the producers of ${topic}-${partition} are answered with ${code}`)
          reader.nullableCompactString()
          const states = reader.compactArray(() => {
            const state = { producerId: reader.int64(), epoch: reader.int32(), lastSequence: reader.int32() }
            // When it wrote last, the coordinator's epoch, where an open transaction begins.
            reader.int64()
            reader.int32()
            reader.int64()
            reader.tags()
            return state
          })
          reader.tags()
          return states
        })
        reader.tags()
        return ofPartitions.flat()
      })
      return ofTopics.flat()
    },
  }
  return cluster.call(await cluster.leaderOf(topic, partition), 'admin', request)
}
