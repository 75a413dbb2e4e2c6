import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Evidence } from '../../../../sandbox/demo/evidence.ts'
import { askWitnesses, metricSum } from '../../../../sandbox/demo/witnesses.ts'
import { startKnot } from '../../../../sandbox/knot/knotSimulator.ts'
import type { KnotSimulator } from '../../../../sandbox/knot/knotSimulator.ts'
import { renewedCard, testCard, testPerson } from '../../../../sandbox/people.ts'
import { outcome, suppression } from './records.ts'

const NETFLIX = 16
const card = testCard(1)
let knot: KnotSimulator

/** A real push of `card` for u-1 at Netflix, in plain form. */
beforeAll(async () => {
  knot = await startKnot({ webhookDelayMs: 0 })
  knot.link({ userId: 'u-1', merchantId: NETFLIX })
  const answer = await fetch(`${knot.secureUrl}/card`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Basic ${Buffer.from(`${knot.clientId}:${knot.secret}`).toString('base64')}`,
    },
    body: JSON.stringify({ external_user_id: 'u-1', merchant_id: NETFLIX, user: testPerson(1), card }),
  })
  expect(answer.status).toBe(200)
  await knot.settled()
})
afterAll(() => knot.stop())

const updated = outcome({ merchant_id: NETFLIX, merchant_name: 'Netflix', status: 'UPDATED', attempt: 1 })
const evidence = (changes: Partial<Evidence> = {}): Evidence => ({
  inputs: [],
  outcomes: [updated],
  commands: [],
  suppressions: [],
  deadLetters: [],
  ...changes,
})
const bookWith = (current: typeof card) => ({ current: () => current })

test('the card on file is compared with the one in the vault', () => {
  const ask = (current: typeof card, seen = evidence()) => askWitnesses(seen, knot, bookWith(current), '').cardsOnFile
  const onFile = { userId: 'u-1', merchantName: 'Netflix' }
  expect(ask(card)).toEqual([{ ...onFile, isCurrent: true }])
  expect(ask(renewedCard(card))).toEqual([{ ...onFile, isCurrent: false }])
  const stopped = evidence({ suppressions: [{ key: 'k', suppression: suppression() }] })
  expect(ask(renewedCard(card), stopped)).toEqual([{ ...onFile, isCurrent: true }])
})

test('only where the last attempt ended in UPDATED', () => {
  const failed = outcome({ ...updated, decision_seq: 2, status: 'FAILED' })
  const skipped = outcome({ ...updated, decision_seq: 2, status: 'SKIPPED', attempt: 0 })
  const ask = (last: typeof failed) =>
    askWitnesses(evidence({ outcomes: [updated, last] }), knot, bookWith(card), '').cardsOnFile.length
  expect(ask(failed)).toBe(0)
  expect(ask(skipped)).toBe(1)
})

test("Knot's pushes are counted, and how many were open at once", () => {
  expect(askWitnesses(evidence(), knot, bookWith(card), '').pushes).toEqual({ received: 1, landed: 1, maxInFlight: 1 })
})

test('a counter is summed over its labels, and only that counter', () => {
  const page = [
    '# HELP onfile_records_ignored_total x',
    'onfile_records_ignored_total{topic="a",kind="b"} 2',
    'onfile_records_ignored_total{topic="a",kind="c d"} 3',
    'onfile_records_ignored_total_other 7',
    'onfile_user_events_ignored_total{kind="CARD_UPDATING"} 1',
    'onfile_up 1',
  ].join('\n')
  expect(metricSum(page, 'onfile_records_ignored_total')).toBe(5)
  expect(metricSum(page, 'onfile_up')).toBe(1)
  expect(metricSum(page, 'absent')).toBe(0)
  expect(askWitnesses(evidence(), knot, bookWith(card), page).ignoredByMetric).toBe(6)
})
