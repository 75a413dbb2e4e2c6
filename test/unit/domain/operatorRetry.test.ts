import { describe, expect, it } from 'vitest'
import type { SourcePosition } from '../../../src/domain/records.ts'
import { account, DAY, HOUR, MERCHANT, MINUTE, World } from './world.ts'

const AT = { merchant_id: MERCHANT }

/** Version 1 has been accepted and has ended so. */
function ended(event: 'CARD_UPDATED' | 'CARD_FAILED', reason: string | null = null): World {
  const world = new World()
  world.lifecycle('updated')
  world.discovered({ vault_version: 'a' })
  world.accepted({ vault_version: 'a' })
  world.knot(event, { reason })
  world.pass(HOUR - 1)
  world.news()
  return world
}

/** What was told under the order as its origin. */
function told(world: World, { offset }: SourcePosition): string[] {
  return world.outcomes
    .filter(({ origin }) => origin.offset === offset && origin.topic === 'onfile-user-events')
    .map(({ status, reason, merchant_id }) => `${status} ${reason}${merchant_id === null ? '' : ` @${merchant_id}`}`)
}

describe('RETRY at a merchant', () => {
  it.each([
    ['names the card', 'card-1'],
    ['names none', null],
  ])('that failed, by an order that %s: a look, then the next attempt, with the order as its origin', (_, card_ref) => {
    const world = ended('CARD_FAILED', 'card')
    const order = world.operator('RETRY', { ...AT, card_ref })
    expect(world.news()).toEqual(['RETRY_SCHEDULED operator @11', 'DISCOVER card-1 v1 @11'])
    expect(world.outcomes.at(-1)).toMatchObject({
      final: false,
      source: order,
      origin: order,
      next_attempt_at: world.now,
    })
    world.discovered({ vault_version: 'b' })
    expect(world.news()).toEqual(['SWITCH card-1 v1 @11'])
    expect(world.last('SWITCH')).toMatchObject({ attempt: 2, reason: 'retry', source: order, origin: order })
    world.accepted({ vault_version: 'b' })
    world.knot('CARD_UPDATED')
    const all = ['RETRY_SCHEDULED operator @11', 'ACCEPTED accepted @11', 'UPDATED updated @11']
    expect(told(world, order)).toEqual(all)
    expect(world.timers.size).toBe(0)
  })

  it.each<[string, (world: World) => void]>([
    ['NO_RESULT', world => world.pass(2 * DAY)],
    ['NEEDS_USER_ACTION', world => void world.knot('CARD_FAILED', { reason: 'otp' })],
    ['FAILED', world => void world.knot('CARD_FAILED', { reason: 'account' })],
  ])('that ended as %s', (status, end) => {
    const world = new World()
    world.lifecycle('updated')
    world.discovered()
    world.accepted()
    end(world)
    expect(world.lastOutcome.status).toBe(status)
    world.news()
    world.operator('RETRY', AT)
    expect(world.news()).toEqual(['RETRY_SCHEDULED operator @11', 'DISCOVER card-1 v1 @11'])
    expect(world.at().attempt).toMatchObject({ number: 2 })
  })

  it.each<[string, (world: World) => void]>([
    ['REJECTED', world => world.result('REJECTED', { reason: 'invalid_field' })],
    ['SKIPPED', world => world.result('NOT_SENT', { reason: 'unsupported_region' })],
    ['INVALID_CARD', world => world.result('INVALID_CARD')],
  ])('that ended as %s before anything was pushed: attempt 1', (_, end) => {
    const world = new World()
    world.lifecycle('updated')
    world.discovered()
    end(world)
    world.operator('RETRY', AT)
    world.discovered()
    expect(world.last('SWITCH')).toMatchObject({ attempt: 1, reason: 'retry' })
  })

  it('that was not linked well: the look decides', () => {
    const world = new World()
    world.lifecycle('updated')
    world.discovered({ accounts: [account({ connected: false })] })
    world.news()
    const order = world.operator('RETRY', { ...AT, card_ref: null })
    world.discovered({ accounts: [account({ connected: false })] })
    expect(told(world, order)).toEqual(['RETRY_SCHEDULED operator @11', 'SKIPPED not_connected @11'])
  })

  it('that holds this very version already: the look says so, and nothing is pushed', () => {
    const world = ended('CARD_UPDATED')
    const order = world.operator('RETRY', AT)
    world.discovered({ vault_version: 'a' })
    expect(told(world, order)).toEqual(['RETRY_SCHEDULED operator @11', 'SKIPPED already_current @11'])
  })

  it('a retry that waits goes on at once, under its own origin', () => {
    const world = ended('CARD_FAILED', 'insufficient funds')
    const { origin } = world.last('SWITCH')
    const order = world.operator('RETRY', AT)
    expect(world.news()).toEqual(['RETRY_SCHEDULED operator @11', 'DISCOVER card-1 v1 @11', 'SKIPPED under_way @11'])
    world.discovered({ vault_version: 'a' })
    expect(world.last('SWITCH')).toMatchObject({ attempt: 2, origin })
    expect(told(world, order).at(-1)).toBe('SKIPPED under_way @11')
    world.accepted()
    world.knot('CARD_UPDATED')
    expect(world.timers.size).toBe(0)
  })

  it('keeps the gap since the last accepted push', () => {
    const world = new World()
    world.lifecycle('updated')
    world.discovered()
    world.accepted()
    const gapEnd = world.now + 10 * MINUTE
    world.pass(MINUTE)
    world.knot('CARD_FAILED', { reason: 'insufficient funds' })
    world.news()
    world.operator('RETRY', AT)
    expect(world.news()).toEqual([
      'RETRY_SCHEDULED operator @11',
      'RETRY_SCHEDULED min_gap @11',
      'SKIPPED under_way @11',
    ])
    expect(world.at().attempt?.next_at).toBe(gapEnd)
    world.pass(9 * MINUTE)
    expect(world.news()).toEqual(['DISCOVER card-1 v1 @11'])
  })

  it('never makes a fourth attempt of a version', () => {
    const world = ended('CARD_FAILED', 'card')
    for (const attempt of [2, 3]) {
      world.operator('RETRY', AT)
      world.discovered({ vault_version: 'b' })
      expect(world.last('SWITCH')).toMatchObject({ attempt })
      world.accepted({ vault_version: 'b' })
      world.knot('CARD_FAILED', { reason: 'card' })
      world.pass(HOUR)
    }
    world.news()
    world.operator('RETRY', AT)
    expect(world.news()).toEqual(['REJECTED operator @11'])
    world.lifecycle('updated')
    world.discovered({ vault_version: 'c' })
    expect(world.last('SWITCH')).toMatchObject({ attempt: 1, card_version: 2 })
  })

  it('a success of the failed attempt that comes meanwhile ends it, and is not hidden', () => {
    const world = ended('CARD_FAILED', 'card')
    const first = world.last('SWITCH')
    const order = world.operator('RETRY', AT)
    world.discovered({ vault_version: 'a' })
    world.knot('CARD_UPDATED', { timestamp: first.issued_at + MINUTE })
    world.cancelled([world.last('SWITCH')])
    expect(told(world, order)).toEqual(['RETRY_SCHEDULED operator @11', 'CANCELLED corrected @11'])
    expect(world.outcomes.at(-2)).toMatchObject({ status: 'UPDATED', reason: 'corrected', origin: first.origin })
    expect(world.at().attempt).toBeNull()
  })

  it('so does one that comes while the merchant is looked at', () => {
    const world = ended('CARD_FAILED', 'card')
    const order = world.operator('RETRY', AT)
    world.knot('CARD_UPDATED')
    expect(told(world, order)).toEqual(['RETRY_SCHEDULED operator @11', 'CANCELLED corrected @11'])
    expect(world.at().attempt).toBeNull()
    expect(world.timers.size).toBe(0)
  })

  it.each<[string, (world: World) => void]>([
    ['ISSUED', () => undefined],
    ['ACCEPTED', world => world.accepted()],
    ['AMBIGUOUS', world => world.result('AMBIGUOUS')],
    ['BUSY for less than the gap', world => world.result('BUSY')],
  ])('beside an attempt that is %s no other one is begun', (phase, answer) => {
    const world = new World()
    world.lifecycle('updated')
    world.discovered()
    answer(world)
    world.news()
    world.operator('RETRY', AT)
    const expected = phase.startsWith('BUSY')
      ? ['RETRY_SCHEDULED operator @11', 'SWITCH card-1 v1 @11', 'SKIPPED under_way @11']
      : ['REJECTED operator @11']
    expect(world.news()).toEqual(expected)
    expect(world.at().attempt?.number).toBe(1)
  })
})

describe('RETRY at all merchants', () => {
  it('searches again: what failed goes, what is current stays, what is under way is left alone', () => {
    const world = new World()
    const accounts = [1, 2, 3].map(merchant_id => account({ merchant_id }))
    world.lifecycle('updated')
    world.discovered({ vault_version: 'a', accounts })
    const switches = world.commands.filter(({ kind }) => kind === 'SWITCH')
    for (const command of switches) world.result('ACCEPTED', { vault_version: 'a', started_at: world.now }, command)
    world.knot('CARD_UPDATED', { merchant_id: 1 })
    world.knot('CARD_FAILED', { merchant_id: 2, reason: 'card' })
    world.pass(HOUR)
    world.news()
    const order = world.operator('RETRY')
    expect(world.news()).toEqual(['RETRY_SCHEDULED operator', 'DISCOVER card-1 v1'])
    world.discovered({ vault_version: 'a', accounts: [...accounts, account({ merchant_id: 4 })] })
    expect(world.news()).toEqual([
      'SKIPPED already_current @1',
      'SWITCH card-1 v1 @2',
      'SKIPPED under_way @3',
      'SWITCH card-1 v1 @4',
    ])
    expect(world.at(2).attempt).toMatchObject({ number: 2, origin: order })
    expect(world.at(3).attempt).toMatchObject({ number: 1 })
    expect(world.at(4).attempt).toMatchObject({ number: 1, origin: order })
  })

  it('hurries what waits, and tells a merchant whose attempts are used up', () => {
    const world = new World()
    const accounts = [1, 2].map(merchant_id => account({ merchant_id }))
    world.lifecycle('updated')
    world.discovered({ vault_version: 'a', accounts })
    for (const command of world.commands.filter(({ kind }) => kind === 'SWITCH')) {
      world.result('ACCEPTED', { vault_version: 'a', started_at: world.now }, command)
    }
    world.knot('CARD_FAILED', { merchant_id: 1, reason: 'insufficient funds' })
    world.knot('CARD_FAILED', { merchant_id: 2, reason: 'card' })
    world.setMerchant({ last: { ...world.at(2).last!, number: 3 } }, 2)
    world.pass(HOUR)
    world.news()
    world.operator('RETRY', { card_ref: null })
    expect(world.news()).toEqual(['RETRY_SCHEDULED operator', 'DISCOVER card-1 v1 @1', 'DISCOVER card-1 v1'])
    world.discovered({ vault_version: 'a', accounts })
    expect(world.news()).toEqual(['SKIPPED under_way @1', 'REJECTED limit @2'])
  })

  it.each([
    ['unknown', 'SKIPPED card_unknown'],
    ['inactive', 'RETRY_SCHEDULED inactive_card'],
  ] as const)('starts a search anew that the vault had ended; now it is %s', (vault_status, outcome) => {
    const world = new World()
    world.lifecycle('updated')
    world.discovered({ vault_status: 'unknown' })
    world.news()
    const order = world.operator('RETRY')
    world.discovered({ vault_status })
    expect(told(world, order)).toEqual(['RETRY_SCHEDULED operator', outcome])
  })

  it('a vault that answers as before is not behind: no event says that it must have changed', () => {
    const world = ended('CARD_FAILED', 'card')
    world.operator('RETRY')
    world.discovered({ vault_version: 'a' })
    expect(world.last('SWITCH')).toMatchObject({ attempt: 2 })
  })

  it('a search that waits for the vault looks at once, and one look takes the place of the other', () => {
    const world = new World()
    world.lifecycle('updated')
    world.discovered({ vault_status: 'inactive' })
    world.news()
    world.operator('RETRY')
    expect(world.news()).toEqual(['RETRY_SCHEDULED operator', 'DISCOVER card-1 v1'])
    expect([...world.timers]).toEqual([['vault:card-1', world.now + DAY]])
    world.discovered()
    expect(world.timers.has('vault:card-1')).toBe(false)
  })

  it('a vault that has not changed since the event is not behind for an operator who asks while it is waited for', () => {
    const world = ended('CARD_FAILED', 'card')
    world.lifecycle('updated')
    world.discovered({ vault_version: 'a' })
    expect(world.news().at(-1)).toBe('RETRY_SCHEDULED vault_stale')
    world.operator('RETRY')
    world.discovered({ vault_version: 'a' })
    expect(world.news().at(-1)).toBe('SWITCH card-1 v2 @11')
  })

  it('a search that was lost ends at its hard deadline, and is then started anew', () => {
    const world = new World()
    world.lifecycle('updated')
    world.operator('RETRY')
    expect(world.news().at(-1)).toBe('REJECTED operator')
    world.pass(DAY)
    expect(world.news()).toEqual(['NO_RESULT no_result'])
    world.operator('RETRY')
    expect(world.news()).toEqual(['RETRY_SCHEDULED operator', 'DISCOVER card-1 v1'])
  })

  it('behind the push of a card that was closed meanwhile it goes on counting the attempts', () => {
    const world = ended('CARD_FAILED', 'card')
    world.lifecycle('enrolled', { card: 'card-2' })
    world.knot('CARD_UPDATED', { card_id: 'card-2' })
    world.lifecycle('updated', { card: 'card-2' })
    world.discovered()
    const push = world.last('SWITCH')
    expect(push).toMatchObject({ card_ref: 'card-2', attempt: 1 })
    world.pass(1)
    world.lifecycle('closed', { card: 'card-2' })
    world.operator('RETRY')
    world.discovered({ vault_version: 'b' })
    expect(world.at().queued).toMatchObject({ card_ref: 'card-1', reason: 'retry' })
    world.cancelled([push])
    expect(world.last('SWITCH')).toMatchObject({ card_ref: 'card-1', card_version: 1, attempt: 2 })
  })

  it('after LIFT it pushes a card that had been reopened under its old version', () => {
    const world = ended('CARD_FAILED', 'card')
    world.lifecycle('closed')
    world.operator('RETRY')
    expect(world.news().at(-1)).toBe('REJECTED operator')
    world.operator('LIFT')
    world.operator('RETRY')
    world.discovered({ vault_version: 'a' })
    expect(world.news().at(-1)).toBe('SWITCH card-1 v1 @11')
  })
})

describe('RETRY without effect', () => {
  it('at a merchant, while the search for a newer version is out', () => {
    const world = ended('CARD_FAILED', 'card')
    world.lifecycle('updated')
    world.news()
    world.operator('RETRY', AT)
    expect(world.news()).toEqual(['REJECTED operator @11'])
  })

  it.each<[string, (world: World) => void]>([
    ['for a user of whom nothing is known', () => undefined],
    ['for a card without a version', world => void world.lifecycle('enrolled')],
    ['for another card', world => void world.lifecycle('updated', { card: 'card-2' })],
    ['while its search is out', world => void world.lifecycle('updated')],
    ['for a closed card', world => (world.lifecycle('updated'), world.discovered(), void world.lifecycle('closed'))],
    [
      'for an opted-out card',
      world => (world.lifecycle('updated'), world.discovered(), void world.lifecycle('opt_out')),
    ],
    [
      'for a suppressed user',
      world => (world.lifecycle('updated'), world.discovered(), void world.operator('SUPPRESS', { card_ref: null })),
    ],
  ])('%s', (_, arrange) => {
    for (const scope of [{}, AT]) {
      const world = new World()
      arrange(world)
      world.news()
      const order = world.operator('RETRY', scope)
      expect(world.news()).toEqual([`REJECTED operator${'merchant_id' in scope ? ' @11' : ''}`])
      expect(world.lastOutcome).toMatchObject({ final: true, source: order, origin: order })
    }
  })
})
