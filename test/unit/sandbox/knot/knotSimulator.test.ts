import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startKnot } from '../../../../sandbox/knot/knotSimulator.ts'
import type { KnotSimulator } from '../../../../sandbox/knot/knotSimulator.ts'
import { KnotCaller, goodData } from './knotCaller.ts'

const ids = { external_user_id: 'user-1', merchant_id: 19 }
const refused = (status: number, errorCode: string): object => ({
  status,
  body: expect.objectContaining({ error_code: errorCode }) as unknown,
})

let knot: KnotSimulator
let caller: KnotCaller

beforeEach(async () => {
  knot = await startKnot({ webhookDelayMs: 10, taskWindowMs: 300 })
  caller = new KnotCaller(knot)
  knot.link({ userId: 'user-1', merchantId: 19 })
})
afterEach(() => knot.stop())

describe('accounts', () => {
  test('a linked account is shown with the scope that allows an update', async () => {
    expect(await caller.get('/accounts/get?external_user_id=user-1&type=card_switcher')).toMatchObject({
      status: 200,
      body: [
        {
          merchant: { id: 19, name: 'DoorDash' },
          connection: { status: 'connected', scopes: [{ type: 'update_card' }] },
          lifecycle: { status: null },
          last_user_action: { attempted_at: null, status: null },
        },
      ],
    })
  })

  test('with merchant_id the answer is one object, not a list', async () => {
    const { body } = await caller.get('/accounts/get?external_user_id=user-1&merchant_id=19')
    expect(body).toMatchObject({ merchant: { id: 19 } })
  })

  test('a disconnected account stays, without scopes; an unlinked one goes', async () => {
    knot.link({ userId: 'user-1', merchantId: 12 })
    knot.disconnect('user-1', 19)
    knot.unlink('user-1', 12)
    const { body } = await caller.get('/accounts/get?external_user_id=user-1')
    expect(body).toMatchObject([{ merchant: { id: 19 }, connection: { status: 'disconnected', scopes: [] } }])
    expect(body).toHaveLength(1)
  })

  test.each([
    { query: 'external_user_id=nobody', error: refused(404, 'USER_NOT_FOUND') },
    { query: 'external_user_id=user-1&merchant_id=7', error: refused(404, 'MERCHANT_ACCOUNT_NOT_FOUND') },
    { query: 'external_user_id=user-1&merchant_id=x', error: refused(400, 'INVALID_FIELD') },
    { query: 'external_user_id=user-1&type=other', error: refused(400, 'INVALID_FIELD') },
    { query: '', error: refused(400, 'INVALID_FIELD') },
  ])('"$query" is refused', async ({ query, error }) => {
    expect(await caller.get(`/accounts/get?${query}`)).toMatchObject(error)
  })
})

describe('who may call', () => {
  test.each(['/accounts/get?external_user_id=user-1', '/jwe/key'])('%s needs the right secret', async path => {
    expect(await new KnotCaller(knot, 'wrong').get(path)).toMatchObject(refused(401, 'INVALID_API_KEYS'))
  })

  test('a push needs the right secret on both hosts', async () => {
    const stranger = new KnotCaller(knot, 'wrong')
    expect(await stranger.post('/card', {})).toMatchObject(refused(401, 'INVALID_API_KEYS'))
    expect(await stranger.pushPlain(ids)).toMatchObject(refused(401, 'INVALID_API_KEYS'))
    expect(knot.pushes()).toMatchObject([
      { status: 401, landed: false },
      { status: 401, landed: false },
    ])
  })

  test('without access a push is refused, other calls are not', async () => {
    knot.denyAccess(true)
    expect(await caller.pushPlain(ids)).toMatchObject(refused(403, 'NO_ACCESS'))
    expect(await caller.get('/jwe/key')).toMatchObject({ status: 200 })
    knot.denyAccess(false)
    expect(await caller.pushPlain(ids)).toMatchObject({ status: 200 })
  })
})

describe('the key', () => {
  test('is one JWK of 2048 bits for RSA-OAEP-256', async () => {
    const { body } = await caller.get('/jwe/key')
    expect(body).toMatchObject({ alg: 'RSA-OAEP-256', e: 'AQAB', key_ops: ['encrypt'], kty: 'RSA', use: 'enc' })
    expect(Buffer.from((body as { n: string }).n, 'base64url')).toHaveLength(256)
  })

  test('after a rotation the old key is worthless at once', async () => {
    const jwe = await caller.encrypt(goodData)
    const kid = await knot.rotateKey()
    expect(await caller.post('/card', { jwe, ...ids })).toMatchObject(refused(400, 'INVALID_JWE'))
    expect((await caller.get('/jwe/key')).body).toMatchObject({ kid })
    expect(await caller.pushJwe(ids)).toMatchObject({ status: 200, body: { message: 'Success' } })
  })
})

describe('the four forms of a push', () => {
  test('encrypted, to an account', async () => {
    expect(await caller.pushJwe({ ...ids, card_name: 'My Card' })).toMatchObject({
      status: 200,
      body: { message: 'Success' },
    })
    expect(knot.pushes('user-1', 19)).toMatchObject([{ form: 'jwe', last4: '4242', status: 200, landed: true }])
  })

  test('plain, to an account', async () => {
    expect(await caller.pushPlain(ids)).toMatchObject({ status: 200, body: { message: 'Success' } })
    expect(knot.pushes('user-1', 19)).toMatchObject([{ form: 'plain', last4: '4242', landed: true }])
  })

  test.each(['pushJwe', 'pushPlain'] as const)('%s, to a task', async push => {
    knot.link({ userId: 'user-1', merchantId: 12, announce: true, sendCard: true })
    const { payload } = knot.webhooks().at(-1)!
    expect(payload).toMatchObject({ event: 'AUTHENTICATED', data: { send_card: true } })
    const taskId = String(payload.task_id)
    expect(await caller[push]({ task_id: taskId })).toMatchObject({ status: 200 })
    await knot.settled()
    expect(knot.webhooks().at(-1)?.payload).toMatchObject({
      event: 'CARD_UPDATED',
      task_id: payload.task_id,
      merchant: { id: 12 },
    })
    expect(await caller[push]({ task_id: taskId })).toMatchObject({ status: 400 })
  })

  test('a task that gets no card in time fails by itself', async () => {
    knot.link({ userId: 'user-1', merchantId: 12, announce: true, sendCard: true })
    await knot.settled()
    expect(knot.webhooks().at(-1)?.payload).toMatchObject({
      event: 'CARD_FAILED',
      data: { reason: 'did not receive payment method information' },
    })
  })

  test.each([
    { name: 'both ids', extra: { ...ids, task_id: '1' } },
    { name: 'no ids', extra: {} },
    { name: 'a user without a merchant', extra: { external_user_id: 'user-1' } },
    { name: 'a merchant without a user', extra: { merchant_id: 19 } },
    { name: 'a merchant id in quotes', extra: { external_user_id: 'user-1', merchant_id: '19' } },
    { name: 'a task id without quotes', extra: { task_id: 1 } },
    { name: 'an unknown task', extra: { task_id: '1' } },
    { name: 'a card name that is no text', extra: { ...ids, card_name: 7 } },
  ])('$name: refused in both forms', async ({ extra }) => {
    expect(await caller.pushPlain(extra)).toMatchObject(refused(400, 'INVALID_FIELD'))
    expect(await caller.pushJwe(extra)).toMatchObject(refused(400, 'INVALID_FIELD'))
  })

  test.each([
    { name: 'plain card on the API host', host: 'url', body: { ...goodData, ...ids } },
    { name: 'JWE on the secure host', host: 'secureUrl', body: { jwe: 'a.b.c.d.e', ...ids } },
    { name: 'both card forms', host: 'secureUrl', body: { jwe: 'a.b.c.d.e', ...goodData, ...ids } },
    { name: 'no JSON', host: 'url', body: '{"jwe":' },
    { name: 'a list', host: 'url', body: [] },
  ] as const)('$name: refused', async ({ host, body }) => {
    expect(await caller.post('/card', body, knot[host])).toMatchObject(refused(400, 'INVALID_FIELD'))
  })
})

describe('a JWE that Knot cannot read', () => {
  const header = { error_code: 'INVALID_JWE', error_message: 'The jwe is invalid.' }
  test.each([
    { name: 'another kid', make: () => caller.encrypt(goodData, { kid: 'other' }) },
    { name: 'another alg', make: () => caller.encrypt(goodData, { alg: 'RSA-OAEP' }) },
    { name: 'another enc', make: () => caller.encrypt(goodData, { enc: 'A128GCM' }) },
    { name: 'a changed tag', make: async () => (await caller.encrypt(goodData)).replace(/.{4}$/, 'AAAA') },
    { name: 'no JWE at all', make: () => Promise.resolve('hello') },
    { name: 'not a text', make: () => Promise.resolve(7) },
  ])('$name', async ({ make }) => {
    expect(await caller.post('/card', { jwe: await make(), ...ids })).toMatchObject({ status: 400, body: header })
  })

  test('a JWE that comes a second time is noted', async () => {
    const jwe = await caller.encrypt(goodData)
    await caller.post('/card', { jwe, ...ids })
    await knot.settled()
    await caller.post('/card', { jwe, ...ids })
    expect(knot.pushes().map(push => push.jweReused)).toEqual([false, true])
  })
})

describe('the account', () => {
  test.each([
    { name: 'unknown user', target: { ...ids, external_user_id: 'nobody' }, error: refused(404, 'USER_NOT_FOUND') },
    { name: 'not linked', target: { ...ids, merchant_id: 7 }, error: refused(404, 'MERCHANT_ACCOUNT_NOT_FOUND') },
    { name: 'without scope', target: { ...ids, merchant_id: 44 }, error: refused(404, 'MERCHANT_ACCOUNT_NOT_FOUND') },
    { name: 'disconnected', target: { ...ids, merchant_id: 45 }, error: refused(400, 'MERCHANT_ACCOUNT_DISCONNECTED') },
  ])('$name', async ({ target, error }) => {
    knot.link({ userId: 'user-1', merchantId: 44, updateCard: false })
    knot.link({ userId: 'user-1', merchantId: 45 })
    knot.disconnect('user-1', 45)
    expect(await caller.pushJwe(target)).toMatchObject(error)
  })

  test('is busy until the result is out, for this merchant only', async () => {
    knot.script('user-1', 19, { delayMs: 200 })
    knot.link({ userId: 'user-1', merchantId: 12 })
    expect(await caller.pushPlain(ids)).toMatchObject({ status: 200 })
    expect(await caller.pushPlain(ids)).toMatchObject({
      status: 400,
      body: { error_type: 'MERCHANT_ACCOUNT_ERROR', error_code: 'ONGOING_OPERATION' },
    })
    expect(await caller.pushPlain({ ...ids, merchant_id: 12 })).toMatchObject({ status: 200 })
    await knot.settled()
    expect(await caller.pushPlain(ids)).toMatchObject({ status: 200 })
  })

  test('is busy while somebody else occupies it', async () => {
    const release = knot.occupy('user-1', 19)
    expect(await caller.pushPlain(ids)).toMatchObject(refused(400, 'ONGOING_OPERATION'))
    release()
    expect(await caller.pushPlain(ids)).toMatchObject({ status: 200 })
  })

  test('of many pushes at once one is accepted, and the log knows how many were open', async () => {
    // Longer than five requests take on any machine: a push after the first one's end would be accepted, and rightly.
    knot.script('user-1', 19, { delayMs: 1_000 })
    const answers = await Promise.all(Array.from({ length: 5 }, () => caller.pushPlain(ids)))
    expect(answers.map(answer => answer.status).sort()).toEqual([200, 400, 400, 400, 400])
    expect(knot.pushesInFlightMax('user-1', 19)).toBeGreaterThan(0)
    expect(knot.pushes().filter(push => push.landed)).toHaveLength(1)
  })

  test('the development calls link and disconnect, and say so', async () => {
    expect(
      await caller.post('/development/accounts/link', {
        external_user_id: 'user-2',
        merchant_id: 16,
        card_switcher: true,
        card_id: 'card-2',
      }),
    ).toMatchObject({ status: 200 })
    expect(
      await caller.post('/development/accounts/disconnect', { external_user_id: 'user-2', merchant_id: 16 }),
    ).toMatchObject({ status: 200 })
    expect(knot.account('user-2', 16)).toMatchObject({ connected: false, cardId: 'card-2' })
    expect(knot.webhooks().map(({ payload }) => payload.event)).toEqual(['AUTHENTICATED', 'ACCOUNT_LOGIN_REQUIRED'])
    expect(await caller.post('/accounts/unlink', { external_user_id: 'user-2', merchant_id: 16 })).toMatchObject({
      status: 200,
    })
    expect(knot.account('user-2', 16)).toBeUndefined()
  })
})
