import { ProtocolError } from '../errors.ts'
import type { Api, Request } from '../request.ts'
import { Writer } from '../wire.ts'

/** The last non-flexible version, and the first with the static instance id. */
const DESCRIBE_GROUPS: Api = { key: 15, name: 'DescribeGroups', minVersion: 4, maxVersion: 4, flexibleFrom: 5 }

export interface DescribedMember {
  readonly memberId: string
  readonly instanceId: string | null
  readonly clientId: string
  /** As the broker saw it: `/10.0.0.7`. */
  readonly clientHost: string
  /** What the member told the leader when it joined. */
  readonly subscription: Buffer
  /** Empty while the group rebalances. */
  readonly assignment: Buffer
}

export interface DescribedGroup {
  readonly errorCode: number
  readonly members: readonly DescribedMember[]
  /** What this principal may do with the group: one bit for each operation, see `operationsOf`. */
  readonly operations: number
}

const NO_BYTES = Buffer.alloc(0)

/** Who is in a group, and with which partitions. Needs the right DESCRIBE on it. */
export function describeGroup(groupId: string, timeoutMs: number): Request<DescribedGroup> {
  return {
    api: DESCRIBE_GROUPS,
    timeoutMs,
    encode: () => [new Writer().int32(1).string(groupId).boolean(true).finish()],
    decode: reader => {
      reader.int32()
      const groups = reader.array(() => {
        const errorCode = reader.int16()
        // Its id, its state, the type of its protocol, the protocol.
        for (let text = 0; text < 4; text++) reader.string()
        const members = reader.array(() => ({
          memberId: reader.string(),
          instanceId: reader.nullableString(),
          clientId: reader.string(),
          clientHost: reader.string(),
          subscription: reader.nullableBytes() ?? NO_BYTES,
          assignment: reader.nullableBytes() ?? NO_BYTES,
        }))
        return { errorCode, members, operations: reader.int32() }
      })
      const [described] = groups
      if (described === undefined) throw new ProtocolError(`an answer to ${DESCRIBE_GROUPS.name} names no group`)
      return described
    },
  }
}
