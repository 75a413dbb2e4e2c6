import type { Api, Request } from '../request.ts'
import { Writer } from '../wire.ts'
import { saidOf } from '../askedPartition.ts'

const LIST_OFFSETS: Api = { key: 2, name: 'ListOffsets', minVersion: 3, maxVersion: 3, flexibleFrom: 6 }
const OFFSET_COMMIT: Api = { key: 8, name: 'OffsetCommit', minVersion: 7, maxVersion: 7, flexibleFrom: 8 }
const OFFSET_FETCH: Api = { key: 9, name: 'OffsetFetch', minVersion: 7, maxVersion: 7, flexibleFrom: 6 }

export type Isolation = 'read_committed' | 'read_uncommitted'

export function isolationNumber(isolation: Isolation): number {
  return isolation === 'read_committed' ? 1 : 0
}

/** Special timestamps of ListOffsets. */
export const LATEST_TIMESTAMP = -1
export const EARLIEST_TIMESTAMP = -2

export interface ListedOffset {
  readonly errorCode: number
  /** -1 where no record has that timestamp or a later one. */
  readonly offset: number
}

/** The first offset at or after a time, or one of the two ends. `read_committed` makes the latest the last stable one. */
export function listOffsets(
  topic: string,
  partition: number,
  timestampMs: number,
  isolation: Isolation,
): Request<ListedOffset> {
  return {
    api: LIST_OFFSETS,
    encode: () => {
      const body = new Writer().int32(-1).int8(isolationNumber(isolation))
      body.int32(1).string(topic).int32(1).int32(partition).int64(timestampMs)
      return [body.finish()]
    },
    decode: reader => {
      reader.int32()
      const listed = reader.array(() => {
        const name = reader.string()
        return reader.array(() => {
          const head = { topic: name, partition: reader.int32(), errorCode: reader.int16() }
          reader.safeInt64()
          return { ...head, offset: reader.safeInt64() }
        })
      })
      const { errorCode, offset } = saidOf(LIST_OFFSETS.name, listed.flat(), topic, partition)
      return { errorCode, offset }
    },
  }
}

export interface FetchedOffset {
  readonly errorCode: number
  /** -1 where the group has committed none. */
  readonly offset: number
  readonly metadata: string
}

/** Whether a commit that an open transaction holds is waited for. */
export type OffsetStability = 'stable' | 'latest'

/**
 * The group's committed offset. `stable`: while a transaction that holds a commit is open the answer is
 * 88 UNSTABLE_OFFSET_COMMIT. `latest`: the last one that is committed, whatever may be under way.
 */
export function offsetFetch(
  groupId: string,
  topic: string,
  partition: number,
  stability: OffsetStability = 'stable',
): Request<FetchedOffset> {
  return {
    api: OFFSET_FETCH,
    encode: () => {
      const body = new Writer().compactString(groupId)
      body.compactArray([topic], name => {
        body.compactString(name).compactArray([partition], number => body.int32(number))
        body.emptyTags()
      })
      return [
        body
          .boolean(stability === 'stable')
          .emptyTags()
          .finish(),
      ]
    },
    decode: reader => {
      reader.int32()
      const fetched = reader.compactArray(() => {
        const name = reader.compactString()
        const ofTopic = reader.compactArray(() => {
          const head = { topic: name, partition: reader.int32(), offset: reader.safeInt64() }
          reader.int32()
          const metadata = reader.nullableCompactString() ?? ''
          const part = { ...head, metadata, errorCode: reader.int16() }
          reader.tags()
          return part
        })
        reader.tags()
        return ofTopic
      })
      const whole = reader.int16()
      // Only with success must it name what was asked: "no offset" is said of a partition, never by leaving it out.
      if (whole !== 0) return { errorCode: whole, offset: -1, metadata: '' }
      const { errorCode, offset, metadata } = saidOf(OFFSET_FETCH.name, fetched.flat(), topic, partition)
      return { errorCode, offset, metadata }
    },
  }
}

/** Commits offsets outside of any generation: brokers take it only while the group has no members. */
export function offsetCommit(
  groupId: string,
  topic: string,
  offsets: readonly number[],
): Request<{ readonly errorCode: number }> {
  return {
    api: OFFSET_COMMIT,
    encode: () => {
      const body = new Writer().string(groupId).int32(-1).string('').string(null).int32(1).string(topic)
      body.array([...offsets.entries()], ([partition, offset]) => {
        body.int32(partition).int64(offset).int32(-1).string('')
      })
      return [body.finish()]
    },
    decode: reader => {
      reader.int32()
      const said = reader.array(() => {
        const name = reader.string()
        return reader.array(() => ({ topic: name, partition: reader.int32(), errorCode: reader.int16() }))
      })
      const codes = offsets.map((_, partition) => saidOf(OFFSET_COMMIT.name, said.flat(), topic, partition).errorCode)
      return { errorCode: codes.find(code => code !== 0) ?? 0 }
    },
  }
}
