import { afterEach, beforeEach, expect, test } from 'vitest'
import { startKnot } from '../../../../sandbox/knot/knotSimulator.ts'
import type { KnotSimulator } from '../../../../sandbox/knot/knotSimulator.ts'
import type { PushScript } from '../../../../sandbox/knot/script.ts'
import { KnotCaller, goodData } from './knotCaller.ts'

const ids = { external_user_id: 'user-1', merchant_id: 19 }

let knot: KnotSimulator
let caller: KnotCaller
const events = (): string[] => knot.webhooks().map(({ payload }) => payload.event)

beforeEach(async () => {
  knot = await startKnot({ webhookDelayMs: 10, duplicateGapMs: 5 })
  caller = new KnotCaller(knot)
  knot.link({ userId: 'user-1', merchantId: 19, cardId: 'card-1' })
})
afterEach(() => knot.stop())

test.each<{ name: string; script: PushScript; expected: string[] }>([
  { name: 'success', script: {}, expected: ['CARD_UPDATED'] },
  { name: 'failure', script: { outcome: 'failed' }, expected: ['CARD_FAILED'] },
  { name: 'progress first', script: { updating: true }, expected: ['CARD_UPDATING', 'CARD_UPDATED'] },
  { name: 'duplicates', script: { duplicates: 2 }, expected: ['CARD_UPDATED', 'CARD_UPDATED', 'CARD_UPDATED'] },
  { name: 'silence', script: { dropWebhook: true }, expected: [] },
])('an accepted push ends as scripted: $name', async ({ script, expected }) => {
  knot.script('user-1', 19, script)
  expect(await caller.pushJwe(ids)).toMatchObject({ status: 200 })
  await knot.settled()
  expect(events()).toEqual(expected)
})

test('a result names user, merchant, link and reason as seed 003 does', async () => {
  knot.script('user-1', 19, { outcome: 'failed', reason: 'too close to end of billing cycle' })
  await caller.pushPlain(ids)
  await knot.settled()
  const { payload } = knot.webhooks()[0]!
  expect(Object.keys(payload)).toEqual([
    'event',
    'session_id',
    'task_id',
    'external_user_id',
    'merchant',
    'data',
    'timestamp',
  ])
  expect(payload).toMatchObject({
    external_user_id: 'user-1',
    merchant: { id: 19, name: 'DoorDash' },
    data: { card_id: 'card-1', reason: 'too close to end of billing cycle' },
  })
})

test('a success puts the card on file, a failure leaves the old one', async () => {
  const otherCard = { ...goodData, card: { number: '5555555555554444', expiration: '08/2050', cvv: '321' } }
  await caller.pushPlain(ids)
  await knot.settled()
  const onFile = { last4: '4242', fingerprint: knot.fingerprint(goodData.card) }
  expect(knot.account('user-1', 19)?.cardOnFile).toEqual(onFile)
  knot.script('user-1', 19, { outcome: 'failed' })
  await caller.pushPlain(ids, otherCard)
  await knot.settled()
  expect(knot.account('user-1', 19)?.cardOnFile).toEqual(onFile)
})

test('scripts are taken in order, the last one stays, a refused push takes none', async () => {
  knot.script('user-1', 19, { outcome: 'failed' }, {})
  await caller.pushPlain(ids, { ...goodData, card: { ...goodData.card, cvv: '1' } })
  for (let push = 0; push < 3; push += 1) {
    await caller.pushPlain(ids)
    await knot.settled()
  }
  expect(events()).toEqual(['CARD_FAILED', 'CARD_UPDATED', 'CARD_UPDATED'])
})

test.each([
  { http: { kind: 'answer', status: 503, retryAfter: 7 }, status: 503, retryAfter: '7', landed: false },
  { http: { kind: 'answer', status: 429 }, status: 429, retryAfter: null, landed: false },
  { http: { kind: 'answer', status: 500, landed: true }, status: 500, retryAfter: null, landed: true },
] as const)('a scripted $status answers so; landed: $landed', async ({ http, status, retryAfter, landed }) => {
  knot.script('user-1', 19, { http }, {})
  expect(await caller.pushPlain(ids)).toMatchObject({ status, retryAfter })
  await knot.settled()
  expect(events()).toEqual(landed ? ['CARD_UPDATED'] : [])
  expect(knot.pushes('user-1', 19)).toMatchObject([{ status, landed }])
})

test('a scripted body is answered as it is', async () => {
  const body = { error_type: 'MERCHANT_ERROR', error_code: 'MERCHANT_UNAVAILABLE', error_message: 'down' }
  knot.script('user-1', 19, { http: { kind: 'answer', status: 400, body } })
  expect(await caller.pushPlain(ids)).toMatchObject({ status: 400, body })
})

test('a held answer comes late, its webhook does not wait for it', async () => {
  knot.script('user-1', 19, { http: { kind: 'hold', holdMs: 200 } })
  const startedAtMs = Date.now()
  const pushing = caller.pushPlain(ids)
  await expect.poll(events).toEqual(['CARD_UPDATED'])
  expect(Date.now() - startedAtMs).toBeLessThan(180)
  expect(await pushing).toMatchObject({ status: 200 })
  expect(Date.now() - startedAtMs).toBeGreaterThanOrEqual(195)
})

test('the log tells pushes that overlapped from pushes in a row', async () => {
  await caller.pushPlain(ids)
  await knot.settled()
  await caller.pushPlain(ids)
  await knot.settled()
  expect(knot.pushesInFlightMax('user-1', 19)).toBe(1)
  knot.script('user-1', 19, { http: { kind: 'hold', holdMs: 150 } })
  const held = caller.pushPlain(ids)
  await expect.poll(() => knot.pushes().length).toBe(3)
  await caller.pushPlain(ids)
  await held
  expect(knot.pushesInFlightMax('user-1', 19)).toBe(2)
  expect(knot.pushesInFlightMax('user-1', 12)).toBe(0)
})

test('a push whose caller has hung up is open no longer, although it is held', async () => {
  knot.script('user-1', 19, { http: { kind: 'hold', holdMs: 5_000 } })
  const hungUp = new AbortController()
  const held = caller.pushPlain(ids, undefined, hungUp.signal).catch(() => 'hung up')
  await expect.poll(events).toEqual(['CARD_UPDATED'])
  hungUp.abort()
  expect(await held).toBe('hung up')
  await expect.poll(() => knot.pushes('user-1', 19)).toMatchObject([{ status: null, landed: true }])
  await caller.pushPlain(ids)
  expect(knot.pushesInFlightMax('user-1', 19)).toBe(1)
})

test.each([
  { when: 'after_body', landed: false },
  { when: 'before_answer', landed: true },
] as const)('a connection dropped $when: landed $landed', async ({ when, landed }) => {
  knot.script('user-1', 19, { http: { kind: 'drop', when } })
  await expect(caller.pushPlain(ids)).rejects.toThrow('fetch failed')
  await knot.settled()
  expect(knot.pushes('user-1', 19)).toMatchObject([{ status: null, landed }])
  expect(events()).toEqual(landed ? ['CARD_UPDATED'] : [])
})

test('a connection can be dropped before its body is read', async () => {
  knot.dropNext(1)
  await expect(caller.pushPlain(ids)).rejects.toThrow('fetch failed')
  expect(knot.pushes()).toMatchObject([{ status: null, userId: null, landed: false }])
  expect(await caller.pushPlain(ids)).toMatchObject({ status: 200 })
})

test('an outage answers everything until it ends', async () => {
  knot.setOutage({ status: 503, retryAfter: 2 })
  expect(await caller.get('/jwe/key')).toMatchObject({ status: 503, retryAfter: '2' })
  expect(await caller.pushPlain(ids)).toMatchObject({ status: 503 })
  knot.setOutage(null)
  expect(await caller.pushPlain(ids)).toMatchObject({ status: 200 })
})

test('last_user_action moves only where the simulator is told that pushes move it', async () => {
  const moving = await startKnot({ webhookDelayMs: 5, pushMovesLastUserAction: true })
  try {
    for (const simulator of [knot, moving]) {
      simulator.link({ userId: 'user-1', merchantId: 19 })
      await new KnotCaller(simulator).pushPlain(ids)
      await simulator.settled()
    }
    expect(knot.account('user-1', 19)?.lastUserAction).toBeNull()
    expect(moving.account('user-1', 19)?.lastUserAction).toMatchObject({ status: 'enrolled' })
  } finally {
    await moving.stop()
  }
})
