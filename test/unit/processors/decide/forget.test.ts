import { expect, it } from 'vitest'
import { merchantKey } from '../../../../src/domain/ids.ts'
import { newMerchant } from '../../../../src/domain/merchantState.ts'
import { DEFAULT_POLICY } from '../../../../src/domain/policy.ts'
import { NEW_USER } from '../../../../src/domain/userState.ts'
import type { Codec } from '../../../../src/engine/processor.ts'
import { RecordView } from '../../../../src/kafka/recordView.ts'
import { DecideProcessor } from '../../../../src/processors/decide/decideProcessor.ts'
import type { DecideTables } from '../../../../src/processors/decide/decideProcessor.ts'
import { pseudonymOf } from '../../../../src/processors/decide/pseudonym.ts'
import { createUserEventCodec, operatorOrder } from '../../../support/operatorOrder.ts'
import { PanFields } from '../../../../src/processors/ingest/panFields.ts'
import { FakeTaskContext } from '../../../support/taskContext.ts'

const USER = 'user-1'
const codec = createUserEventCodec()
const anyCodec: Codec<never> = {
  encode: (_value, _buffer, position) => position,
  decode: () => expect.fail('never read'),
}

function decideTask() {
  const ctx = new FakeTaskContext<DecideTables>({ tables: ['users', 'merchants', 'forgotten', 'totals'], partition: 1 })
  const processor = new DecideProcessor({
    topics: { commands: 'commands', outcomes: 'outcomes', suppressions: 'suppressions' },
    userEventCodec: codec,
    commandEncoder: anyCodec,
    outcomeEncoder: anyCodec,
    suppressionEncoder: anyCodec,
    policy: DEFAULT_POLICY,
    metrics: {
      outcome: () => undefined,
      command: () => undefined,
      suppression: () => undefined,
      ignored: () => undefined,
      freshness: () => () => undefined,
      suppressionsActive: () => undefined,
    },
    deadLetter: () => expect.fail('no dead letter'),
    panFields: new PanFields(null),
  })
  const order = (command: Parameters<typeof operatorOrder>[1]): void => {
    const view = new RecordView()
    view.buffer = codec.bytes(operatorOrder(USER, command))
    view.offset = 9
    view.timestamp = ctx.now
    view.valueEnd = view.buffer.length
    processor.onRecord(view, ctx)
  }
  return { ctx, order }
}

it('FORGET deletes everything that has the user in its key, other users are left alone', () => {
  const { ctx, order } = decideTask()
  const { users, merchants, forgotten } = ctx.tables
  for (const userId of [USER, 'user-2']) {
    users.put(userId, { ...NEW_USER, decision_seq: 4, merchants: [11, 16] })
    for (const merchantId of [11, 16]) merchants.put(merchantKey(userId, merchantId), newMerchant(merchantId, null))
    ctx.schedule(userId, 'hard:11', 5)
    ctx.schedule(userId, 'until:*:onfile-user-events:0:7:card-1', 6)
  }
  order({ action: 'FORGET' })
  expect([...users.entries()].map(([key]) => key)).toEqual(['user-2'])
  expect([...merchants.entries()].map(([key]) => key)).toEqual([merchantKey('user-2', 11), merchantKey('user-2', 16)])
  expect([...ctx.timers.values()].map(({ key }) => key)).toEqual(['user-2', 'user-2'])
  expect([...forgotten.entries()]).toEqual([[pseudonymOf(USER), { decision_seq: 5, forgotten_at: ctx.now }]])

  order({ action: 'SUPPRESS' })
  expect(users.get(USER)).toBeUndefined()
  expect(forgotten.get(pseudonymOf(USER))).toEqual({ decision_seq: 6, forgotten_at: ctx.now })

  order({ action: 'LIFT' })
  expect([...forgotten.entries()]).toEqual([])
  expect(users.get(USER)).toEqual({
    ...NEW_USER,
    decision_seq: 7,
    events: [{ key: 'order\nrequest-1', print: 0, at: ctx.now }],
  })
})

it('the pseudonym of a user never changes: with another one every erased user would come back', () => {
  expect(pseudonymOf('user-1')).toBe('657QZeJzsTYRyXBxoKPV3g')
  expect(pseudonymOf('user-1')).not.toBe(pseudonymOf('user-2'))
})
