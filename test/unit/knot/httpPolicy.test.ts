import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PushFault } from '../../../sandbox/knot/faultPlan.ts'
import { startKnot } from '../../../sandbox/knot/knotSimulator.ts'
import type { KnotSimulator } from '../../../sandbox/knot/knotSimulator.ts'
import type { HttpFault } from '../../../sandbox/knot/script.ts'
import { CardUpdater } from '../../../src/knot/cardUpdater.ts'
import { KnotApi } from '../../../src/knot/knotApi.ts'
import { judgePush } from '../../../src/processors/provision/pushVerdict.ts'
import type { PushVerdict } from '../../../src/processors/provision/pushVerdict.ts'
import { cardWith } from './cards.ts'

const TIMEOUT_MS = 400
const HISTORY = { rekeyed: false, maybeLanded: false, cancelled: false, confirmed: false }
const elsewhere: string[] = []
const origin = createServer((request, response) => {
  elsewhere.push(`${request.method} ${request.url}`)
  response.writeHead(200, { 'content-type': 'application/json' }).end('{"message":"Success"}')
})
let elsewhereUrl: string
let nextUser = 0

beforeAll(async () => {
  await new Promise<void>(resolve => origin.listen(0, '127.0.0.1', resolve))
  elsewhereUrl = `http://127.0.0.1:${(origin.address() as AddressInfo).port}`
})
afterAll(() => new Promise<void>(resolve => void origin.close(() => resolve())))

interface Told {
  readonly verdict: string
  readonly landed: boolean
  readonly pushes: number
}

/** The verdict as one line: what PROVISION reports, or what it does next. */
function line(verdict: PushVerdict): string {
  switch (verdict.kind) {
    case 'answered':
      return verdict.reason === null ? verdict.result : `${verdict.result}/${verdict.reason}`
    case 'wait':
      return `not accepted, waits: ${verdict.cause} ${verdict.retryAfterMs ?? '-'}`
    case 'at_once':
      return `not accepted, at once: ${verdict.cause}${verdict.rekeyed ? ' with a fresh key' : ''}`
  }
}

interface Circumstances {
  readonly prepare?: (knot: KnotSimulator, userId: string) => unknown
  readonly form?: 'jwe' | 'plain'
  readonly secret?: string
  readonly notFoundStatus?: 400 | 404
  readonly cvv?: string
}

/** One push by the real client at the real simulator; the key is fetched before anything is prepared. */
async function push({ prepare, form = 'jwe', secret, notFoundStatus = 404, cvv }: Circumstances): Promise<Told> {
  const knot = await startKnot({ webhookDelayMs: 5, notFoundStatus })
  const { url, secureUrl, clientId } = knot
  const shared = { url, secureUrl, clientId, timeoutMs: TIMEOUT_MS, connections: 2 }
  const good = new CardUpdater(new KnotApi({ ...shared, secret: knot.secret }), form)
  const used = new CardUpdater(new KnotApi({ ...shared, secret: secret ?? knot.secret }), form)
  try {
    const userId = `user-${(nextUser += 1)}`
    knot.link({ userId, merchantId: 19 })
    const key = await good.key(null)
    if (key.kind !== 'key') throw new Error(`no key: ${key.kind}`)
    await prepare?.(knot, userId)
    const card = cardWith(cvv === undefined ? {} : { card: { cvv } })
    const answer = await used.push({ userId, merchantId: 19, taskId: null }, await used.seal(card, key.key), () => true)
    return {
      verdict: line(judgePush(answer, null, HISTORY)),
      landed: knot.pushes().some(({ landed }) => landed),
      pushes: knot.pushes().length,
    }
  } finally {
    await Promise.all([good.close(), used.close()])
    await knot.stop()
  }
}

const planned =
  (fault: PushFault) =>
  (knot: KnotSimulator, userId: string): void =>
    knot.planFaults({ userId, merchantId: 19, fault, requests: 9 })
const http = (fault: HttpFault): Circumstances => ({ prepare: planned({ http: fault }) })
const status = (code: number, more: { landed?: boolean; retryAfter?: number | string } = {}): Circumstances =>
  http({ kind: 'answer', status: code, ...more })
const coded = (code: number, errorCode: string): Circumstances =>
  http({
    kind: 'answer',
    status: code,
    body: { error_type: 'INVALID_REQUEST', error_code: errorCode, error_message: 'Scripted.' },
  })
const unread: Circumstances = {
  prepare: knot => knot.planFaults({ userId: '*', merchantId: '*', fault: 'drop_unread', requests: 9 }),
}

type Row = [name: string, circumstances: Circumstances, verdict: string, landed: boolean]

const certain: Row[] = [
  ['200', {}, 'ACCEPTED', true],
  ['200 on the secure host', { form: 'plain' }, 'ACCEPTED', true],
  ['INVALID_FIELD', { form: 'plain', cvv: '1' }, 'REJECTED/invalid_field', false],
  ['INVALID_JWE', { cvv: '1' }, 'not accepted, at once: invalid_jwe with a fresh key', false],
  [
    'a rotated key',
    { prepare: knot => knot.rotateKey() },
    'not accepted, at once: invalid_jwe with a fresh key',
    false,
  ],
  ['ONGOING_OPERATION', { prepare: (knot, userId) => knot.occupy(userId, 19) }, 'BUSY', false],
  ['no account, 404', { prepare: (knot, userId) => knot.unlink(userId, 19) }, 'REJECTED/not_linked', false],
  [
    'no account, 400',
    { prepare: (knot, userId) => knot.unlink(userId, 19), notFoundStatus: 400 },
    'REJECTED/not_linked',
    false,
  ],
  ['USER_NOT_FOUND', coded(404, 'USER_NOT_FOUND'), 'REJECTED/not_linked', false],
  ['DISCONNECTED', { prepare: (knot, userId) => knot.disconnect(userId, 19) }, 'REJECTED/relink', false],
  ['MERCHANT_UNAVAILABLE', coded(400, 'MERCHANT_UNAVAILABLE'), 'not accepted, waits: merchant_unavailable -', false],
  ['401', { secret: 'another secret' }, 'not accepted, at once: unauthorized', false],
  ['403', { prepare: knot => knot.denyAccess(true) }, 'not accepted, at once: forbidden', false],
  ['401 without a code', status(401), 'not accepted, at once: unauthorized', false],
  ['403 without a code', status(403), 'not accepted, at once: forbidden', false],
  ['429', status(429), 'not accepted, waits: rate_limited -', false],
  ['429, Retry-After 7', status(429, { retryAfter: 7 }), 'not accepted, waits: rate_limited 7000', false],
  ['429, Retry-After 1 h', status(429, { retryAfter: 3600 }), 'not accepted, waits: rate_limited 300000', false],
  ['429, Retry-After unreadable', status(429, { retryAfter: 'soon' }), 'not accepted, waits: rate_limited -', false],
  ['429, Retry-After 1.5', status(429, { retryAfter: '1.5' }), 'not accepted, waits: rate_limited -', false],
  ['429, Retry-After -5', status(429, { retryAfter: '-5' }), 'not accepted, waits: rate_limited -', false],
  [
    '429, Retry-After a date gone by',
    status(429, { retryAfter: 'Wed, 21 Oct 2015 07:28:00 GMT' }),
    'not accepted, waits: rate_limited 0',
    false,
  ],
  ['503', status(503), 'not accepted, waits: unavailable -', false],
  ['503, Retry-After 7', status(503, { retryAfter: 7 }), 'not accepted, waits: unavailable 7000', false],
  [
    '503 before the body',
    { prepare: knot => knot.setOutage({ status: 503 }) },
    'not accepted, waits: unavailable -',
    false,
  ],
  ['unknown 4xx code', coded(422, 'SOMETHING_NEW'), 'REJECTED/unknown_error', false],
  [
    '4xx without a word',
    http({ kind: 'body', body: 'empty', status: 400, landed: false }),
    'REJECTED/unknown_error',
    false,
  ],
  ['4xx garbage', http({ kind: 'body', body: 'garbage', status: 400, landed: false }), 'REJECTED/unknown_error', false],
]

const ambiguous: Row[] = [
  ...[500, 502, 504].flatMap((code): Row[] => [
    [`${code} after nothing was done`, status(code), 'AMBIGUOUS/server_error', false],
    [`${code} after it landed`, status(code, { landed: true }), 'AMBIGUOUS/server_error', true],
  ]),
  ['500 before the body', { prepare: knot => knot.setOutage({ status: 500 }) }, 'AMBIGUOUS/server_error', false],
  ['500 garbage', http({ kind: 'body', body: 'garbage', status: 500 }), 'AMBIGUOUS/server_error', true],
  ['500 huge', http({ kind: 'body', body: 'huge', status: 500 }), 'AMBIGUOUS/server_error', true],
  ['408', status(408), 'AMBIGUOUS/timeout', false],
  ['4xx with its code lost', http({ kind: 'body', body: 'huge', status: 400 }), 'AMBIGUOUS/connection_lost', true],
  ['timeout', http({ kind: 'hold', holdMs: TIMEOUT_MS * 2 }), 'AMBIGUOUS/timeout', true],
  ['reset before the body is read', unread, 'AMBIGUOUS/connection_lost', false],
  ['reset after the body', http({ kind: 'drop', when: 'after_body' }), 'AMBIGUOUS/connection_lost', false],
  ['reset before the answer', http({ kind: 'drop', when: 'before_answer' }), 'AMBIGUOUS/connection_lost', true],
]

const successes: Row[] = [
  ['200 cut off in its body', http({ kind: 'drop', when: 'in_answer' }), 'AMBIGUOUS/connection_lost', true],
  ['200 garbage', http({ kind: 'body', body: 'garbage' }), 'AMBIGUOUS/server_error', true],
  ['200 garbage of a proxy', http({ kind: 'body', body: 'garbage', landed: false }), 'AMBIGUOUS/server_error', false],
  ['200 empty', http({ kind: 'body', body: 'empty' }), 'AMBIGUOUS/server_error', true],
  ['200 huge', http({ kind: 'body', body: 'huge' }), 'AMBIGUOUS/connection_lost', true],
  ['200 late but in time', http({ kind: 'hold', holdMs: TIMEOUT_MS / 4 }), 'ACCEPTED', true],
]

describe('the HTTP policy, one push each', () => {
  it.each([...certain, ...ambiguous, ...successes])('%s', async (_, circumstances, verdict, landed) => {
    expect(await push(circumstances)).toEqual({ verdict, landed, pushes: 1 })
  })

  it('a connection that is refused', async () => {
    const told = await push({ prepare: knot => knot.stop() })
    expect(told).toEqual({ verdict: 'not accepted, waits: unreachable -', landed: false, pushes: 0 })
  })

  it.each([
    [301, 'AMBIGUOUS/server_error'],
    [302, 'AMBIGUOUS/server_error'],
    [303, 'AMBIGUOUS/server_error'],
    [307, 'not accepted, waits: unavailable -'],
    [308, 'not accepted, waits: unavailable -'],
  ] as const)('a redirect %d is not followed: the other origin sees nothing', async (code, verdict) => {
    for (const form of ['jwe', 'plain'] as const) {
      const prepare = planned({ http: { kind: 'redirect', status: code, location: `${elsewhereUrl}/card` } })
      expect(await push({ form, prepare })).toEqual({ verdict, landed: false, pushes: 1 })
    }
    expect(elsewhere).toEqual([])
  })
})
