import { describe, expect, it } from 'vitest'
import { busyWaitMs, DEFAULT_POLICY, scaledWaitMs } from '../../../src/domain/policy.ts'
import { FAILURE_REASONS, failureOf, normalisedReason, reasonTable, RESUMED_BY } from '../../../src/domain/reasons.ts'
import type { ReasonClass } from '../../../src/domain/reasons.ts'

const M = 60_000
const H = 60 * M
const D = 24 * H

describe('the table of failure reasons', () => {
  it.each<[string, ReasonClass, number[]]>([
    ['insufficient funds', 'delayed_retry', [24 * H, 72 * H]],
    ['too close to end of billing cycle', 'delayed_retry', [3 * D, 7 * D]],
    ['did not receive payment method information', 'auto_retry', [10 * M, 10 * M]],
    ['could not handle payment method information', 'auto_retry', [10 * M, 60 * M]],
    ['could not retrieve payment method information', 'auto_retry', [10 * M]],
    ['session not authenticated', 'user_action', [30 * M]],
    ['other', 'delayed_retry', [H]],
    ['card', 'fix_data', []],
    ['card expired', 'fix_data', []],
    ['card cvv', 'fix_data', []],
    ['account', 'terminal', []],
    ['subscription', 'terminal', []],
    ['third-party payment method on subscription', 'terminal', []],
    ['card in use', 'terminal', []],
    ['subscription admin', 'user_action', []],
    ['too many attempts', 'user_action', []],
    ['credentials', 'user_action', []],
    ['otp', 'user_action', []],
    ['credentials timeout', 'user_action', []],
    ['otp timeout', 'user_action', []],
    ['questions timeout', 'user_action', []],
    ['zip timeout', 'user_action', []],
  ])('%s: %s, waits %j', (reason, reasonClass, waitsMs) => {
    const rule = FAILURE_REASONS.get(reason)
    expect(rule).toMatchObject({ class: reasonClass, retries: waitsMs.length, waitsMs })
    expect(rule?.why).not.toBe('')
    // Whether it does is in resumed.test.ts.
    expect(rule?.resumedBy).not.toBe('')
  })

  it('has no other rows', () => {
    expect(FAILURE_REASONS.size).toBe(22)
  })

  it.each([
    ['  Card   CVV ', 'card_cvv'],
    ['too close to end of billing cycle', 'too_close_to_end_of_billing_cycle'],
    ['Third-Party payment method on subscription', 'third_party_payment_method_on_subscription'],
    ['card_cvv', 'unknown_reason'],
    ['', 'unknown_reason'],
  ])('%j is %s', (reason, code) => {
    expect(failureOf(FAILURE_REASONS, reason).code).toBe(code)
  })

  it.each([
    ['Card 4242 4242 4242 4242 declined', 'Card [digits] declined'],
    ['ref 12-34-56', 'ref [digits]'],
    ['write to jane.doe+x@bank.example now', 'write to [address] now'],
    ['error 42', 'error 42'],
    ['x'.repeat(300), 'x'.repeat(200)],
  ])('an unknown reason is told scrubbed: %j', (reason, raw) => {
    expect(failureOf(FAILURE_REASONS, reason)).toEqual({
      class: 'investigate',
      code: 'unknown_reason',
      retries: 0,
      waitsMs: [],
      rawReason: raw,
    })
  })
})

describe("an issuer's changes", () => {
  it('replace what they name and keep the rest', () => {
    const table = reasonTable({
      'Insufficient  Funds': { retries: 1 },
      OTP: { class: 'terminal' },
      other: { waits: [M, H] },
    })
    expect(table.get('insufficient funds')).toMatchObject({ class: 'delayed_retry', retries: 1 })
    expect(table.get('otp')).toMatchObject({ class: 'terminal', retries: 0, resumedBy: RESUMED_BY.terminal })
    expect(table.get('other')).toMatchObject({ class: 'delayed_retry', retries: 2, waitsMs: [M, H] })
    expect(table.size).toBe(22)
    expect(FAILURE_REASONS.get('otp')?.class).toBe('user_action')
  })

  it('may name a reason that Knot did not have before', () => {
    const table = reasonTable({ 'merchant maintenance': { class: 'auto_retry', waits: [H] } })
    expect(table.get('merchant maintenance')).toMatchObject({ class: 'auto_retry', retries: 1, waitsMs: [H] })
    expect(failureOf(table, 'Merchant Maintenance')).toMatchObject({ code: 'merchant_maintenance', rawReason: null })
  })

  it('are compared as reasons are', () => {
    expect(normalisedReason(' A \t b\nC ')).toBe('a b c')
  })
})

describe('waits', () => {
  it.each([
    [1, 60_000, 60_000],
    [0.5, 60_000, 30_000],
    [0, 60_000, 1_000],
    [10, 500, 5_000],
  ])('scaled by %f: %i ms become %i ms', (retryScale, waitMs, scaled) => {
    expect(scaledWaitMs({ ...DEFAULT_POLICY, retryScale }, waitMs)).toBe(scaled)
  })

  it('of a busy account grow to 10 min', () => {
    expect([1, 2, 3, 4, 100].map(n => busyWaitMs(DEFAULT_POLICY, n))).toEqual([30_000, 2 * M, 10 * M, 10 * M, 10 * M])
  })
})
