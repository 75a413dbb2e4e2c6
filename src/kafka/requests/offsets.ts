import type { Api, Request } from '../request.ts'
import { Writer } from '../wire.ts'

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
      let listed: ListedOffset = { errorCode: 3, offset: -1 }
      reader.array(() => {
        reader.string()
        reader.array(() => {
          reader.int32()
          const errorCode = reader.int16()
          reader.safeInt64()
          listed = { errorCode, offset: reader.safeInt64() }
        })
      })
      return listed
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
      let fetched: FetchedOffset = { errorCode: 0, offset: -1, metadata: '' }
      reader.compactArray(() => {
        reader.compactString()
        reader.compactArray(() => {
          reader.int32()
          const offset = reader.safeInt64()
          reader.int32()
          const metadata = reader.nullableCompactString() ?? ''
          fetched = { errorCode: reader.int16(), offset, metadata }
          reader.tags()
        })
        reader.tags()
      })
      const errorCode = reader.int16()
      return errorCode === 0 ? fetched : { ...fetched, errorCode }
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
      let firstError = 0
      reader.array(() => {
        reader.string()
        reader.array(() => {
          reader.int32()
          const errorCode = reader.int16()
          if (firstError === 0) firstError = errorCode
        })
      })
      return { errorCode: firstError }
    },
  }
}
