import { describe, expect, it } from 'vitest'
import type { PushAnswer } from '../../../../src/knot/answers.ts'
import { judgePush } from '../../../../src/processors/provision/pushVerdict.ts'
import { coded, ok } from './fakePorts.ts'

const fresh = { rekeyed: false, maybeLanded: false, cancelled: false, confirmed: false }
const unavailable: PushAnswer = { ...coded('unavailable', 503), retryAfterMs: 9 }
const limited: PushAnswer = { ...coded('rate_limited', 429), retryAfterMs: 7 }
const ambiguous: PushAnswer = { ...coded('ambiguous', 500), why: 'timeout' }
const vetoed: PushAnswer = { kind: 'vetoed' }
const unreachable: PushAnswer = { kind: 'unreachable' }

describe('judging a push', () => {
  const rows: [answer: PushAnswer, history: Partial<typeof fresh>, verdict: object][] = [
    [ok, {}, { result: 'ACCEPTED', reason: null }],
    [ok, { cancelled: true }, { result: 'ACCEPTED' }],
    [ambiguous, {}, { result: 'AMBIGUOUS', reason: 'timeout' }],
    [ambiguous, { cancelled: true }, { result: 'AMBIGUOUS' }],
    [coded('busy', 400), {}, { result: 'BUSY', reason: null }],
    [coded('busy', 400), { maybeLanded: true }, { result: 'AMBIGUOUS', reason: 'server_error' }],
    [coded('invalid_field', 400), {}, { result: 'REJECTED', reason: 'invalid_field' }],
    [coded('not_linked', 400), {}, { result: 'REJECTED', reason: 'not_linked' }],
    [coded('relink', 400), {}, { result: 'REJECTED', reason: 'relink' }],
    [coded('unknown_error', 400), {}, { result: 'REJECTED', reason: 'unknown_error' }],
    [coded('invalid_jwe', 400), {}, { kind: 'at_once', rekeyed: true }],
    [coded('invalid_jwe', 400), { rekeyed: true }, { result: 'REJECTED', reason: 'invalid_jwe' }],
    [coded('invalid_jwe', 400), { cancelled: true }, { result: 'NOT_SENT', reason: 'suppressed' }],
    [coded('unauthorized', 401), { rekeyed: true }, { kind: 'at_once', rekeyed: true }],
    [coded('forbidden', 403), {}, { kind: 'at_once', rekeyed: false }],
    [coded('forbidden', 403), { cancelled: true }, { result: 'NOT_SENT', reason: 'suppressed' }],
    [unreachable, {}, { kind: 'wait', retryAfterMs: null, maybeLanded: false }],
    [unreachable, { maybeLanded: true }, { kind: 'wait', maybeLanded: true }],
    [unreachable, { cancelled: true }, { result: 'NOT_SENT', reason: 'suppressed' }],
    [unreachable, { cancelled: true, confirmed: true }, { result: 'NOT_SENT', reason: 'suppressed' }],
    [unreachable, { cancelled: true, maybeLanded: true }, { result: 'NOT_SENT', reason: 'suppressed' }],
    [unreachable, { cancelled: true, confirmed: true, maybeLanded: true }, { result: 'AMBIGUOUS' }],
    [unavailable, { cancelled: true, confirmed: true }, { result: 'AMBIGUOUS', reason: 'server_error' }],
    [coded('merchant_unavailable', 400), { cancelled: true, confirmed: true }, { result: 'AMBIGUOUS' }],
    [limited, {}, { kind: 'wait', retryAfterMs: 7, maybeLanded: false }],
    [unavailable, {}, { kind: 'wait', retryAfterMs: 9, maybeLanded: true }],
    [coded('merchant_unavailable', 400), {}, { kind: 'wait', retryAfterMs: null, maybeLanded: true }],
  ]
  it.each(rows)('%j with %j: %j', (answer, history, verdict) => {
    expect(judgePush(answer, null, { ...fresh, ...history })).toMatchObject(verdict)
  })

  it.each(['suppressed', 'send_by', 'ownership', 'not_after'] as const)('a veto for %s is NOT_SENT', veto => {
    expect(judgePush(vetoed, veto, fresh)).toEqual({ kind: 'answered', result: 'NOT_SENT', reason: veto })
  })

  it.each([
    ['send_by', { kind: 'wait', cause: 'send_by', retryAfterMs: null, maybeLanded: true }],
    ['ownership', { kind: 'wait', cause: 'ownership', retryAfterMs: null, maybeLanded: true }],
    ['not_after', { kind: 'answered', result: 'AMBIGUOUS', reason: 'server_error' }],
    ['paused', { kind: 'at_once', cause: 'paused', rekeyed: false }],
    ['suppressed', { kind: 'answered', result: 'NOT_SENT', reason: 'suppressed' }],
  ] as const)('a veto for %s does not deny a request before it that may have landed', (veto, verdict) => {
    expect(judgePush(vetoed, veto, { ...fresh, maybeLanded: true })).toEqual(verdict)
  })

  it.each(['send_by', 'ownership'] as const)('what a CANCEL covers after a veto for %s does not wait', veto => {
    const history = { ...fresh, maybeLanded: true, cancelled: true }
    expect(judgePush(vetoed, veto, history)).toMatchObject({ result: 'NOT_SENT', reason: 'suppressed' })
    expect(judgePush(vetoed, veto, { ...history, confirmed: true })).toMatchObject({ result: 'AMBIGUOUS' })
  })

  it('a veto for what Knot has confirmed is ambiguous, where a request before it may have landed', () => {
    const history = { ...fresh, cancelled: true, confirmed: true, maybeLanded: true }
    expect(judgePush(vetoed, 'suppressed', history)).toMatchObject({ result: 'AMBIGUOUS' })
    expect(judgePush(vetoed, 'suppressed', { ...history, maybeLanded: false })).toMatchObject({ result: 'NOT_SENT' })
  })
})
