import { describe, expect, it } from 'vitest'
import { readAccountsAnswer } from '../../../src/knot/accounts.ts'
import type { Exchange } from '../../../src/knot/exchange.ts'

function answer(status: number, body: unknown, complete = true): Exchange {
  return { kind: 'answer', status, retryAfter: null, body, complete, startedAtMs: 1, answeredAtMs: 2 }
}

const CONNECTED = {
  merchant: { id: 19, name: 'DoorDash', logo: 'https://knot.imgix.net/x.png' },
  connection: { status: 'connected', scopes: [{ type: 'update_card' }] },
  lifecycle: { status: null },
  last_user_action: { attempted_at: null, status: null },
}

describe('merchant accounts', () => {
  it('reads the documented sample', () => {
    const disconnected = {
      ...CONNECTED,
      merchant: { id: 12, name: 'Target' },
      connection: { status: 'disconnected', scopes: [] },
    }
    expect(readAccountsAnswer(answer(200, [CONNECTED, disconnected]))).toEqual({
      kind: 'accounts',
      httpStatus: 200,
      errorCode: null,
      accounts: [
        {
          merchant_id: 19,
          merchant_name: 'DoorDash',
          connected: true,
          update_card: true,
          last_action_at: null,
          last_action_status: null,
        },
        {
          merchant_id: 12,
          merchant_name: 'Target',
          connected: false,
          update_card: false,
          last_action_at: null,
          last_action_status: null,
        },
      ],
    })
  })

  it.each([
    [
      'no scopes at all',
      { ...CONNECTED, connection: { status: 'connected' } },
      { connected: true, update_card: false },
    ],
    [
      'other scopes',
      { ...CONNECTED, connection: { status: 'connected', scopes: [{ type: 'x' }, null] } },
      { update_card: false },
    ],
    ['no connection', { merchant: { id: 1 } }, { connected: false, merchant_name: null }],
    [
      'an ISO time',
      { ...CONNECTED, last_user_action: { attempted_at: '2026-01-01T00:00:00Z', status: 'enrolled' } },
      { last_action_at: 1767225600000, last_action_status: 'enrolled' },
    ],
    ['seconds', { ...CONNECTED, last_user_action: { attempted_at: 1767225600 } }, { last_action_at: 1767225600000 }],
    [
      'milliseconds',
      { ...CONNECTED, last_user_action: { attempted_at: 1767225600000 } },
      { last_action_at: 1767225600000 },
    ],
    [
      'a time that is none',
      { ...CONNECTED, last_user_action: { attempted_at: 'yesterday' } },
      { last_action_at: null },
    ],
  ])('tolerates %s', (_, entry, expected) => {
    const read = readAccountsAnswer(answer(200, [entry]))
    expect(read.kind === 'accounts' && read.accounts[0]).toMatchObject(expected)
  })

  it('takes a single object as one account and leaves out what has no merchant id that fits', () => {
    expect(readAccountsAnswer(answer(200, CONNECTED))).toMatchObject({ accounts: [{ merchant_id: 19 }] })
    const odd = [{}, null, 5, { merchant: { id: '19' } }, { merchant: { id: 2 ** 40 } }]
    expect(readAccountsAnswer(answer(200, odd))).toMatchObject({ kind: 'accounts', accounts: [] })
  })

  it.each([
    [
      'an unknown user has no accounts',
      answer(404, { error_code: 'USER_NOT_FOUND' }),
      { kind: 'accounts', accounts: [] },
    ],
    ['an unknown user by 400', answer(400, { error_code: 'USER_NOT_FOUND' }), { kind: 'accounts', accounts: [] }],
    ['401', answer(401, { error_code: 'INVALID_API_KEYS' }), { kind: 'unauthorized' }],
    ['403', answer(403, { error_code: 'NO_ACCESS' }), { kind: 'forbidden' }],
    [
      'a refused question',
      answer(400, { error_code: 'INVALID_FIELD' }),
      { kind: 'refused', errorCode: 'INVALID_FIELD' },
    ],
    ['429', answer(429, { error_code: 'TOO_MANY' }), { kind: 'unavailable' }],
    ['500', answer(500, null), { kind: 'unavailable' }],
    ['an answer cut short', answer(200, null, false), { kind: 'unavailable' }],
    ['200 with something else', answer(200, { message: 'hello' }), { kind: 'unavailable' }],
    ['404 of a proxy', answer(404, null), { kind: 'unavailable' }],
    ['no connection', { kind: 'not_sent', why: 'connect' } as const, { kind: 'unavailable' }],
    ['a timeout', { kind: 'lost', why: 'timeout', startedAtMs: 1, atMs: 2 } as const, { kind: 'unavailable' }],
  ])('%s', (_, end, expected) => {
    expect(readAccountsAnswer(end)).toMatchObject(expected)
  })
})
