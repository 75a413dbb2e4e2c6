import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FaultPlan, FaultPlanError, faultName } from '../../../../sandbox/knot/faultPlan.ts'
import type { FaultStep, PlannedFault } from '../../../../sandbox/knot/faultPlan.ts'
import { startKnot } from '../../../../sandbox/knot/knotSimulator.ts'
import type { KnotSimulator } from '../../../../sandbox/knot/knotSimulator.ts'
import { KnotCaller } from './knotCaller.ts'

const answer = (status: number): PlannedFault => ({ http: { kind: 'answer', status } })
const named = (fault: PlannedFault | null): string => (fault === null ? 'none' : faultName(fault))

describe('a plan', () => {
  test('steps happen in order, each as often as it says, an account before everybody', () => {
    const plan = new FaultPlan()
    plan.add({ userId: '*', merchantId: '*', fault: answer(500), requests: 2 })
    plan.add({ userId: 'ada', merchantId: 19, fault: answer(429), requests: 2 })
    plan.add({ userId: 'ada', merchantId: 19, fault: answer(503) })
    plan.add({ userId: '*', merchantId: 12, fault: answer(502) })
    const pushes: [string, number][] = [
      ['ada', 19],
      ['bob', 19],
      ['ada', 19],
      ['ada', 19],
      ['ada', 19],
      ['ada', 19],
      ['eve', 12],
      ['eve', 12],
    ]
    expect(pushes.map(([userId, merchantId]) => named(plan.take(userId, merchantId, null)))).toEqual([
      'answer 429',
      'answer 500',
      'answer 429',
      'answer 503',
      'answer 500',
      'none',
      'answer 502',
      'none',
    ])
    expect(plan.open()).toBe(0)
  })

  test.each<{ name: string; step: FaultStep }>([
    { name: 'drop_unread of one user', step: { userId: 'ada', merchantId: '*', fault: 'drop_unread' } },
    { name: 'drop_unread of one merchant', step: { userId: '*', merchantId: 19, fault: 'drop_unread' } },
    { name: 'no request', step: { userId: '*', merchantId: '*', fault: answer(500), requests: 0 } },
    { name: 'half a request', step: { userId: '*', merchantId: '*', fault: answer(500), requests: 0.5 } },
  ])('refuses $name', ({ step }) => {
    expect(() => new FaultPlan().add(step)).toThrow(FaultPlanError)
  })

  test.each([-0.1, 1.1, NaN])('refuses a share of %d', share => {
    expect(() => new FaultPlan().random({ seed: 1, share })).toThrow(FaultPlanError)
  })
})

describe('chance', () => {
  const draws = (seed: number, share: number): string[] => {
    const plan = new FaultPlan()
    plan.random({ seed, share, redirectTo: 'http://127.0.0.1:1/' })
    return Array.from({ length: 4000 }, () => named(plan.arrive()))
  }

  test('the same seed gives the same faults, another seed others', () => {
    expect(draws(7, 0.2)).toEqual(draws(7, 0.2))
    expect(draws(7, 0.2)).not.toEqual(draws(8, 0.2))
  })

  test('keeps its share and leaves out no kind', () => {
    const drawn = draws(7, 0.2).filter(name => name !== 'none')
    expect(drawn.length / 4000).toBeGreaterThan(0.17)
    expect(drawn.length / 4000).toBeLessThan(0.23)
    expect([...new Set(drawn)].sort()).toEqual([
      'answer 400 INVALID_JWE',
      'answer 400 MERCHANT_UNAVAILABLE',
      'answer 429',
      'answer 500',
      'answer 502',
      'answer 503',
      'delay',
      'drop after_body',
      'drop before_answer',
      'drop in_answer',
      'drop unread',
      'empty body',
      'garbage body',
      'huge body',
      'redirect 302',
      'redirect 307',
      'redirect 308',
      'webhook delayed',
      'webhook duplicate',
      'webhook lost',
      'webhook reordered',
    ])
  })

  test('a step goes before chance, and null ends it', () => {
    const plan = new FaultPlan()
    plan.random({ seed: 1, share: 1 })
    plan.add({ userId: 'ada', merchantId: 19, fault: answer(500) })
    expect(named(plan.take('ada', 19, { dropWebhook: true }))).toBe('answer 500')
    expect(named(plan.take('ada', 19, { dropWebhook: true }))).toBe('webhook lost')
    plan.random(null)
    expect(plan.arrive()).toBeNull()
  })
})

describe('the simulator under a plan', () => {
  const ids = { external_user_id: 'user-1', merchant_id: 19 }
  let knot: KnotSimulator
  let caller: KnotCaller
  beforeEach(async () => {
    knot = await startKnot({ webhookDelayMs: 10, duplicateGapMs: 5 })
    caller = new KnotCaller(knot)
    for (const merchantId of [19, 12]) knot.link({ userId: 'user-1', merchantId })
  })
  afterEach(() => knot.stop())

  test('the log tells what went wrong with which push', async () => {
    knot.planFaults(
      { userId: '*', merchantId: '*', fault: 'drop_unread' },
      { userId: 'user-1', merchantId: '*', fault: { http: { kind: 'drop', when: 'in_answer' } } },
    )
    await expect(caller.pushPlain(ids)).rejects.toThrow()
    await expect(caller.pushPlain(ids)).rejects.toThrow()
    await knot.settled()
    expect(await caller.pushPlain(ids)).toMatchObject({ status: 200 })
    expect(knot.faultsLeft()).toBe(0)
    expect(knot.pushes()).toMatchObject([
      { userId: null, fault: 'drop unread', status: null, landed: false },
      { userId: 'user-1', fault: 'drop in_answer', status: null, landed: true },
      { userId: 'user-1', fault: null, status: 200, landed: true },
    ])
    expect(knot.pushesInFlightMax('user-1', 19)).toBe(1)
  })

  test('a push that is refused anyway has no fault in the log', async () => {
    const release = knot.occupy('user-1', 19)
    knot.planFaults({ userId: 'user-1', merchantId: 19, fault: { http: { kind: 'drop', when: 'before_answer' } } })
    expect(await caller.pushPlain(ids)).toMatchObject({ status: 400, body: { error_code: 'ONGOING_OPERATION' } })
    release()
    expect(knot.pushes()).toMatchObject([{ fault: null, errorCode: 'ONGOING_OPERATION' }])
  })

  test('headers of a planned answer go out', async () => {
    const http = { kind: 'answer', status: 503, headers: { 'x-odd': 'yes' }, retryAfter: 3 } as const
    knot.planFaults({ userId: '*', merchantId: '*', fault: { http } })
    const response = await fetch(`${knot.url}/card`, {
      method: 'POST',
      headers: { authorization: caller.authorization, 'content-type': 'application/json' },
      body: JSON.stringify({ jwe: 'a', ...ids }),
    })
    expect([response.status, response.headers.get('x-odd'), response.headers.get('retry-after')]).toEqual([
      503,
      'yes',
      '3',
    ])
  })

  const merchants = (): unknown[] => knot.webhooks().map(({ payload }) => (payload.merchant as { id: number }).id)

  test.each<{ name: string; fault: PlannedFault; expected: number[] }>([
    { name: 'none', fault: {}, expected: [19, 12] },
    { name: 'lost', fault: { dropWebhook: true }, expected: [12] },
    { name: 'duplicate', fault: { duplicates: 1 }, expected: [19, 19, 12] },
    { name: 'delayed', fault: { webhookDelayMs: 150 }, expected: [12, 19] },
    { name: 'reordered', fault: { overtaken: true }, expected: [12, 19] },
  ])('webhook $name', async ({ fault, expected }) => {
    knot.planFaults({ userId: 'user-1', merchantId: 19, fault })
    await caller.pushPlain(ids)
    await expect.poll(() => knot.account('user-1', 19)?.cardOnFile).not.toBeNull()
    await new Promise(resolve => setTimeout(resolve, 30))
    await caller.pushPlain({ ...ids, merchant_id: 12 })
    await knot.settled()
    expect(merchants()).toEqual(expected)
  })

  test('a result that nothing overtakes goes out by itself', async () => {
    knot.planFaults({ userId: '*', merchantId: 19, fault: { overtaken: true } })
    await caller.pushPlain(ids)
    await knot.settled()
    expect(merchants()).toEqual([19])
  })
})
