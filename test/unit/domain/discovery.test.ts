import { describe, expect, it } from 'vitest'
import { account, DAY, HOUR, MERCHANT, SECOND, T0, World } from './world.ts'

function asked(policy = {}): World {
  const world = new World(policy)
  world.lifecycle('updated')
  world.news()
  return world
}

describe('what the vault answers', () => {
  it.each([
    ['active', ['SWITCH card-1 v1 @11']],
    ['unknown', ['SKIPPED card_unknown']],
    ['closed', ['SKIPPED inactive_card']],
    ['inactive', ['RETRY_SCHEDULED inactive_card']],
    [null, ['SWITCH card-1 v1 @11']],
  ] as const)('%s', (vault_status, news) => {
    const world = asked()
    world.discovered({ vault_status })
    expect(world.news()).toEqual(news)
  })

  it('a card that is not active yet is looked at again after 1 h, 24 h, 72 h and 7 d, then left', () => {
    const world = asked()
    const source = world.last('DISCOVER').source
    for (const wait of [HOUR, DAY, 3 * DAY, 7 * DAY]) {
      world.discovered({ vault_status: 'inactive' })
      expect(world.news()).toEqual(['RETRY_SCHEDULED inactive_card'])
      expect(world.lastOutcome).toMatchObject({
        next_attempt_at: world.now + wait,
        final: false,
        source,
        origin: source,
      })
      world.pass(wait - 1)
      expect(world.news()).toEqual([])
      world.pass(1)
      expect(world.news()).toEqual(['DISCOVER card-1 v1'])
    }
    world.discovered({ vault_status: 'inactive' })
    expect(world.news()).toEqual(['SKIPPED inactive_card'])
    expect(world.lastOutcome.final).toBe(true)
    expect(world.timers.size).toBe(0)
    expect(world.state.cards[0]?.discovery).toBeNull()
  })

  it('waits are scaled, and never shorter than a second', () => {
    const world = asked({ retryScale: 0.5 })
    world.discovered({ vault_status: 'inactive' })
    expect(world.lastOutcome.next_attempt_at).toBe(T0 + HOUR / 2)
    const fast = asked({ retryScale: 0 })
    fast.discovered({ vault_status: 'inactive' })
    expect(fast.lastOutcome.next_attempt_at).toBe(T0 + SECOND)
  })

  it('a look that finds the card active goes on', () => {
    const world = asked()
    world.discovered({ vault_status: 'inactive' })
    world.pass(HOUR)
    world.news()
    world.discovered()
    expect(world.news()).toEqual(['SWITCH card-1 v1 @11'])
  })

  it('a vault that answers what it answered before the event is behind', () => {
    const world = asked()
    world.discovered({ vault_version: 'a', accounts: [] })
    world.lifecycle('updated', { at: T0 + 1 })
    world.news()
    world.discovered({ vault_version: 'a' })
    expect(world.news()).toEqual(['RETRY_SCHEDULED vault_stale'])
    world.pass(HOUR)
    world.discovered({ vault_version: 'a' })
    expect(world.lastOutcome).toMatchObject({ reason: 'vault_stale', next_attempt_at: T0 + HOUR + DAY })
    world.pass(DAY)
    world.news()
    world.discovered({ vault_version: 'b' })
    expect(world.news()).toEqual(['SWITCH card-1 v2 @11'])
  })

  it('a vault that stays behind to the end: vault_stale', () => {
    const world = new World({ vaultRecheckMs: [] })
    world.lifecycle('updated')
    world.discovered({ vault_version: 'a', accounts: [] })
    world.lifecycle('updated', { at: T0 + 1 })
    world.news()
    world.discovered({ vault_version: 'a' })
    expect(world.news()).toEqual(['SKIPPED vault_stale'])
  })

  it('a closed card is not lifted on the word of a vault that is behind', () => {
    const world = asked()
    world.discovered({ vault_version: 'a', accounts: [] })
    world.lifecycle('closed', { at: T0 + 1 })
    world.lifecycle('updated', { at: T0 + 2 })
    world.news()
    world.discovered({ vault_version: 'a' })
    expect(world.news()).toEqual(['RETRY_SCHEDULED vault_stale'])
    expect(world.state.suppressions).toHaveLength(1)
  })

  it('a DISCOVER that got no answer before the hard deadline ends, and is explained', () => {
    const world = asked()
    const discover = world.last('DISCOVER')
    expect(discover.not_after).toBe(T0 + DAY)
    world.result('NOT_SENT', { reason: 'not_after' }, discover)
    expect(world.news()).toEqual(['NO_RESULT no_result'])
    expect(world.lastOutcome).toMatchObject({ final: true, source: discover.source, card_ref: 'card-1' })
    expect(world.state.cards[0]?.discovery).toBeNull()
  })

  it('a DISCOVER that PROVISION could not make sense of is an outcome', () => {
    const world = asked()
    world.result('REJECTED', { reason: 'unknown_error' }, world.last('DISCOVER'))
    expect(world.news()).toEqual(['REJECTED unknown_error'])
  })
})

describe('merchants', () => {
  it('one SWITCH per eligible merchant, one outcome for each of the others', () => {
    const world = asked()
    world.discovered({
      accounts: [
        account({ merchant_id: 1 }),
        account({ merchant_id: 2, connected: false, update_card: false }),
        account({ merchant_id: 3, update_card: false }),
        account({ merchant_id: 4, merchant_name: 'Hulu' }),
      ],
    })
    expect(world.news()).toEqual([
      'SWITCH card-1 v1 @1',
      'SKIPPED not_connected @2',
      'SKIPPED no_scope @3',
      'SWITCH card-1 v1 @4',
    ])
    const { source } = world.last('DISCOVER')
    expect(world.last('SWITCH')).toMatchObject({
      merchant_name: 'Hulu',
      attempt: 1,
      reason: 'updated',
      not_before: null,
      not_after: T0 + DAY,
      task_id: null,
      cancels: null,
      source,
      origin: source,
    })
    for (const outcome of world.outcomes) expect(outcome).toMatchObject({ source, origin: source, card_version: 1 })
  })

  it('a user without merchants, or one whom Knot does not know', () => {
    const world = asked()
    world.discovered({ accounts: [] })
    expect(world.news()).toEqual(['SKIPPED not_linked'])
  })

  it("an operator's order for one merchant stops only that one", () => {
    const world = asked()
    const order = { card_ref: null, reason: 'operator', since: T0, until: null, actor: 'someone' } as const
    world.setUser({ suppressions: [{ ...order, merchant_id: 1 }] })
    world.discovered({ accounts: [account({ merchant_id: 1 }), account({ merchant_id: 2 })] })
    expect(world.news()).toEqual(['SUPPRESSED operator @1', 'SWITCH card-1 v1 @2'])
  })
})

describe('a newer version', () => {
  it('replaces a DISCOVER that is out; its answer says nothing any more', () => {
    const world = new World()
    const first = world.lifecycle('updated')
    const old = world.last('DISCOVER')
    world.news()
    const second = world.lifecycle('expired', { at: T0 + 1 })
    expect(world.news()).toEqual(['CANCELLED superseded', 'DISCOVER card-1 v2'])
    expect(world.lastOutcome).toMatchObject({ source: second, origin: first, card_version: 1, merchant_id: null })
    world.discovered({}, old)
    expect(world.news()).toEqual([])
    world.discovered()
    expect(world.news()).toEqual(['SWITCH card-1 v2 @11'])
  })

  it('replaces one that waits for the vault, with its timer', () => {
    const world = asked()
    world.discovered({ vault_status: 'inactive' })
    world.lifecycle('updated', { at: T0 + 1 })
    expect(world.news()).toEqual(['RETRY_SCHEDULED inactive_card', 'CANCELLED superseded', 'DISCOVER card-1 v2'])
    expect([...world.timers]).toEqual([['vault:card-1', world.now + DAY]])
  })
})

describe('a look that is never answered: its command or its answer was lost', () => {
  it('ends at its hard deadline, and its answer counts no more', () => {
    const world = asked()
    const { source, not_after } = world.last('DISCOVER')
    world.pass(DAY - 1)
    expect(world.news()).toEqual([])
    world.pass(1)
    expect(world.now).toBe(not_after)
    expect(world.news()).toEqual(['NO_RESULT no_result'])
    expect(world.lastOutcome).toMatchObject({ final: true, source, origin: source, merchant_id: null })
    expect([world.state.cards[0]?.discovery, world.timers.size]).toEqual([null, 0])
    world.discovered()
    expect(world.news()).toEqual([])
  })

  it('each look has its own deadline', () => {
    const world = asked()
    world.discovered({ vault_status: 'inactive' })
    world.pass(HOUR)
    world.news()
    world.pass(DAY - 1)
    expect(world.news()).toEqual([])
    world.pass(1)
    expect(world.news()).toEqual(['NO_RESULT no_result'])
  })

  it.each(['closed', 'opt_out', 'contact_cardholder_advice'])('one that %s stops leaves no timer', type => {
    const world = asked()
    world.lifecycle(type)
    expect(world.timers.size).toBe(0)
  })

  it('one that is answered leaves no timer', () => {
    const world = asked()
    world.discovered({ accounts: [] })
    expect(world.timers.size).toBe(0)
  })
})

describe('which card a merchant holds', () => {
  /** Card 1 is on file at the merchant, card 2 is new. */
  function held(): World {
    const world = asked()
    world.discovered({ vault_version: 'a' })
    world.accepted({ vault_version: 'a' })
    world.knot('CARD_UPDATED', { timestamp: T0 + SECOND })
    world.pass(HOUR)
    world.news()
    return world
  }

  it('another live card stays where it is', () => {
    const world = held()
    world.lifecycle('updated', { card: 'card-2' })
    world.discovered()
    expect(world.news()).toEqual(['DISCOVER card-2 v1', 'SKIPPED other_card_on_file @11'])
  })

  it('a holder that is closed frees its merchant', () => {
    const world = held()
    world.lifecycle('closed')
    world.lifecycle('updated', { card: 'card-2' })
    world.discovered()
    expect(world.news().at(-1)).toBe('SWITCH card-2 v1 @11')
  })

  it('with two live cards nobody knows whose merchant it is', () => {
    const world = new World()
    world.lifecycle('enrolled', { card: 'card-2' })
    world.lifecycle('updated')
    world.discovered()
    expect(world.news().at(-1)).toBe('SKIPPED holder_unknown @11')
  })

  it('an open attempt reserves the merchant for its card', () => {
    const world = asked()
    world.discovered()
    world.lifecycle('updated', { card: 'card-2', at: T0 + 1 })
    world.news()
    world.discovered()
    expect(world.news()).toEqual(['SKIPPED holder_unknown @11'])
  })

  it('also where it was free, or on file for another one, before', () => {
    const world = asked()
    world.discovered()
    world.lifecycle('updated', { card: 'card-2', at: T0 + 1 })
    world.setMerchant({ holder: { card_ref: 'card-2', vault_version: null, since: T0 } })
    world.news()
    world.discovered()
    expect(world.news()).toEqual(['SKIPPED other_card_on_file @11'])
  })

  it('policy skip: never where it is unknown', () => {
    const world = asked({ unknownHolder: 'skip' })
    world.discovered()
    expect(world.news()).toEqual(['SKIPPED holder_unknown @11'])
  })

  it.each([
    ['newer', HOUR, 'SWITCH card-2 v1 @11'],
    ['older', -HOUR, 'SKIPPED other_card_on_file @11'],
  ])('a confirmation by somebody else that is %s', (_, after, last) => {
    const world = held()
    world.lifecycle('enrolled', { card: 'card-2' })
    world.knot('CARD_UPDATED', { card_id: 'card-2', timestamp: world.now + after })
    world.lifecycle('updated', { card: 'card-2', at: world.now + 1 })
    world.discovered()
    expect(world.news().at(-1)).toBe(last)
  })

  it('what it confirmed already is not pushed again', () => {
    const world = held()
    world.setUser({ cards: [{ ...world.state.cards[0]!, vault_version: null }] })
    world.lifecycle('updated')
    world.discovered({ vault_version: 'a' })
    expect(world.news().at(-1)).toBe('SKIPPED already_current @11')
    expect(world.at(MERCHANT).attempt).toBeNull()
  })
})
