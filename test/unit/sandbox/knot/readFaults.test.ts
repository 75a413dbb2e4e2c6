import { afterEach, beforeEach, expect, test } from 'vitest'
import { FaultPlanError } from '../../../../sandbox/knot/faultPlan.ts'
import { startKnot } from '../../../../sandbox/knot/knotSimulator.ts'
import type { KnotSimulator } from '../../../../sandbox/knot/knotSimulator.ts'
import { ReadFaults } from '../../../../sandbox/knot/readFaults.ts'
import { KnotCaller } from './knotCaller.ts'

const ACCOUNTS = '/accounts/get?external_user_id=user-1'

let knot: KnotSimulator
let caller: KnotCaller
beforeEach(async () => {
  knot = await startKnot({ webhookDelayMs: 10 })
  caller = new KnotCaller(knot)
  knot.link({ userId: 'user-1', merchantId: 19 })
})
afterEach(() => knot.stop())

test('chance leaves out no kind, and the same seed gives the same ones', () => {
  const kinds = (seed: number): string[] => {
    const faults = new ReadFaults()
    faults.random({ seed, share: 0.5 })
    for (let read = 0; read < 2_000; read += 1) faults.draw()
    return [...faults.happened()].map(([name, count]) => `${name} x ${count}`)
  }
  expect(kinds(1)).toEqual(kinds(1))
  expect(kinds(1)).toHaveLength(10)
})

test.each([-0.1, 1.1, NaN])('refuses a share of %d', share => {
  expect(() => new ReadFaults().random({ seed: 1, share })).toThrow(FaultPlanError)
})

test('reads go wrong, a push does not, and null ends it', async () => {
  knot.randomReadFaults({ seed: 7, share: 1, maxDelayMs: 5 })
  const ends = new Set<string>()
  for (let read = 0; read < 150; read += 1) {
    const answer = await caller.get(ACCOUNTS).catch(() => null)
    ends.add(answer === null ? 'none' : `${answer.status}`)
  }
  expect([...ends].sort()).toEqual(['200', '429', '500', '502', '503', 'none'])
  expect([...knot.readFaults().values()].reduce((sum, count) => sum + count, 0)).toBe(150)
  expect(await caller.pushPlain({ external_user_id: 'user-1', merchant_id: 19 })).toMatchObject({ status: 200 })
  knot.randomReadFaults(null)
  expect(await caller.get(ACCOUNTS)).toMatchObject({ status: 200, body: [{ merchant: { id: 19 } }] })
})
