import { describe, expect, it } from 'vitest'
import { account, DAY, HOUR, MERCHANT, MINUTE, World } from './world.ts'

/** The first attempt has been accepted and has failed. */
function failed(reason: string, policy = {}): World {
  const world = new World(policy)
  world.lifecycle('updated')
  world.discovered({ vault_version: 'a' })
  world.accepted({ vault_version: 'a' })
  world.news()
  world.knot('CARD_FAILED', { reason })
  return world
}

/** The wait is over, the merchant is there as before, Knot accepts and the attempt fails again. */
function failAgain(world: World, reason: string, waitMs: number): void {
  world.pass(waitMs)
  world.discovered({ vault_version: 'a' })
  world.accepted({ vault_version: 'a' })
  world.knot('CARD_FAILED', { reason })
}

describe('a failure with retries left', () => {
  it.each([
    ['insufficient funds', [DAY, 3 * DAY], 'FAILED'],
    ['too close to end of billing cycle', [3 * DAY, 7 * DAY], 'FAILED'],
    ['did not receive payment method information', [10 * MINUTE, 10 * MINUTE], 'FAILED'],
    ['could not handle payment method information', [10 * MINUTE, HOUR], 'FAILED'],
    ['could not retrieve payment method information', [10 * MINUTE], 'FAILED'],
    ['other', [HOUR], 'FAILED'],
    ['session not authenticated', [30 * MINUTE], 'NEEDS_USER_ACTION'],
  ] as const)('%s waits %j, then ends as %s', (reason, waitsMs, status) => {
    const world = failed(reason)
    const { origin } = world.last('SWITCH')
    const code = reason.replaceAll(' ', '_')
    for (const [i, waitMs] of waitsMs.entries()) {
      expect(world.news().at(-1)).toBe(`RETRY_SCHEDULED ${code} @11`)
      const expected = { final: false, attempt: i + 1, origin, next_attempt_at: world.now + waitMs }
      expect(world.lastOutcome).toMatchObject(expected)
      world.pass(waitMs - 1)
      expect(world.news()).toEqual([])
      failAgain(world, reason, 1)
      expect(world.last('DISCOVER')).toMatchObject({ merchant_id: MERCHANT, attempt: i + 2, origin })
      expect(world.last('SWITCH')).toMatchObject({ attempt: i + 2, origin, source: origin })
    }
    expect(world.news().at(-1)).toBe(`${status} ${code} @11`)
    expect(world.lastOutcome).toMatchObject({ final: true, attempt: waitsMs.length + 1, origin })
    expect(world.at().attempt).toBeNull()
    expect(world.timers.size).toBe(0)
  })

  it.each([
    [{ retryScale: 0.001 }, 10 * MINUTE],
    [{ retryScale: 0.001, minGapMs: 0 }, 3_600],
    [{ retryScale: 2 }, 2 * HOUR],
  ])('the wait under %j', (policy, waitMs) => {
    const world = failed('other', policy)
    expect(world.lastOutcome.next_attempt_at).toBe(world.now + waitMs)
  })

  it('counts from the failure, not from when a backlog let it be read', () => {
    const world = new World()
    world.lifecycle('updated')
    world.discovered()
    world.accepted()
    const failedAt = world.now + MINUTE
    world.pass(40 * MINUTE)
    world.knot('CARD_FAILED', { reason: 'other', timestamp: failedAt })
    expect(world.lastOutcome.next_attempt_at).toBe(failedAt + HOUR)
  })

  it.each([
    ['by its deadline here', true],
    ['by its deadline in PROVISION', false],
  ])('a look that is never answered ends the attempt %s, and may not start after that', (_, isHere) => {
    const world = failed('other')
    world.pass(HOUR)
    expect(world.last('DISCOVER').not_after).toBe(world.now + DAY)
    world.news()
    if (isHere) world.pass(DAY)
    else world.result('NOT_SENT', { reason: 'not_after' }, world.last('DISCOVER'))
    expect(world.news()).toEqual(['NO_RESULT no_result @11'])
    expect(world.at().attempt).toBeNull()
    expect(world.timers.size).toBe(0)
  })

  it('never a fourth attempt, whatever the configuration says', () => {
    const reasons = new Map([
      ['other', { class: 'auto_retry', retries: 9, waitsMs: [HOUR], resumedBy: '-', why: 'test' } as const],
    ])
    const world = failed('other', { reasons })
    failAgain(world, 'other', HOUR)
    failAgain(world, 'other', HOUR)
    expect(world.lastOutcome).toMatchObject({ status: 'FAILED', attempt: 3 })
  })

  it.each([
    ['not connected', { connected: false }, 'NEEDS_USER_ACTION session_not_authenticated @11'],
    ['without update_card', { update_card: false }, 'NEEDS_USER_ACTION session_not_authenticated @11'],
    ['gone', { merchant_id: 5 }, 'NEEDS_USER_ACTION session_not_authenticated @11'],
  ])('a lost session whose account is %s needs the user', (_, change, outcome) => {
    const world = failed('session not authenticated')
    world.pass(30 * MINUTE)
    world.news()
    world.discovered({ accounts: [account(change)] })
    expect(world.news()).toEqual([outcome])
  })

  it('another failure whose account is not connected any more is skipped', () => {
    const world = failed('other')
    world.pass(HOUR)
    world.news()
    world.discovered({ accounts: [account({ connected: false })] })
    expect(world.news()).toEqual(['SKIPPED not_connected @11'])
  })
})

describe('a retry that waits', () => {
  it.each(['closed', 'opt_out'])('%s cancels it', type => {
    const world = failed('other')
    world.news()
    world.lifecycle(type)
    expect(world.news()).toContain(`CANCELLED ${type} @11`)
    expect(world.timers.size).toBe(0)
  })

  it('a newer version takes its place', () => {
    const world = failed('other')
    world.lifecycle('updated')
    world.news()
    world.discovered({ vault_version: 'b' })
    expect(world.news()).toEqual(['CANCELLED superseded @11', 'RETRY_SCHEDULED min_gap @11'])
    world.pass(HOUR)
    expect(world.news()).toEqual(['SWITCH card-1 v2 @11'])
  })

  it.each([
    ['before its timer', 0],
    ['while its merchant is looked at', HOUR],
  ])('a late success of the failed attempt ends it %s', (_, waitMs) => {
    const world = failed('other')
    world.pass(waitMs)
    world.news()
    world.knot('CARD_UPDATED')
    expect(world.news()).toEqual(['UPDATED corrected @11'])
    expect(world.at().attempt).toBeNull()
    expect(world.timers.size).toBe(0)
  })
})

describe('a failure for the data that was sent', () => {
  it.each([
    ['the same version', 'a', 'FAILED card_expired @11'],
    ['another version', 'b', 'RETRY_SCHEDULED card_expired @11'],
  ])('the vault was last seen with %s', (_, seen, outcome) => {
    const world = new World()
    world.lifecycle('updated')
    world.discovered({ vault_version: seen })
    world.accepted({ vault_version: 'a' })
    world.news()
    world.knot('CARD_FAILED', { reason: 'card expired' })
    expect(world.news()).toEqual([outcome])
    if (outcome.startsWith('RETRY')) expect(world.lastOutcome.next_attempt_at).toBe(world.now + 10 * MINUTE)
  })
})
