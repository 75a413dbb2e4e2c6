import { describe, expect, it } from 'vitest'
import { testCard } from '../../../../sandbox/people.ts'
import { lacksProof } from '../../../../src/domain/operatorProof.ts'
import type { OperatorAction, OperatorCommand } from '../../../../src/domain/records.ts'
import { withoutCardNumbers } from '../../../../src/processors/decide/orderWithoutNumbers.ts'
import { PanFields } from '../../../../src/processors/ingest/panFields.ts'

const { number } = testCard(7)
const grouped = number.replace(/(\d{4})(?=\d)/g, '$1 ')
const ids = new PanFields(null)

function order(action: OperatorAction, change: Partial<OperatorCommand> = {}): OperatorCommand {
  return {
    kind: 'operator',
    request_id: 'r-1',
    action,
    actor: 'jo',
    reason: 'has called',
    card_ref: null,
    merchant_id: null,
    until: null,
    ...change,
  }
}

const WITH_NUMBER = [
  ['request id', { request_id: `order-${number}` }],
  ['actor', { actor: `jo (${grouped})` }],
] as const

describe.each(['SUPPRESS', 'CANCEL', 'FORGET'] as const)('a %s', action => {
  it.each(WITH_NUMBER)(
    'with a card number in its %s is obeyed without it, and somebody hears of the number',
    (_, text) => {
      const { command, isWithheld } = withoutCardNumbers(order(action, text), ids)
      expect(isWithheld).toBe(true)
      expect(lacksProof(command)).toBe(false)
      expect(JSON.stringify(command)).not.toMatch(/\d{4}/)
      expect(command).toMatchObject({ action, reason: 'has called' })
    },
  )

  it('keeps what is clean beside it', () => {
    expect(withoutCardNumbers(order(action, { request_id: number }), ids).command.actor).toBe('jo')
    expect(withoutCardNumbers(order(action, { actor: number }), ids).command.request_id).toBe('r-1')
  })

  it('is not looked at for its reason, which is carried nowhere', () => {
    const command = order(action, { reason: `holder of ${grouped} has called` })
    expect(withoutCardNumbers(command, ids)).toEqual({ command, isWithheld: false })
  })
})

it('a SUPPRESS by somebody whose name holds a card number is by nobody: it ends no longer stop', () => {
  expect(withoutCardNumbers(order('SUPPRESS', { actor: number }), ids).command.actor).toBe('')
})

describe.each(['LIFT', 'RETRY'] as const)('a %s', action => {
  it.each([...WITH_NUMBER, ['reason', { reason: `holder of ${grouped} has called` }] as const])(
    'with a card number in its %s has no effect, so that its writer hears of it',
    (what, text) => {
      const { command, isWithheld } = withoutCardNumbers(order(action, text), ids)
      expect(lacksProof(command)).toBe(true)
      expect(JSON.stringify(command)).not.toMatch(/\d{4}/)
      // A reason goes no further.
      expect(isWithheld).toBe(what !== 'reason')
    },
  )
})

it('ids of the form that the issuer says are none are left, and ids made of the time', () => {
  const issuers = new PanFields('\\d{16}')
  const command = order('LIFT', { request_id: number })
  expect(withoutCardNumbers(command, issuers)).toEqual({ command, isWithheld: false })
  const ofTime = Array.from({ length: 60 }, (_, second) => `202511281545${String(second).padStart(2, '0')}`)
  for (const request_id of ofTime) expect(withoutCardNumbers(order('LIFT', { request_id }), ids).isWithheld).toBe(false)
})
