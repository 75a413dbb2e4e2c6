import { describe, expect, it } from 'vitest'
import { account, CARD, DAY, HOUR, MERCHANT, MINUTE, T0, USER, World } from './world.ts'

/** A card whose version 1 is on file at the merchant. */
function pushed(): World {
  const world = new World()
  world.lifecycle('updated')
  world.discovered({ vault_version: 'a' })
  world.accepted({ vault_version: 'a' })
  world.knot('CARD_UPDATED')
  world.news()
  return world
}

describe('the eight types', () => {
  it.each([
    ['updated', ['DISCOVER card-1 v1']],
    ['expired', ['DISCOVER card-1 v1']],
    ['closed', ['ACTIVE closed', 'SUPPRESSED closed']],
    ['opt_out', ['ACTIVE opt_out', 'SUPPRESSED opt_out']],
    ['contact_cardholder_advice', ['ACTIVE contact_cardholder', 'HELD contact_cardholder']],
    ['enrolled', ['SKIPPED enrolled']],
    ['unknown', ['SKIPPED unknown']],
    ['no_participating', ['SKIPPED no_participating']],
    ['non_participating', ['SKIPPED no_participating']],
    ['something new', ['SKIPPED unknown_type']],
    ['unknown_type', ['SKIPPED unknown_type']],
    ['constructor', ['SKIPPED unknown_type']],
  ])('%s', (type, news) => {
    const world = new World()
    world.lifecycle(type)
    expect(world.news()).toEqual(news)
  })

  it.each([
    ['updated', 'SUPPRESSED closed'],
    ['something new', 'SUPPRESSED closed'],
    ['contact_cardholder_advice', 'SUPPRESSED closed'],
    ['opt_out', 'SUPPRESSED opt_out'],
  ])('status closed makes %s: %s', (type, outcome) => {
    const world = new World()
    world.lifecycle(type, { status: 'closed' })
    expect(world.news()).toContain(outcome)
  })

  it('an outcome of an event carries its position, its own time and the time of the decision', () => {
    const world = new World()
    const source = world.lifecycle('enrolled', { at: T0 - HOUR })
    expect(world.lastOutcome).toEqual({
      outcome_id: 'user-1:1',
      user_id: USER,
      card_ref: CARD,
      card_version: null,
      merchant_id: null,
      merchant_name: null,
      status: 'SKIPPED',
      final: true,
      reason: 'enrolled',
      raw_reason: null,
      attempt: 0,
      command_id: null,
      next_attempt_at: null,
      decision_seq: 1,
      source,
      origin: source,
      occurred_at: T0 - HOUR,
      recorded_at: T0,
    })
  })

  it('a trigger asks with a DISCOVER that names the card and its version', () => {
    const world = new World()
    const source = world.lifecycle('expired')
    expect(world.last('DISCOVER')).toMatchObject({
      command_id: 'user-1:1',
      user_id: USER,
      card_ref: CARD,
      card_version: 1,
      merchant_id: null,
      reason: 'expired',
      decision_seq: 1,
      source,
      origin: source,
      issued_at: T0,
    })
  })
})

describe('the same event again', () => {
  it('is a duplicate, whatever came between', () => {
    const world = new World()
    world.lifecycle('updated', { uid: 'x', at: T0 })
    world.lifecycle('closed', { at: T0 + 1 })
    world.news()
    world.lifecycle('updated', { uid: 'x', at: T0 })
    expect(world.news()).toEqual(['SKIPPED duplicate'])
  })

  it.each([
    ['another type', { type: 'expired', at: T0, card: CARD, status: 'enrolled' }],
    ['another time', { type: 'updated', at: T0 + 1, card: CARD, status: 'enrolled' }],
    ['another card', { type: 'updated', at: T0, card: 'card-2', status: 'enrolled' }],
    ['another status', { type: 'updated', at: T0, card: CARD, status: null }],
  ])('with %s it is a conflict and has no effect', (_, { type, ...options }) => {
    const world = new World()
    world.lifecycle('updated', { uid: 'x', at: T0, status: 'enrolled' })
    world.news()
    world.lifecycle(type, { uid: 'x', ...options })
    expect(world.news()).toEqual(['REJECTED uid_conflict'])
  })

  it('without a uid the position is the identity', () => {
    const world = new World()
    const source = world.lifecycle('updated', { uid: null })
    const body = { event_uid: null, card_ref: CARD, type: 'updated', status: null, updated_at: T0 }
    world.news()
    world.event({ kind: 'lifecycle', own_stamp: true, ...body }, source, T0)
    expect(world.news()).toEqual(['SKIPPED duplicate'])
    world.event({ kind: 'lifecycle', own_stamp: true, ...body }, { ...source, offset: source.offset + 100 }, T0)
    expect(world.news()).not.toContain('SKIPPED duplicate')
  })

  it('is forgotten after 30 days, and then it is stale', () => {
    const world = new World()
    world.lifecycle('updated', { uid: 'x', at: T0 })
    world.pass(30 * DAY)
    world.lifecycle('enrolled', { at: T0 + 1 })
    world.news()
    world.lifecycle('updated', { uid: 'x', at: T0 })
    expect(world.news()).toEqual(['SKIPPED stale'])
  })

  it('is remembered among 256, the oldest gives way', () => {
    const world = new World()
    world.lifecycle('opt_out', { uid: 'first', at: T0 })
    for (let i = 1; i < 256; i++) world.lifecycle('enrolled', { uid: `u${i}`, at: T0 + i })
    expect(world.state.events).toHaveLength(256)
    world.lifecycle('opt_out', { uid: 'first', at: T0 })
    expect(world.lastOutcome.reason).toBe('duplicate')
    world.lifecycle('enrolled', { uid: 'one more', at: T0 + 300 })
    expect(world.state.events).toHaveLength(256)
    world.lifecycle('opt_out', { uid: 'first', at: T0 })
    expect(world.lastOutcome).toMatchObject({ status: 'SUPPRESSED', reason: 'opt_out' })
  })
})

describe('order of events', () => {
  const cases: [first: string, at: number, second: string, at: number, outcome: string][] = [
    ['updated', 10, 'updated', 5, 'SKIPPED stale'],
    ['updated', 10, 'expired', 5, 'SKIPPED stale'],
    ['updated', 10, 'closed', 5, 'SKIPPED stale'],
    ['updated', 10, 'contact_cardholder_advice', 5, 'SKIPPED stale'],
    ['updated', 10, 'enrolled', 5, 'SKIPPED stale'],
    ['updated', 10, 'something new', 5, 'SKIPPED stale'],
    ['updated', 10, 'opt_out', 5, 'SUPPRESSED opt_out'],
    ['enrolled', 10, 'closed', 5, 'SUPPRESSED closed'],
    ['unknown', 10, 'closed', 5, 'SUPPRESSED closed'],
    ['opt_out', 10, 'closed', 5, 'SUPPRESSED closed'],
    ['enrolled', 10, 'updated', 5, 'SKIPPED stale'],
    ['something new', 10, 'enrolled', 5, 'SKIPPED enrolled'],
    ['closed', 10, 'closed', 5, 'SKIPPED stale'],
    // Ties: opt_out > closed > contact_cardholder > updated > expired > the rest.
    ['closed', 10, 'opt_out', 10, 'SUPPRESSED opt_out'],
    ['opt_out', 10, 'closed', 10, 'SKIPPED stale'],
    ['contact_cardholder_advice', 10, 'closed', 10, 'SUPPRESSED closed'],
    ['closed', 10, 'contact_cardholder_advice', 10, 'SKIPPED stale'],
    ['updated', 10, 'contact_cardholder_advice', 10, 'HELD contact_cardholder'],
    ['contact_cardholder_advice', 10, 'updated', 10, 'SKIPPED stale'],
    ['updated', 10, 'expired', 10, 'SKIPPED stale'],
    ['updated', 10, 'something new', 10, 'SKIPPED stale'],
    ['expired', 10, 'enrolled', 10, 'SKIPPED stale'],
  ]
  it.each(cases)('%s at %i, then %s at %i: %s', (first, firstAt, second, secondAt, outcome) => {
    const world = new World()
    world.lifecycle(first, { at: T0 + firstAt, uid: 'm' })
    world.news()
    world.lifecycle(second, { at: T0 + secondAt, uid: 'n' })
    expect(world.news()).toContain(outcome)
  })

  it.each([
    ['expired', 'updated'],
    ['enrolled', 'updated'],
    ['enrolled', 'expired'],
  ])('a tie of %s and %s goes to the second', (first, second) => {
    const world = new World()
    world.lifecycle(first, { at: T0 })
    world.news()
    world.lifecycle(second, { at: T0 })
    expect(world.news().at(-1)).toMatch(/^DISCOVER/)
  })

  it.each([
    ['a', 'b', 'DISCOVER card-1 v2'],
    ['b', 'a', 'SKIPPED stale'],
  ])('among equals the later uid wins: %s then %s', (first, second, last) => {
    const world = new World()
    world.lifecycle('updated', { at: T0, uid: first })
    world.lifecycle('updated', { at: T0, uid: second })
    expect(world.news().at(-1)).toBe(last)
  })

  it('a closed between an updated and a newer enrolled counts', () => {
    const world = new World()
    world.lifecycle('updated', { at: T0 + 1 })
    world.lifecycle('enrolled', { at: T0 + 9 })
    world.lifecycle('closed', { at: T0 + 5 })
    expect(world.news()).toContain('SUPPRESSED closed')
  })

  it('a stale event changes no version and no order', () => {
    const world = new World()
    world.lifecycle('updated', { at: T0 + 10 })
    world.lifecycle('updated', { at: T0 + 5 })
    world.lifecycle('updated', { at: T0 + 7 })
    expect(world.lastOutcome.reason).toBe('stale')
    expect(world.state.cards[0]).toMatchObject({ version: 1, applied: { updated_at: T0 + 10 } })
  })

  it('each card has its own order', () => {
    const world = new World()
    world.lifecycle('updated', { at: T0 + 10 })
    world.lifecycle('updated', { at: T0 + 5, card: 'card-2' })
    expect(world.news()).toEqual(['DISCOVER card-1 v1', 'DISCOVER card-2 v1'])
  })
})

describe('suppression', () => {
  it.each([
    ['opt_out', 'opt_out'],
    ['closed', 'closed'],
  ])('after %s nothing is asked and nothing is pushed', (stop, reason) => {
    const world = new World()
    world.lifecycle(stop, { at: T0 })
    world.news()
    if (reason === 'opt_out') {
      world.lifecycle('updated', { at: T0 + 1 })
      expect(world.news()).toEqual(['SUPPRESSED opt_out'])
      expect(world.lastOutcome.card_version).toBe(1)
      world.lifecycle('enrolled', { at: T0 + 2 })
      expect(world.news()).toEqual(['SKIPPED enrolled'])
    } else {
      world.lifecycle('updated', { at: T0 + 1 })
      world.discovered({ vault_status: 'closed' })
      expect(world.news()).toEqual(['DISCOVER card-1 v1', 'SKIPPED inactive_card'])
    }
    expect(world.state.suppressions).toHaveLength(1)
    expect(world.commands.filter(({ kind }) => kind === 'SWITCH')).toEqual([])
  })

  it('a late opt_out still suppresses, and tells since when', () => {
    const world = pushed()
    world.lifecycle('opt_out', { at: T0 - DAY })
    expect(world.news()).toEqual(['ACTIVE opt_out', 'SUPPRESSED opt_out'])
    expect(world.state.suppressions[0]).toMatchObject({ since: T0 - DAY })
    world.lifecycle('updated', { at: T0 + DAY })
    expect(world.news()).toEqual(['SUPPRESSED opt_out'])
  })

  it('an opt_out that is not newer than the lift of an operator is stale', () => {
    const world = new World()
    world.lifecycle('enrolled')
    world.setUser({ cards: [{ ...world.state.cards[0]!, opt_out_lifted_at: T0 + 50 }] })
    world.lifecycle('opt_out', { at: T0 + 50 })
    expect(world.lastOutcome).toMatchObject({ status: 'SKIPPED', reason: 'stale' })
    world.lifecycle('opt_out', { at: T0 + 51 })
    expect(world.lastOutcome).toMatchObject({ status: 'SUPPRESSED', reason: 'opt_out' })
  })

  it('the record carries the strongest reason and is written when that changes', () => {
    const world = new World()
    world.lifecycle('contact_cardholder_advice', { at: T0 })
    world.lifecycle('closed', { at: T0 + 1 })
    world.lifecycle('opt_out', { at: T0 + 2 })
    world.lifecycle('closed', { at: T0 + 3 })
    world.lifecycle('opt_out', { at: T0 + 4 })
    world.lifecycle('contact_cardholder_advice', { at: T0 + 5 })
    expect(world.suppressions).toEqual([
      { key: 'user-1/card-1/*', text: 'ACTIVE contact_cardholder' },
      { key: 'user-1/card-1/*', text: 'ACTIVE closed' },
      { key: 'user-1/card-1/*', text: 'ACTIVE opt_out' },
    ])
    expect(world.state.suppressions.map(({ since }) => since - T0)).toEqual([0, 1, 2])
  })

  it("an operator's order for all cards of the user stops triggers", () => {
    const world = new World()
    const order = { card_ref: null, merchant_id: null, reason: 'operator', since: T0, actor: 'someone' } as const
    world.setUser({ suppressions: [{ ...order, until: T0 + HOUR }] })
    world.lifecycle('updated')
    expect(world.news()).toEqual(['SUPPRESSED operator'])
    world.pass(HOUR)
    world.lifecycle('updated')
    expect(world.news()).toEqual(['DISCOVER card-1 v2'])
  })
})

describe('hold', () => {
  it('a newer trigger lifts it, then goes its usual way', () => {
    const world = new World()
    world.lifecycle('contact_cardholder_advice', { at: T0 })
    world.news()
    world.lifecycle('updated', { at: T0 + 1 })
    expect(world.news()).toEqual(['LIFTED contact_cardholder newer_card_event', 'tombstone', 'DISCOVER card-1 v1'])
    expect(world.state.suppressions).toEqual([])
  })

  it.each(['enrolled', 'unknown', 'no_participating', 'something new'])('%s does not lift it', type => {
    const world = new World()
    world.lifecycle('contact_cardholder_advice', { at: T0 })
    world.news()
    world.lifecycle(type, { at: T0 + 1 })
    expect(world.news().filter(text => text.startsWith('LIFTED'))).toEqual([])
    expect(world.state.suppressions).toHaveLength(1)
  })

  it('under an opt_out it ends unseen, and the opt_out stays', () => {
    const world = new World()
    world.lifecycle('contact_cardholder_advice', { at: T0 })
    world.lifecycle('opt_out', { at: T0 + 1 })
    world.news()
    world.lifecycle('updated', { at: T0 + 2 })
    expect(world.news()).toEqual(['SUPPRESSED opt_out'])
    expect(world.state.suppressions.map(({ reason }) => reason)).toEqual(['opt_out'])
  })
})

describe('reopening', () => {
  const closed = (): World => {
    const world = new World()
    world.lifecycle('closed', { at: T0 })
    world.lifecycle('updated', { at: T0 + 1 })
    world.news()
    return world
  }

  it('a closed card that the vault says is active is lifted before its first SWITCH', () => {
    const world = closed()
    world.discovered()
    expect(world.news()).toEqual(['LIFTED closed reopened', 'tombstone', 'SWITCH card-1 v1 @11'])
  })

  it.each([
    ['inactive', 'SKIPPED inactive_card'],
    ['closed', 'SKIPPED inactive_card'],
    ['unknown', 'SKIPPED card_unknown'],
  ] as const)('%s in the vault: %s, and the suppression stays', (vault_status, outcome) => {
    const world = closed()
    world.discovered({ vault_status })
    expect(world.news()).toEqual([outcome])
    expect(world.state.suppressions).toHaveLength(1)
    expect(world.timers.size).toBe(0)
  })

  it('under the vault version of before the closing it cannot be told from a vault that has not heard of it', () => {
    const world = pushed()
    world.lifecycle('closed', { at: T0 + 1 })
    world.lifecycle('updated', { at: T0 + 2 })
    world.news()
    for (const waitMs of world.policy.vaultRecheckMs) {
      world.discovered({ vault_version: 'a' })
      expect(world.news()).toEqual(['RETRY_SCHEDULED vault_stale'])
      world.pass(waitMs)
      world.news()
    }
    world.discovered({ vault_version: 'a' })
    expect(world.news()).toEqual(['SKIPPED vault_stale'])
    expect(world.state.suppressions).toHaveLength(1)
    expect(world.timers.size).toBe(0)
  })

  it('without merchants it is lifted all the same', () => {
    const world = closed()
    world.discovered({ accounts: [] })
    expect(world.news()).toEqual(['LIFTED closed reopened', 'tombstone', 'SKIPPED not_linked'])
  })

  it('a card that is closed and held is lifted from both', () => {
    const world = new World()
    world.lifecycle('contact_cardholder_advice', { at: T0 })
    world.lifecycle('closed', { at: T0 + 1 })
    world.lifecycle('updated', { at: T0 + 2 })
    world.news()
    world.discovered()
    expect(world.news().slice(0, 2)).toEqual(['LIFTED closed reopened', 'tombstone'])
    expect(world.state.suppressions).toEqual([])
  })
})

describe('bounds', () => {
  function full(type: string): World {
    const world = new World()
    for (let i = 0; i < 64; i++) world.lifecycle(type, { card: `full-${i}`, at: T0 + i })
    world.news()
    return world
  }

  it.each(['updated', 'enrolled', 'contact_cardholder_advice'])('a 65th card by %s is turned away', type => {
    const world = full('enrolled')
    world.lifecycle(type)
    expect(world.news()).toEqual(['REJECTED limit'])
    expect(world.state.cards).toHaveLength(64)
  })

  it.each(['closed', 'opt_out'])('for %s the oldest closed card without work gives way', type => {
    const world = full('closed')
    world.lifecycle(type, { at: T0 + HOUR })
    expect(world.news()).toContain(`SUPPRESSED ${type}`)
    expect(world.state.cards).toHaveLength(64)
    expect(world.state.cards.map(card => card.card_ref)).not.toContain('full-0')
    expect(world.state.suppressions.map(entry => entry.card_ref)).not.toContain('full-0')
  })

  it('the record of a card that gives way ends too: nobody could lift it later, nor erase it with its user', () => {
    const world = full('closed')
    const gone = world.state.suppressions[0]!.card_ref
    world.lifecycle('opt_out', { at: T0 + HOUR })
    expect(world.news().slice(0, 2)).toEqual(['LIFTED closed expired', 'tombstone'])
    world.operator('FORGET', { card_ref: null })
    const active = new Set<string>()
    for (const { key, text } of world.suppressions) {
      if (text.startsWith('ACTIVE')) active.add(key)
      else active.delete(key)
    }
    expect(gone).toBe('full-0')
    expect([...active]).toEqual([])
  })

  it.each([
    ['opted out', 'opt_out'],
    ['live', 'enrolled'],
  ])('an opt_out is kept even where all cards are %s', (_, type) => {
    const world = full(type)
    world.lifecycle('opt_out', { at: T0 + HOUR })
    expect(world.news()).toContain('SUPPRESSED opt_out')
    expect(world.state.cards).toHaveLength(65)
  })

  it('a closed card with work does not give way', () => {
    const world = new World()
    world.lifecycle('updated', { card: 'busy', at: T0 })
    world.discovered()
    world.accepted()
    world.lifecycle('closed', { card: 'busy', at: T0 + 1 })
    for (let i = 1; i < 64; i++) world.lifecycle('closed', { card: `full-${i}`, at: T0 + 1 + i })
    world.lifecycle('opt_out', { at: T0 + HOUR })
    const refs = world.state.cards.map(card => card.card_ref)
    expect(refs).toContain('busy')
    expect(refs).not.toContain('full-1')
  })

  it('merchants beyond 1000 are turned away one by one', () => {
    const world = new World()
    world.lifecycle('updated')
    world.discovered({ accounts: Array.from({ length: 1_002 }, (_, i) => account({ merchant_id: i })) })
    const news = world.news()
    expect(news.filter(text => text.startsWith('SWITCH'))).toHaveLength(1_000)
    expect(news.filter(text => text.startsWith('REJECTED'))).toEqual(['REJECTED limit @1000', 'REJECTED limit @1001'])
    world.knot('ACCOUNT_LOGIN_REQUIRED', { merchant_id: 5_000 })
    expect(world.lastOutcome).toMatchObject({ status: 'NEEDS_USER_ACTION', reason: 'relink', merchant_id: 5_000 })
    expect(world.state.merchants).toHaveLength(1_000)
  })
})

describe('operator commands', () => {
  it.each(['RETRY', 'FORGET', 'KILL_SWITCH'] as const)('%s is explained', action => {
    const world = new World()
    const source = world.operator(action, { merchant_id: MERCHANT })
    expect(world.news()).toEqual(['REJECTED operator @11'])
    expect(world.lastOutcome).toMatchObject({ final: true, source, origin: source, card_ref: CARD })
  })
})

it('a stamp long past changes nothing about how it is waited', () => {
  const world = new World()
  world.lifecycle('updated', { at: T0 - 100 * DAY })
  world.discovered({ vault_status: 'inactive' })
  expect(world.lastOutcome.next_attempt_at).toBe(T0 + HOUR)
  expect(world.timers.get('vault:card-1')).toBe(T0 + 60 * MINUTE)
})
