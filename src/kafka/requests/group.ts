import { ProtocolError } from '../errors.ts'
import type { Api, Request } from '../request.ts'
import { Writer } from '../wire.ts'

/** The last non-flexible versions: they carry the static instance id. */
const JOIN_GROUP: Api = { key: 11, name: 'JoinGroup', minVersion: 5, maxVersion: 5, flexibleFrom: 6 }
const SYNC_GROUP: Api = { key: 14, name: 'SyncGroup', minVersion: 3, maxVersion: 3, flexibleFrom: 4 }
const HEARTBEAT: Api = { key: 12, name: 'Heartbeat', minVersion: 3, maxVersion: 3, flexibleFrom: 4 }
const LEAVE_GROUP: Api = { key: 13, name: 'LeaveGroup', minVersion: 3, maxVersion: 3, flexibleFrom: 4 }

/** Tools such as kafka-consumer-groups read subscription and assignment of this type. */
const PROTOCOL_TYPE = 'consumer'

/** Who a group member is. */
export interface MemberIdentity {
  readonly groupId: string
  readonly generation: number
  /** Empty before the first join. */
  readonly memberId: string
  readonly instanceId: string | null
}

export interface JoinRequest {
  readonly identity: MemberIdentity
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly protocolName: string
  readonly subscription: Buffer
  /** Answered when all members have joined, at most the rebalance timeout later. */
  readonly timeoutMs: number
}

export interface JoinedMember {
  readonly memberId: string
  readonly instanceId: string | null
  readonly subscription: Buffer
}

export interface Joined {
  readonly errorCode: number
  readonly generation: number
  readonly leaderId: string
  readonly memberId: string
  /** Of all members, for the leader; empty for the others, and for a static leader that comes back into a stable group. */
  readonly members: readonly JoinedMember[]
}

const NO_BYTES = Buffer.alloc(0)

export function joinGroup(join: JoinRequest): Request<Joined> {
  const { identity } = join
  return {
    api: JOIN_GROUP,
    timeoutMs: join.timeoutMs,
    encode: () => {
      const body = new Writer().string(identity.groupId).int32(join.sessionTimeoutMs).int32(join.rebalanceTimeoutMs)
      body.string(identity.memberId).string(identity.instanceId).string(PROTOCOL_TYPE)
      return [body.int32(1).string(join.protocolName).bytes(join.subscription).finish()]
    },
    decode: reader => {
      reader.int32()
      const errorCode = reader.int16()
      const generation = reader.int32()
      reader.nullableString()
      const leaderId = reader.string()
      const memberId = reader.string()
      const members = reader.array(() => ({
        memberId: reader.string(),
        instanceId: reader.nullableString(),
        subscription: reader.nullableBytes() ?? NO_BYTES,
      }))
      return { errorCode, generation, leaderId, memberId, members }
    },
  }
}

/** `assignments` by member id: from the leader, empty from the others. */
export function syncGroup(
  identity: MemberIdentity,
  assignments: ReadonlyMap<string, Buffer>,
  timeoutMs: number,
): Request<{ readonly errorCode: number; readonly assignment: Buffer }> {
  return {
    api: SYNC_GROUP,
    timeoutMs,
    encode: () => {
      const body = writeIdentity(identity)
      body.array([...assignments], ([memberId, assignment]) => body.string(memberId).bytes(assignment))
      return [body.finish()]
    },
    decode: reader => {
      reader.int32()
      return { errorCode: reader.int16(), assignment: reader.nullableBytes() ?? NO_BYTES }
    },
  }
}

export function heartbeat(identity: MemberIdentity, timeoutMs: number): Request<{ readonly errorCode: number }> {
  return {
    api: HEARTBEAT,
    timeoutMs,
    encode: () => [writeIdentity(identity).finish()],
    decode: reader => {
      reader.int32()
      return { errorCode: reader.int16() }
    },
  }
}

/**
 * Removes a static member too; with an empty member id whichever process has that instance id. The error code is that of
 * the request, or of the member: UNKNOWN_MEMBER_ID where the group has none such.
 */
export function leaveGroup(identity: MemberIdentity): Request<{ readonly errorCode: number }> {
  return {
    api: LEAVE_GROUP,
    encode: () => {
      const body = new Writer().string(identity.groupId)
      return [body.int32(1).string(identity.memberId).string(identity.instanceId).finish()]
    },
    decode: reader => {
      reader.int32()
      const whole = reader.int16()
      const [ofMember] = reader.array(() => {
        reader.string()
        reader.nullableString()
        return reader.int16()
      })
      if (whole !== 0) return { errorCode: whole }
      if (ofMember === undefined) throw new ProtocolError(`an answer to ${LEAVE_GROUP.name} names no member`)
      return { errorCode: ofMember }
    },
  }
}

function writeIdentity(identity: MemberIdentity): Writer {
  const body = new Writer().string(identity.groupId).int32(identity.generation)
  return body.string(identity.memberId).string(identity.instanceId)
}
