import type { TopicPartition } from './assignment.ts'
import { ProtocolError } from './errors.ts'
import { Reader, Writer } from './wire.ts'

/**
 * What members tell the leader and get from it, in the outer form of Kafka's own consumers (ConsumerProtocolSubscription
 * and ConsumerProtocolAssignment, version 0), so that Kafka's tools can show the group. What is ours is in the user data
 * of the subscription.
 */
export interface MemberSubscription {
  readonly topics: readonly string[]
  readonly owned: readonly TopicPartition[]
  readonly warm: readonly TopicPartition[]
  readonly generation: number
  /** Where the member's admin server is reached; absent where it does not say. */
  readonly adminUrl?: string | null | undefined
}

const PROTOCOL_VERSION = 0
/** Of our user data. A member that reads a newer one takes the subscription without it. */
const USER_DATA_VERSION = 1
const NO_BYTES = Buffer.alloc(0)

/** `nonce` makes a subscription differ from the last: the coordinator ignores a member that joins again unchanged. */
export function encodeSubscription(subscription: MemberSubscription, nonce: number): Buffer {
  const userData = new Writer().int16(USER_DATA_VERSION).int32(subscription.generation).int32(nonce)
  writePartitions(userData, subscription.owned)
  writePartitions(userData, subscription.warm)
  // At the end: releases that do not know it leave it unread, and without an address the bytes are those of before.
  if (subscription.adminUrl != null) userData.string(subscription.adminUrl)
  const body = new Writer().int16(PROTOCOL_VERSION)
  body.array(subscription.topics, topic => body.string(topic))
  return body.bytes(userData.finish()).finish()
}

/** Throws ProtocolError. */
export function decodeSubscription(bytes: Buffer): MemberSubscription {
  const reader = new Reader(bytes)
  reader.int16()
  const topics = reader.array(() => reader.string())
  const userData = new Reader(reader.remaining > 0 ? (reader.nullableBytes() ?? NO_BYTES) : NO_BYTES)
  if (userData.remaining === 0 || userData.int16() !== USER_DATA_VERSION) {
    return { topics, owned: [], warm: [], generation: -1 }
  }
  const generation = userData.int32()
  userData.int32()
  const owned = readPartitions(userData)
  const warm = readPartitions(userData)
  return { topics, generation, owned, warm, adminUrl: userData.remaining > 0 ? userData.nullableString() : undefined }
}

export function encodeAssignment(partitions: readonly TopicPartition[]): Buffer {
  const body = new Writer().int16(PROTOCOL_VERSION)
  writePartitions(body, partitions)
  return body.bytes(NO_BYTES).finish()
}

/** An empty buffer is an empty assignment: the leader left this member out. */
export function decodeAssignment(bytes: Buffer): TopicPartition[] {
  if (bytes.length === 0) return []
  const reader = new Reader(bytes)
  const version = reader.int16()
  if (version < 0) throw new ProtocolError(`an assignment of version ${version}`)
  return readPartitions(reader)
}

function writePartitions(writer: Writer, partitions: readonly TopicPartition[]): void {
  const byTopic = Map.groupBy(partitions, ({ topic }) => topic)
  writer.array([...byTopic], ([topic, ofTopic]) => {
    writer.string(topic).array(ofTopic, ({ partition }) => writer.int32(partition))
  })
}

function readPartitions(reader: Reader): TopicPartition[] {
  return reader
    .array(() => {
      const topic = reader.string()
      return reader.array(() => ({ topic, partition: reader.int32() }))
    })
    .flat()
}
