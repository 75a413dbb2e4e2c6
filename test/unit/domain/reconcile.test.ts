import { describe, expect, it } from 'vitest'
import type { CommandResultCode, MerchantAccount } from '../../../src/domain/records.ts'
import { account, DAY, HOUR, MERCHANT, MINUTE, SECOND, T0, World } from './world.ts'

const SOFT = 15 * MINUTE
const DONE = new Set(['enrolled'])

/** A SWITCH of version 1 was answered so, and nothing has come from Knot until its soft deadline. */
function silent(code: CommandResultCode = 'ACCEPTED', policy = {}): World {
  const world = new World({ reconcileDone: DONE, ...policy })
  world.lifecycle('updated')
  world.discovered({ vault_version: 'a' })
  world.result(code, { started_at: T0, vault_version: 'a' })
  world.news()
  world.pass(SOFT)
  return world
}

/** What Knot shows of the account in answer to the RECONCILE. */
function reconciled(world: World, change: Partial<MerchantAccount> = {}): void {
  world.result('RECONCILED', { accounts: [account(change)] }, world.last('RECONCILE'))
}

const done = { last_action_at: T0 + MINUTE, last_action_status: 'enrolled' }

describe('the soft deadline', () => {
  it.each(['ACCEPTED', 'AMBIGUOUS'] as const)('of an attempt that is %s asks for a look, once', code => {
    const world = silent(code)
    expect(world.news()).toEqual(['RECONCILE card-1 v1 @11'])
    const switched = world.last('SWITCH')
    const { source, origin } = switched
    const expected = { attempt: 1, not_after: T0 + DAY, cancels: null, source, origin }
    expect(world.last('RECONCILE')).toMatchObject(expected)
    world.fire('soft:11')
    expect(world.news()).toEqual([])
  })

  it('counts from the answer, also for one that a restart found started', () => {
    const world = new World()
    world.lifecycle('updated')
    world.discovered()
    world.now += HOUR
    world.result('AMBIGUOUS', { reason: 'restarted', started_at: T0, answered_at: null })
    world.news()
    world.pass(SOFT - 1)
    expect(world.news()).toEqual([])
    world.pass(1)
    expect(world.news()).toEqual(['RECONCILE card-1 v1 @11'])
  })

  it('that comes together with the hard one asks nothing', () => {
    const world = new World()
    world.lifecycle('updated')
    world.discovered()
    world.accepted()
    world.news()
    world.now += 2 * DAY
    world.pass(0)
    expect(world.news()).toEqual(['NO_RESULT no_result @11'])
  })

  it.each([
    ['a success', 'CARD_UPDATED', {}],
    ['a failure', 'CARD_FAILED', { reason: 'otp' }],
    ['a failure with a retry', 'CARD_FAILED', { reason: 'other' }],
  ])('%s before it takes it away', (_, event, facts) => {
    const world = new World()
    world.lifecycle('updated')
    world.discovered()
    world.accepted()
    world.knot(event, facts)
    world.news()
    world.pass(SOFT)
    expect(world.news()).toEqual([])
  })
})

describe('the answer of a look', () => {
  it('a switch since the start with a status that proves it: UPDATED, and the merchant holds the card', () => {
    const world = silent()
    const { source, origin } = world.last('SWITCH')
    world.news()
    reconciled(world, done)
    expect(world.news()).toEqual(['UPDATED reconciled @11'])
    const expected = { final: true, attempt: 1, source, origin, occurred_at: T0 + MINUTE }
    expect(world.lastOutcome).toMatchObject(expected)
    expect(world.lastOutcome.command_id).toBe(world.last('SWITCH').command_id)
    expect(world.at()).toMatchObject({
      attempt: null,
      holder: { card_ref: 'card-1', vault_version: 'a', since: T0 + MINUTE },
      last: { status: 'UPDATED', reason: 'reconciled' },
    })
    expect(world.timers.size).toBe(0)
  })

  it.each<[string, Partial<MerchantAccount>, boolean]>([
    ['as configured', done, true],
    ['in other letters', { ...done, last_action_status: ' Enrolled ' }, true],
    ['at the start, within the skew', { ...done, last_action_at: T0 - 2 * SECOND }, true],
    ['before the start', { ...done, last_action_at: T0 - 2 * SECOND - 1 }, false],
    ['with another status', { ...done, last_action_status: 'failed' }, false],
    ['without a status', { ...done, last_action_status: null }, false],
    ['without a time', { ...done, last_action_at: null }, false],
    ['at another merchant', { ...done, merchant_id: 5 }, false],
  ])('a switch %s', (_, change, isDone) => {
    const world = silent()
    world.news()
    reconciled(world, change)
    expect(world.news()).toEqual(isDone ? ['UPDATED reconciled @11'] : [])
    expect(world.at().attempt === null).toBe(isDone)
  })

  it('by default no status proves anything: Knot documents none', () => {
    const world = silent('ACCEPTED', { reconcileDone: new Set() })
    world.news()
    reconciled(world, done)
    expect(world.news()).toEqual([])
  })

  it.each<[CommandResultCode, string | null]>([
    ['RECONCILED', null],
    ['REJECTED', 'unknown_error'],
    ['NOT_SENT', 'not_after'],
  ])('%s/%s without a sign: the attempt waits for its webhook or its hard deadline', (code, reason) => {
    const world = silent()
    world.news()
    world.result(code, { reason }, world.last('RECONCILE'))
    world.pass(DAY - SOFT - 1)
    expect(world.news()).toEqual([])
    world.pass(1)
    expect(world.news()).toEqual(['NO_RESULT no_result @11'])
    expect(world.timers.size).toBe(0)
  })

  it.each([
    ['CARD_UPDATED', 'UPDATED updated @11'],
    ['CARD_FAILED', 'FAILED card @11'],
  ])('%s after it is the result all the same', (event, outcome) => {
    const world = silent()
    reconciled(world)
    world.news()
    world.pass(HOUR)
    world.knot(event, { reason: 'card' })
    expect(world.news()).toEqual([outcome])
  })

  it.each([
    ['CARD_UPDATED', 'SKIPPED duplicate @11'],
    ['CARD_FAILED', 'SKIPPED contradicts_success @11'],
  ])('%s after UPDATED/reconciled changes nothing', (event, outcome) => {
    const world = silent()
    reconciled(world, done)
    world.news()
    const source = world.knot(event, { reason: 'card' })
    expect(world.news()).toEqual([outcome])
    expect(world.lastOutcome.origin).toEqual(source)
  })

  it('that comes when the webhook was faster decides nothing; the look had been called off', () => {
    const world = silent()
    world.news()
    world.knot('CARD_UPDATED')
    expect(world.news()).toEqual(['UPDATED updated @11', 'CANCEL card-1 @11 answered'])
    const { command_id } = world.last('RECONCILE')
    expect(world.last('CANCEL').cancels).toEqual({ card_ref: 'card-1', merchant_id: MERCHANT, command_id })
    reconciled(world, done)
    world.cancelled([])
    expect(world.news()).toEqual([])
  })

  it('a failure that is tried again calls it off too', () => {
    const world = silent()
    world.news()
    world.knot('CARD_FAILED', { reason: 'other' })
    expect(world.news()).toEqual(['RETRY_SCHEDULED other @11', 'CANCEL card-1 @11 answered'])
  })

  it('of an earlier attempt says nothing about the next one', () => {
    const world = silent()
    const first = world.last('RECONCILE')
    world.knot('CARD_FAILED', { reason: 'other' })
    world.pass(HOUR)
    world.discovered({ vault_version: 'a' })
    world.accepted({ vault_version: 'a' })
    world.pass(SOFT)
    world.news()
    const accounts = [account({ ...done, last_action_at: world.now })]
    world.result('RECONCILED', { accounts }, first)
    expect(world.news()).toEqual([])
    world.result('RECONCILED', { accounts }, world.last('RECONCILE'))
    expect(world.lastOutcome).toMatchObject({ status: 'UPDATED', reason: 'reconciled', attempt: 2 })
  })
})

describe('a look that a CANCEL of wider scope removed', () => {
  it('is asked for again while its attempt is open', () => {
    const world = silent()
    const first = world.last('RECONCILE')
    world.lifecycle('opt_out')
    world.news()
    world.result('CANCELLED', { command_kind: 'CANCEL', removed: [first] }, first)
    expect(world.news()).toEqual(['RECONCILE card-1 v1 @11'])
    reconciled(world, done)
    expect(world.news()).toEqual(['UPDATED reconciled @11'])
  })

  it('is over with its attempt', () => {
    const world = silent()
    const first = world.last('RECONCILE')
    world.knot('CARD_UPDATED')
    world.news()
    world.cancelled([first])
    expect(world.news()).toEqual([])
  })
})

describe('a newer version behind an attempt without a result', () => {
  function queue(world: World): void {
    world.lifecycle('updated')
    world.discovered({ vault_version: 'b' })
  }

  it.each(['ACCEPTED', 'AMBIGUOUS'] as const)('goes as soon as the look at the one that is %s shows no sign', code => {
    const world = silent(code)
    queue(world)
    world.news()
    reconciled(world)
    expect(world.news()).toEqual(['NO_RESULT superseded @11', 'SWITCH card-1 v2 @11'])
    expect(world.at().last).toMatchObject({ card_version: 1, status: 'NO_RESULT' })
  })

  it('goes at once where the look was before it', () => {
    const world = silent()
    reconciled(world)
    world.news()
    world.pass(HOUR)
    queue(world)
    expect(world.news().slice(1)).toEqual(['NO_RESULT superseded @11', 'SWITCH card-1 v2 @11'])
  })

  it('keeps the gap', () => {
    const world = silent('ACCEPTED', { minGapMs: HOUR })
    queue(world)
    world.news()
    reconciled(world)
    expect(world.news()).toEqual(['NO_RESULT superseded @11', 'RETRY_SCHEDULED min_gap @11'])
    expect(world.lastOutcome.next_attempt_at).toBe(T0 + HOUR)
  })

  it('goes after UPDATED/reconciled too', () => {
    const world = silent()
    queue(world)
    world.news()
    reconciled(world, done)
    expect(world.news()).toEqual(['UPDATED reconciled @11', 'SWITCH card-1 v2 @11'])
  })

  it.each([
    ['CARD_UPDATED', 'UPDATED corrected @11'],
    ['CARD_FAILED', 'FAILED other @11'],
  ])('%s of the older one is told, and does not close the newer one', (event, outcome) => {
    const world = silent()
    queue(world)
    reconciled(world)
    world.pass(MINUTE)
    world.accepted({ started_at: world.now })
    world.news()
    world.knot(event, { reason: 'other', timestamp: T0 + 14 * MINUTE })
    expect(world.news()).toEqual([outcome])
    expect(world.lastOutcome.card_version).toBe(1)
    expect(world.at().attempt).toMatchObject({ card_version: 2, phase: 'ACCEPTED' })
  })
})
