import { ProtocolError } from '../errors.ts'
import type { Api, Request } from '../request.ts'
import { Writer } from '../wire.ts'
import type { Reader } from '../wire.ts'
import { saidOf } from '../askedPartition.ts'
import type { OfPartition } from '../askedPartition.ts'

const INIT_PRODUCER_ID: Api = { key: 22, name: 'InitProducerId', minVersion: 3, maxVersion: 5, flexibleFrom: 2 }
const ADD_PARTITIONS: Api = { key: 24, name: 'AddPartitionsToTxn', minVersion: 3, maxVersion: 3, flexibleFrom: 3 }
const ADD_OFFSETS: Api = { key: 25, name: 'AddOffsetsToTxn', minVersion: 3, maxVersion: 3, flexibleFrom: 3 }
const TXN_OFFSET_COMMIT: Api = { key: 28, name: 'TxnOffsetCommit', minVersion: 3, maxVersion: 5, flexibleFrom: 3 }
const END_TXN: Api = { key: 26, name: 'EndTxn', minVersion: 3, maxVersion: 5, flexibleFrom: 3 }

/** Request versions that make up each transaction protocol: the broker takes the version as the choice (KIP-890). */
export type TransactionProtocol = 'v1' | 'v2'

export interface ProducerIdentity {
  readonly producerId: bigint
  readonly epoch: number
}

/** -1 and -1: takes the transactional id over. The own id and epoch: proof that nobody did since (KIP-360). */
export const NO_IDENTITY: ProducerIdentity = { producerId: -1n, epoch: -1 }

export interface Answer {
  readonly errorCode: number
}

/** @param transactionalId null: an idempotent producer without transactions, of which nothing stays on the broker */
export function initProducerId(
  transactionalId: string | null,
  timeoutMs: number,
  identity: ProducerIdentity,
): Request<Answer & ProducerIdentity> {
  return {
    api: INIT_PRODUCER_ID,
    encode: () => {
      const body = new Writer().compactString(transactionalId).int32(timeoutMs)
      return [body.int64(identity.producerId).int16(identity.epoch).emptyTags().finish()]
    },
    decode: reader => {
      reader.int32()
      return readIdentity(INIT_PRODUCER_ID.name, reader.int16(), reader)
    },
  }
}

/**
 * Protocol v1 only: announces the partitions of each produce round before it. The first error of any is returned; one of
 * which the answer says nothing is not announced.
 */
export function addPartitionsToTransaction(
  transactionalId: string,
  identity: ProducerIdentity,
  partitions: ReadonlyMap<string, readonly number[]>,
): Request<Answer> {
  return {
    api: ADD_PARTITIONS,
    encode: () => {
      const body = new Writer().compactString(transactionalId).int64(identity.producerId).int16(identity.epoch)
      body.compactArray([...partitions], ([topic, numbers]) => {
        body.compactString(topic).compactArray(numbers, number => body.int32(number))
        body.emptyTags()
      })
      return [body.emptyTags().finish()]
    },
    decode: reader => {
      reader.int32()
      const said = readErrors(reader)
      for (const [topic, numbers] of partitions) {
        for (const partition of numbers) saidOf(ADD_PARTITIONS.name, said, topic, partition)
      }
      const errorCodes = said.map(({ errorCode }) => errorCode)
      // OPERATION_NOT_ATTEMPTED only says that another partition of the same request failed.
      return {
        errorCode: errorCodes.find(code => code !== 0 && code !== 55) ?? errorCodes.find(code => code !== 0) ?? 0,
      }
    },
  }
}

/** Protocol v1 only: announces the group whose offsets the transaction commits. */
export function addOffsetsToTransaction(
  transactionalId: string,
  identity: ProducerIdentity,
  groupId: string,
): Request<Answer> {
  return {
    api: ADD_OFFSETS,
    encode: () => {
      const body = new Writer().compactString(transactionalId).int64(identity.producerId).int16(identity.epoch)
      return [body.compactString(groupId).emptyTags().finish()]
    },
    decode: reader => {
      reader.int32()
      return { errorCode: reader.int16() }
    },
  }
}

export interface OffsetToCommit {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly metadata: string
}

/** Who commits, as the group knows it. A generation of -1 would switch the group's check off: it is never sent here. */
export interface Membership {
  readonly groupId: string
  readonly generation: number
  readonly memberId: string
  readonly instanceId: string | null
}

export function transactionalOffsetCommit(
  protocol: TransactionProtocol,
  transactionalId: string,
  identity: ProducerIdentity,
  membership: Membership,
  offset: OffsetToCommit,
): Request<Answer> {
  return {
    api: TXN_OFFSET_COMMIT,
    ...(protocol === 'v2' ? { minVersion: 5 } : { maxVersion: 3 }),
    encode: () => {
      const body = new Writer().compactString(transactionalId).compactString(membership.groupId)
      body.int64(identity.producerId).int16(identity.epoch)
      body.int32(membership.generation).compactString(membership.memberId).compactString(membership.instanceId)
      body.compactArray([offset], ({ topic, partition, offset: next, metadata }) => {
        body.compactString(topic).compactArray([partition], number => {
          body.int32(number).int64(next).int32(-1).compactString(metadata).emptyTags()
        })
        body.emptyTags()
      })
      return [body.emptyTags().finish()]
    },
    decode: reader => {
      reader.int32()
      const { errorCode } = saidOf(TXN_OFFSET_COMMIT.name, readErrors(reader), offset.topic, offset.partition)
      return { errorCode }
    },
  }
}

/** Protocol v2 answers the identity of the next transaction; v1 keeps the one it had. */
export function endTransaction(
  protocol: TransactionProtocol,
  transactionalId: string,
  identity: ProducerIdentity,
  verdict: 'commit' | 'abort',
): Request<Answer & ProducerIdentity> {
  return {
    api: END_TXN,
    ...(protocol === 'v2' ? { minVersion: 5 } : { maxVersion: 3 }),
    encode: () => {
      const body = new Writer().compactString(transactionalId).int64(identity.producerId).int16(identity.epoch)
      return [
        body
          .boolean(verdict === 'commit')
          .emptyTags()
          .finish(),
      ]
    },
    decode: (reader, version) => {
      reader.int32()
      const errorCode = reader.int16()
      if (version < 5 || errorCode !== 0) return { errorCode, ...identity }
      return readIdentity(END_TXN.name, errorCode, reader)
    },
  }
}

/** With success an answer gives an identity: one that gives none cannot be worked with. */
function readIdentity(api: string, errorCode: number, reader: Reader): Answer & ProducerIdentity {
  const identity = { producerId: reader.int64(), epoch: reader.int16() }
  if (errorCode === 0 && (identity.producerId < 0n || identity.epoch < 0)) {
    throw new ProtocolError(`an answer to ${api} gives no producer id and epoch`)
  }
  return { errorCode, ...identity }
}

/** The error codes of an answer, partition by partition. */
function readErrors(reader: Reader): readonly (OfPartition & Answer)[] {
  return reader
    .compactArray(() => {
      const topic = reader.compactString()
      const ofTopic = reader.compactArray(() => {
        const part = { topic, partition: reader.int32(), errorCode: reader.int16() }
        reader.tags()
        return part
      })
      reader.tags()
      return ofTopic
    })
    .flat()
}
