import { framedCodec } from '../../src/avro/codecs.ts'
import { userEventType } from '../../src/avro/userEventType.ts'
import type { OperatorCommand, UserEvent } from '../../src/domain/records.ts'
import type { Codec } from '../../src/engine/processor.ts'

const NOWHERE = { topic: 'onfile-user-events', partition: 0, offset: -1, event_id: null }

/** An order about one user as an operator's tool writes it. */
export function operatorOrder(userId: string, command: Partial<OperatorCommand>): UserEvent {
  const body: OperatorCommand = {
    kind: 'operator',
    request_id: 'request-1',
    action: 'SUPPRESS',
    actor: 'ops',
    reason: 'a test',
    card_ref: null,
    merchant_id: null,
    until: null,
    ...command,
  }
  return { user_id: userId, source: NOWHERE, origin: NOWHERE, occurred_at: 1_000, body }
}

/** The codec of `onfile-user-events` under some schema id, and a value in a buffer of its own. */
export function createUserEventCodec(maxBytes = 4_096): Codec<UserEvent> & { bytes(event: UserEvent): Buffer } {
  const codec = framedCodec(userEventType(), 1)
  const bytes = (event: UserEvent): Buffer => {
    const buffer = Buffer.alloc(maxBytes)
    return buffer.subarray(0, codec.encode(event, buffer, 0))
  }
  return { ...codec, bytes }
}
