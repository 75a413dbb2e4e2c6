import { describe, expect, it } from 'vitest'
import { errorCodeOf, readPushAnswer, retryAfterMs } from '../../../src/knot/answers.ts'
import type { Exchange } from '../../../src/knot/exchange.ts'

type Answer = Extract<Exchange, { kind: 'answer' }>

function answer(status: number, code: string | null, more: Partial<Answer> = {}): Answer {
  const body =
    code === null ? null : { error_type: 'INVALID_REQUEST', error_code: code, error_message: 'words that change' }
  return { kind: 'answer', status, retryAfter: null, body, complete: true, startedAtMs: 10, answeredAtMs: 20, ...more }
}

describe('the rows of the answer table', () => {
  const rows: [end: Exchange, expected: object][] = [
    [
      answer(200, null, { body: { message: 'Success' } }),
      { kind: 'accepted', httpStatus: 200, errorCode: null, startedAtMs: 10, answeredAtMs: 20 },
    ],
    [answer(200, null, { body: { message: 'other words', new_field: 1 } }), { kind: 'accepted' }],
    [answer(202, null, { body: {} }), { kind: 'accepted' }],
    [answer(200, null), { kind: 'ambiguous', why: 'server_error', httpStatus: 200 }],
    [answer(200, null, { body: [] }), { kind: 'ambiguous', why: 'server_error' }],
    [answer(200, null, { body: 'Success' }), { kind: 'ambiguous', why: 'server_error' }],
    [answer(200, 'INVALID_FIELD'), { kind: 'ambiguous', why: 'server_error' }],
    [answer(204, null), { kind: 'ambiguous', why: 'server_error' }],
    [answer(200, null, { complete: false }), { kind: 'ambiguous', why: 'connection_lost' }],
    [answer(400, 'INVALID_FIELD'), { kind: 'invalid_field', httpStatus: 400, errorCode: 'INVALID_FIELD' }],
    [answer(400, 'INVALID_JWE'), { kind: 'invalid_jwe' }],
    [answer(400, 'ONGOING_OPERATION'), { kind: 'busy' }],
    [answer(409, 'ONGOING_OPERATION'), { kind: 'busy' }],
    [answer(400, 'MERCHANT_ACCOUNT_NOT_FOUND'), { kind: 'not_linked' }],
    [answer(404, 'MERCHANT_ACCOUNT_NOT_FOUND'), { kind: 'not_linked' }],
    [answer(404, 'USER_NOT_FOUND'), { kind: 'not_linked' }],
    [answer(400, 'MERCHANT_ACCOUNT_DISCONNECTED'), { kind: 'relink' }],
    [answer(400, 'MERCHANT_UNAVAILABLE'), { kind: 'merchant_unavailable' }],
    [answer(500, 'MERCHANT_UNAVAILABLE'), { kind: 'merchant_unavailable' }],
    [answer(401, 'INVALID_API_KEYS'), { kind: 'unauthorized' }],
    [answer(401, null), { kind: 'unauthorized' }],
    [answer(403, 'NO_ACCESS'), { kind: 'forbidden' }],
    [answer(403, null), { kind: 'forbidden' }],
    [answer(429, null, { retryAfter: '7' }), { kind: 'rate_limited', retryAfterMs: 7_000 }],
    [answer(503, null, { retryAfter: '3' }), { kind: 'unavailable', retryAfterMs: 3_000 }],
    [answer(503, null), { kind: 'unavailable', retryAfterMs: null }],
    [answer(500, null), { kind: 'ambiguous', why: 'server_error' }],
    [answer(500, 'INVALID_FIELD'), { kind: 'ambiguous', why: 'server_error' }],
    [answer(502, null), { kind: 'ambiguous', why: 'server_error' }],
    [answer(504, null), { kind: 'ambiguous', why: 'server_error' }],
    [answer(408, null), { kind: 'ambiguous', why: 'timeout' }],
    [answer(307, null), { kind: 'unavailable' }],
    [answer(308, null), { kind: 'unavailable' }],
    [answer(302, null), { kind: 'ambiguous', why: 'server_error' }],
    [answer(303, null), { kind: 'ambiguous', why: 'server_error' }],
    [answer(400, 'SOMETHING_NEW'), { kind: 'unknown_error', errorCode: 'SOMETHING_NEW' }],
    [answer(418, null), { kind: 'unknown_error', errorCode: null }],
    [answer(400, null, { complete: false }), { kind: 'ambiguous', why: 'connection_lost' }],
    [answer(401, null, { complete: false }), { kind: 'unauthorized' }],
    [{ kind: 'not_sent', why: 'connect' }, { kind: 'unreachable' }],
    [{ kind: 'not_sent', why: 'timeout' }, { kind: 'unreachable' }],
    [{ kind: 'not_sent', why: 'vetoed' }, { kind: 'vetoed' }],
    [
      { kind: 'lost', why: 'timeout', startedAtMs: 10, atMs: 30 },
      { kind: 'ambiguous', why: 'timeout', httpStatus: null, startedAtMs: 10, answeredAtMs: 30 },
    ],
    [
      { kind: 'lost', why: 'connection_lost', startedAtMs: 1, atMs: 2 },
      { kind: 'ambiguous', why: 'connection_lost' },
    ],
  ]
  it.each(rows)('%j reads as %j', (end, expected) => {
    expect(readPushAnswer(end)).toMatchObject(expected)
  })
})

describe('error codes', () => {
  it.each([
    [{ error_code: 'NO_ACCESS' }, 'NO_ACCESS'],
    [{ error_code: 'card 4242424242424242 refused' }, null],
    [{ error_code: '4242424242424242' }, null],
    [{ error_code: `A${'B'.repeat(64)}` }, null],
    [{ error_code: 7 }, null],
    [[], null],
    [null, null],
    ['NO_ACCESS', null],
  ])('%j reads as %j', (body, expected) => {
    expect(errorCodeOf(body)).toBe(expected)
  })
})

describe('Retry-After', () => {
  const now = Date.UTC(2026, 0, 1)
  it.each([
    [null, null],
    ['0', 0],
    ['12', 12_000],
    ['86400', 300_000],
    ['Thu, 01 Jan 2026 00:00:30 GMT', 30_000],
    ['Thu, 01 Jan 2020 00:00:00 GMT', 0],
    ['Thursday, 01-Jan-26 00:00:30 GMT', 30_000],
    ['soon', null],
    ['1.5', null],
    ['-5', null],
    ['+5', null],
    ['1,2', null],
    ['Thu, no date', null],
  ])('%j is %j ms', (text, expected) => {
    expect(retryAfterMs({ retryAfter: text, answeredAtMs: now })).toBe(expected)
  })
})
