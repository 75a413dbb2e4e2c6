import { describe, expect, it } from 'vitest'
import { createUserEventCodec, operatorOrder } from '../../../support/operatorOrder.ts'
import { readUserEvent } from '../../../../src/processors/decide/readUserEvent.ts'
import { RecordView } from '../../../../src/kafka/recordView.ts'

const codec = createUserEventCodec()

function recordOf(value: Buffer, offset: number): RecordView {
  const view = new RecordView()
  view.buffer = value
  view.offset = offset
  view.valueStart = 0
  view.valueEnd = value.length
  return view
}

describe('the source of what is read', () => {
  it("is the order's own position, whatever its writer put there: nobody knows it before the record is written", () => {
    const claimed = { topic: 'card-lifecycle', partition: 0, offset: 7, event_id: 'x' }
    const order = operatorOrder('user-1', { action: 'CANCEL' })
    const read = readUserEvent(
      recordOf(codec.bytes({ ...order, source: claimed, origin: claimed }), 41),
      codec,
      'onfile-user-events',
      3,
    )
    const own = { topic: 'onfile-user-events', partition: 3, offset: 41, event_id: null }
    expect(read).toEqual({ kind: 'event', event: { ...order, source: own, origin: own } })
  })

  it("is the issuer's position for everything else", () => {
    const source = { topic: 'card-lifecycle', partition: 0, offset: 7, event_id: 'x' }
    const event = {
      user_id: 'user-1',
      source,
      origin: source,
      occurred_at: 1,
      body: {
        kind: 'lifecycle',
        event_uid: 'x',
        card_ref: 'card-1',
        type: 'updated',
        status: null,
        updated_at: 1,
        own_stamp: true,
      },
    } as const
    const read = readUserEvent(recordOf(codec.bytes(event), 41), codec, 'onfile-user-events', 3)
    expect(read).toEqual({ kind: 'event', event })
  })
})
