import { describe, expect, it } from 'vitest'
import { FAILURE_REASONS } from '../../../src/domain/reasons.ts'
import type { CommandResultCode, KnotEvent } from '../../../src/domain/records.ts'
import { account, DAY, HOUR, MERCHANT, MINUTE, SECOND, T0, World } from './world.ts'

function issued(policy = {}): World {
  const world = new World(policy)
  world.lifecycle('updated')
  world.discovered({ vault_version: 'a' })
  world.news()
  return world
}

/** Knot has accepted version 1. */
function accepted(policy = {}): World {
  const world = issued(policy)
  world.accepted({ vault_version: 'a' })
  world.news()
  return world
}

describe('a result of the open attempt', () => {
  it('CARD_UPDATED', () => {
    const world = accepted()
    const { command_id, source: origin } = world.last('SWITCH')
    world.pass(SECOND)
    const source = world.knot('CARD_UPDATED', { timestamp: T0 + 500 })
    expect(world.news()).toEqual(['UPDATED updated @11'])
    const expected = { source, origin, command_id, attempt: 1, card_version: 1, occurred_at: T0 + 500, final: true }
    expect(world.lastOutcome).toMatchObject(expected)
    expect(world.at()).toMatchObject({
      attempt: null,
      holder: { card_ref: 'card-1', vault_version: 'a', since: T0 + 500 },
    })
    expect(world.timers.size).toBe(0)
  })

  it('CARD_UPDATING is progress', () => {
    const world = accepted()
    const source = world.knot('CARD_UPDATING')
    expect(world.news()).toEqual(['ACCEPTED in_progress @11'])
    expect(world.lastOutcome).toMatchObject({ final: false, source, origin: world.last('SWITCH').source })
  })

  const byClass = { user_action: 'NEEDS_USER_ACTION' } as Readonly<Record<string, string>>
  it.each([...FAILURE_REASONS].map(([reason, rule]) => [reason, rule.class, rule.retries] as const))(
    'CARD_FAILED %s (%s, %i retries)',
    (reason, reasonClass, retries) => {
      const world = accepted()
      world.knot('CARD_FAILED', { reason: ` ${reason.toUpperCase()} ` })
      const code = reason.replaceAll(' ', '_').replaceAll('-', '_')
      const status = retries > 0 ? 'RETRY_SCHEDULED' : (byClass[reasonClass] ?? 'FAILED')
      expect(world.news()).toEqual([`${status} ${code} @11`])
      expect(world.lastOutcome.raw_reason).toBeNull()
    },
  )

  it.each([
    ['a new reason', 'a new reason'],
    ['call +1 (415) 555-0123 or a.b@c.example', 'call +1 (415) [digits] or [address]'],
    [null, null],
  ])('CARD_FAILED %s is unknown', (reason, raw) => {
    const world = accepted()
    world.knot('CARD_FAILED', { reason })
    expect(world.news()).toEqual(['FAILED unknown_reason @11'])
    expect(world.lastOutcome.raw_reason).toBe(raw)
  })

  it.each([
    ['up to 2 s before the start', -2 * SECOND, 'UPDATED updated @11'],
    ['older than that', -2 * SECOND - 1, 'EXTERNAL updated @11'],
  ])('%s', (_, offset, outcome) => {
    const world = accepted()
    world.knot('CARD_UPDATED', { timestamp: T0 + offset })
    expect(world.news()).toEqual([outcome])
  })

  it('an ambiguous attempt ends by it too', () => {
    const world = issued()
    world.result('AMBIGUOUS', { started_at: T0 })
    world.news()
    world.knot('CARD_FAILED', { reason: 'otp' })
    expect(world.news()).toEqual(['NEEDS_USER_ACTION otp @11'])
  })

  it('a late result of the version before does not end the newer one', () => {
    const world = accepted()
    world.pass(DAY)
    world.lifecycle('updated')
    world.discovered()
    world.accepted()
    world.news()
    world.knot('CARD_UPDATED', { timestamp: T0 + MINUTE })
    expect(world.news()).toEqual(['UPDATED corrected @11'])
    expect(world.lastOutcome.card_version).toBe(1)
    expect(world.at().attempt).toMatchObject({ card_version: 2, phase: 'ACCEPTED' })
  })
})

describe('the same webhook again', () => {
  it.each(['CARD_UPDATED', 'CARD_FAILED', 'AUTHENTICATED', 'ACCOUNT_LOGIN_REQUIRED', 'CARD_UPDATING'])('%s', event => {
    const world = accepted()
    world.knot(event, { dedupe_key: 'k' })
    world.news()
    const source = world.knot(event, { dedupe_key: 'k' })
    expect(world.news()).toEqual(['SKIPPED duplicate @11'])
    expect(world.lastOutcome).toMatchObject({ source, origin: source, attempt: 0 })
  })
})

describe('after the end of the attempt', () => {
  type Ending = [name: string, (world: World) => void]
  const updated: Ending = ['UPDATED', world => void world.knot('CARD_UPDATED')]
  const failed: Ending = ['FAILED', world => void world.knot('CARD_FAILED', { reason: 'account' })]
  const needsAction: Ending = ['NEEDS_USER_ACTION', world => void world.knot('CARD_FAILED', { reason: 'otp' })]
  const noResult: Ending = ['NO_RESULT', world => world.pass(DAY)]

  it.each<[...Ending, event: string, outcome: string]>([
    [...updated, 'CARD_FAILED', 'SKIPPED contradicts_success @11'],
    [...updated, 'CARD_UPDATED', 'EXTERNAL updated @11'],
    [...failed, 'CARD_UPDATED', 'UPDATED corrected @11'],
    [...failed, 'CARD_FAILED', 'EXTERNAL card @11'],
    [...needsAction, 'CARD_UPDATED', 'UPDATED corrected @11'],
    [...noResult, 'CARD_UPDATED', 'UPDATED corrected @11'],
    [...noResult, 'CARD_FAILED', 'FAILED card @11'],
  ])('%s, then %s%s: %s', (_, end, event, outcome) => {
    const world = accepted()
    const origin = world.last('SWITCH').source
    end(world)
    world.news()
    const source = world.knot(event, { reason: 'card' })
    expect(world.news()).toEqual([outcome])
    const isResult = /^(UPDATED|FAILED)/.test(outcome)
    expect(world.lastOutcome).toMatchObject({ source, origin: isResult ? origin : source, final: true })
    expect(world.at().attempt).toBeNull()
  })

  it('a corrected success is final: a failure after it contradicts', () => {
    const world = accepted()
    world.knot('CARD_FAILED', { reason: 'other' })
    world.knot('CARD_UPDATED')
    world.news()
    world.knot('CARD_FAILED', { reason: 'card' })
    expect(world.news()).toEqual(['SKIPPED contradicts_success @11'])
    expect(world.at().holder?.card_ref).toBe('card-1')
  })

  it('a user_action failure after NO_RESULT is told as FAILED', () => {
    const world = accepted()
    world.pass(DAY)
    world.news()
    world.knot('CARD_FAILED', { reason: 'otp' })
    expect(world.news()).toEqual(['FAILED otp @11'])
  })

  it('CARD_UPDATED of what a reconcile had found done is a duplicate', () => {
    const world = accepted()
    world.knot('CARD_UPDATED')
    world.setMerchant({ last: { ...world.at().last!, reason: 'reconciled' } })
    world.news()
    world.knot('CARD_UPDATED')
    expect(world.news()).toEqual(['SKIPPED duplicate @11'])
  })

  it('long after a failure it is another operation', () => {
    const world = accepted()
    world.knot('CARD_FAILED', { reason: 'account' })
    world.pass(2 * DAY)
    world.news()
    world.knot('CARD_UPDATED')
    expect(world.news()).toEqual(['EXTERNAL updated @11'])
  })
})

describe('before the command is answered', () => {
  it('a result is kept, and the late accepted writes nothing', () => {
    const world = issued()
    const source = world.knot('CARD_UPDATED', { timestamp: T0 + SECOND })
    expect(world.news()).toEqual(['CANCEL card-1 @11 confirmed'])
    world.pass(MINUTE)
    world.accepted({ started_at: T0, vault_version: 'a' })
    expect(world.news()).toEqual(['UPDATED updated @11'])
    expect(world.lastOutcome).toMatchObject({ source, occurred_at: T0 + SECOND, recorded_at: T0 + MINUTE })
    expect(world.at()).toMatchObject({ attempt: null, kept: [], last_accepted_at: T0 + MINUTE })
    expect(world.timers.size).toBe(0)
  })

  it('progress is told after it', () => {
    const world = issued()
    world.knot('CARD_UPDATING')
    world.accepted()
    expect(world.news()).toEqual(['ACCEPTED accepted @11', 'ACCEPTED in_progress @11'])
  })

  it('success wins over a contradicting failure, in either order', () => {
    for (const [events, news] of [
      [
        ['CARD_FAILED', 'CARD_UPDATED'],
        ['RETRY_SCHEDULED other @11', 'UPDATED corrected @11'],
      ],
      [
        ['CARD_UPDATED', 'CARD_FAILED'],
        ['UPDATED updated @11', 'SKIPPED contradicts_success @11'],
      ],
    ] as const) {
      const world = issued()
      for (const event of events) world.knot(event, { reason: 'other' })
      expect(world.news()).toEqual(['CANCEL card-1 @11 confirmed'])
      world.accepted()
      expect(world.news()).toEqual(news)
    }
  })

  it('one from before the start is external', () => {
    const world = issued()
    world.knot('CARD_UPDATED', { timestamp: T0 })
    expect(world.news()).toEqual(['CANCEL card-1 @11 confirmed'])
    world.pass(MINUTE)
    world.accepted({ started_at: T0 + MINUTE })
    expect(world.news()).toEqual(['ACCEPTED accepted @11', 'EXTERNAL updated @11'])
    expect(world.at().attempt?.phase).toBe('ACCEPTED')
  })

  it.each<[CommandResultCode, string | null, string]>([
    ['BUSY', null, 'RETRY_SCHEDULED ongoing_operation @11'],
    ['REJECTED', 'invalid_field', 'REJECTED invalid_field @11'],
    ['NOT_SENT', 'not_after', 'NO_RESULT no_result @11'],
  ])('where it is not accepted (%s %s) a kept result is external and progress is ignored', (code, reason, outcome) => {
    const world = issued()
    world.knot('CARD_UPDATING')
    world.knot('CARD_FAILED', { reason: 'card' })
    world.result(code, { reason })
    expect(world.news()).toEqual([outcome, 'EXTERNAL card @11'])
    expect(world.ignored).toEqual(['CARD_UPDATING'])
    expect(world.at().kept).toEqual([])
  })

  it('a stop and a success: both are told', () => {
    const world = issued()
    const command = world.last('SWITCH')
    world.lifecycle('opt_out', { at: T0 + 1 })
    world.knot('CARD_UPDATED')
    world.cancelled([], [command])
    world.news()
    world.result('ACCEPTED', { started_at: T0 }, command)
    expect(world.news()).toEqual(['ACCEPTED accepted_before_opt_out @11', 'UPDATED updated @11'])
  })

  it('no more than eight are kept', () => {
    const world = issued()
    for (let i = 0; i < 9; i++) world.knot('CARD_FAILED', { reason: 'other' })
    expect(world.news()).toEqual(['REJECTED limit @11'])
    expect(world.at().kept).toHaveLength(8)
  })
})

describe('without an attempt', () => {
  it.each<[Partial<KnotEvent>, string, string]>([
    [{ event: 'CARD_UPDATED' }, 'EXTERNAL updated @11', 'null'],
    [{ event: 'CARD_FAILED', reason: 'card in use' }, 'EXTERNAL card_in_use @11', 'null'],
    [{ event: 'CARD_FAILED', reason: 'whatever' }, 'EXTERNAL unknown_reason @11', 'whatever'],
    [{ event: 'CARD_UPDATED', merchant_id: null }, 'EXTERNAL updated', 'null'],
  ])('%j', (event, outcome, raw) => {
    const world = new World()
    const source = world.knot(event.event!, event)
    expect(world.news()).toEqual([outcome])
    expect(world.lastOutcome).toMatchObject({ source, origin: source, card_ref: null, attempt: 0, command_id: null })
    expect(String(world.lastOutcome.raw_reason)).toBe(raw)
    expect(world.state.merchants).toEqual([])
  })

  it('a card that it names and that we know is on file from then on', () => {
    const world = new World()
    world.lifecycle('enrolled')
    world.knot('CARD_UPDATED', { card_id: 'card-1' })
    expect(world.lastOutcome.card_ref).toBe('card-1')
    expect(world.at().holder).toEqual({ card_ref: 'card-1', vault_version: null, since: T0 })
  })

  it.each([
    ['one that we do not know', 'never heard of', T0 + 1, null],
    ['one that we do not know, but older', 'never heard of', T0 - 1, 'card-1'],
    ['none', null, T0 + 1, 'card-1'],
    ['an empty one', '', T0 + 1, 'card-1'],
  ])('after that, a success that names %s', (_, card_id, timestamp, holder) => {
    const world = new World()
    world.lifecycle('enrolled')
    world.knot('CARD_UPDATED', { card_id: 'card-1' })
    world.knot('CARD_UPDATED', { card_id, timestamp })
    expect(world.lastOutcome.card_ref).toBeNull()
    expect(world.at().holder?.card_ref ?? null).toBe(holder)
  })

  it.each(['CARD_UPDATING', 'MERCHANT_STATUS_UPDATE', 'OTP_REQUIRED', 'SOMETHING_NEW'])('%s is ignored', event => {
    const world = new World()
    world.knot(event)
    expect(world.news()).toEqual([])
    expect(world.ignored).toEqual([event])
  })
})

describe('the link to a merchant', () => {
  /** Version 1 has ended for want of a link. */
  function unlinked(): World {
    const world = accepted()
    world.knot('CARD_FAILED', { reason: 'credentials' })
    world.pass(HOUR)
    world.news()
    return world
  }

  it('ACCOUNT_LOGIN_REQUIRED', () => {
    const world = new World()
    const source = world.knot('ACCOUNT_LOGIN_REQUIRED')
    expect(world.news()).toEqual(['NEEDS_USER_ACTION relink @11'])
    expect(world.lastOutcome).toMatchObject({ source, origin: source, card_ref: null })
    expect(world.at().needs_relink).toBe(true)
  })

  it('AUTHENTICATED mends it', () => {
    const world = new World()
    world.knot('ACCOUNT_LOGIN_REQUIRED')
    world.news()
    world.knot('AUTHENTICATED')
    expect(world.news()).toEqual(['SKIPPED relinked @11'])
    expect(world.at().needs_relink).toBe(false)
  })

  it.each(['AUTHENTICATED', 'ACCOUNT_LOGIN_REQUIRED'])('%s from before the last change changes nothing', event => {
    const world = new World()
    world.knot('ACCOUNT_LOGIN_REQUIRED')
    world.setMerchant({ needs_relink: event === 'AUTHENTICATED' })
    world.knot(event, { timestamp: T0 - 1 })
    expect(world.at()).toMatchObject({ needs_relink: event === 'AUTHENTICATED', link_changed_at: T0 })
  })

  it.each([false, null])('without send_card (%s) the version starts again, with a DISCOVER of its own', send_card => {
    const world = unlinked()
    const source = world.knot('AUTHENTICATED', { send_card })
    expect(world.news()).toEqual(['SKIPPED relinked @11', 'DISCOVER card-1 v1 @11'])
    expect(world.last('DISCOVER')).toMatchObject({ reason: 'relinked', source, origin: source, attempt: 1 })
    world.discovered({ vault_version: 'a', accounts: [account({ merchant_id: 5 }), account()] })
    expect(world.news()).toEqual(['SWITCH card-1 v1 @11'])
    world.accepted({ vault_version: 'a' })
    world.knot('CARD_UPDATED')
    expect(world.news()).toEqual(['ACCEPTED accepted @11', 'UPDATED updated @11'])
    expect(world.lastOutcome).toMatchObject({ origin: source, attempt: 1, card_version: 1 })
    world.knot('AUTHENTICATED')
    expect(world.news()).toEqual(['SKIPPED relinked @11'])
  })

  it('also a version that found the merchant disconnected', () => {
    const world = new World()
    world.lifecycle('updated')
    world.discovered({ accounts: [account({ connected: false })] })
    world.news()
    world.knot('AUTHENTICATED')
    expect(world.news()).toEqual(['SKIPPED relinked @11', 'DISCOVER card-1 v1 @11'])
  })

  it.each<[string, (world: World) => void, Partial<KnotEvent>]>([
    ['with send_card', () => undefined, { send_card: true }],
    ['when a newer version is being looked for', world => void world.lifecycle('updated'), {}],
    ['when the card is suppressed', world => void world.lifecycle('opt_out'), {}],
    ['when the card is held', world => void world.lifecycle('contact_cardholder_advice'), {}],
    ['at another merchant', () => undefined, { merchant_id: 12 }],
    ['at no merchant', () => undefined, { merchant_id: null }],
  ])('nothing starts %s', (_, prepare, event) => {
    const world = unlinked()
    prepare(world)
    const before = world.commands.length
    world.knot('AUTHENTICATED', event)
    expect(world.lastOutcome).toMatchObject({ status: 'SKIPPED', reason: 'relinked' })
    expect(world.commands).toHaveLength(before)
  })

  it.each<[string, Parameters<World['discovered']>[0], string]>([
    ['vault unknown', { vault_status: 'unknown' }, 'SKIPPED card_unknown @11'],
    ['not active', { vault_status: 'inactive' }, 'SKIPPED inactive_card @11'],
    ['closed', { vault_status: 'closed' }, 'SKIPPED inactive_card @11'],
    ['not linked', { accounts: [] }, 'SKIPPED not_linked @11'],
    ['disconnected again', { accounts: [account({ connected: false })] }, 'SKIPPED not_connected @11'],
    ['without scope', { accounts: [account({ update_card: false })] }, 'SKIPPED no_scope @11'],
  ])('the new attempt ends where its DISCOVER finds: %s', (_, facts, outcome) => {
    const world = unlinked()
    const source = world.knot('AUTHENTICATED')
    world.news()
    world.discovered(facts)
    expect(world.news()).toEqual([outcome])
    expect(world.lastOutcome).toMatchObject({ source, origin: source, attempt: 1 })
    expect(world.at().attempt).toBeNull()
    expect(world.timers.size).toBe(0)
    const again = outcome.includes('not_connected')
    expect(world.at().awaiting_relink).toEqual(again ? { card_ref: 'card-1', card_version: 1 } : null)
  })

  it('the new attempt: a DISCOVER that makes no sense, a stop, a deadline, a newer version', () => {
    const endings: [(world: World) => void, string][] = [
      [world => world.result('REJECTED', {}, world.last('DISCOVER')), 'REJECTED unknown_error @11'],
      [world => void world.lifecycle('opt_out'), 'CANCELLED opt_out @11'],
      [world => world.pass(DAY), 'NO_RESULT no_result @11'],
    ]
    for (const [end, outcome] of endings) {
      const world = unlinked()
      world.knot('AUTHENTICATED')
      end(world)
      expect(world.news()).toContain(outcome)
      expect(world.at(MERCHANT).attempt).toBeNull()
    }
    const world = unlinked()
    world.knot('AUTHENTICATED')
    const old = world.last('DISCOVER')
    world.lifecycle('updated')
    world.discovered()
    expect(world.news().slice(-2)).toEqual(['CANCELLED superseded @11', 'SWITCH card-1 v2 @11'])
    world.discovered({}, old)
    expect(world.news()).toEqual([])
  })

  it('a stop while its DISCOVER is out is a CANCEL', () => {
    const world = unlinked()
    world.knot('AUTHENTICATED')
    world.news()
    world.lifecycle('closed')
    expect(world.news()).toEqual(['ACTIVE closed', 'SUPPRESSED closed', 'CANCELLED closed @11', 'CANCEL card-1 closed'])
  })
})
