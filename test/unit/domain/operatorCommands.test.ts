import { describe, expect, it } from 'vitest'
import { SUPPRESSION_LIMIT } from '../../../src/domain/userState.ts'
import { asked, CARD_AT_MERCHANT_SCOPE, CARD_SCOPE, issued, MERCHANT_SCOPE, SCOPES, USER_SCOPE } from './orderScopes.ts'
import { account, HOUR, T0, World } from './world.ts'

describe.each(SCOPES)('SUPPRESS %s', (name, scope, key, at) => {
  it('is written with actor and end, and explained', () => {
    const world = new World()
    const records: unknown[] = []
    world.onDecision = decision => records.push(...decision.suppressions)
    const source = world.operator('SUPPRESS', { ...scope, until: T0 + HOUR })
    expect(world.news()).toEqual(['ACTIVE operator', `SUPPRESSED operator${at}`])
    expect(world.lastOutcome).toMatchObject({ final: true, source, origin: source, ...scope })
    expect(records).toMatchObject([
      {
        key,
        record: {
          ...scope,
          scope: name,
          state: 'ACTIVE',
          reason: 'operator',
          lifted_reason: null,
          since: T0,
          until: T0 + HOUR,
          actor: 'someone',
          source,
        },
      },
    ])
  })

  it('calls back a SWITCH that is out, and says so when PROVISION has answered', () => {
    const world = issued()
    const command = world.last('SWITCH')
    const source = world.operator('SUPPRESS', scope)
    const cancel = `CANCEL ${scope.card_ref}${at} operator`
    expect(world.news()).toEqual(['ACTIVE operator', `SUPPRESSED operator${at}`, cancel])
    expect(world.last('CANCEL')).toMatchObject({ cancels: { ...scope, command_id: null }, source, origin: source })
    world.cancelled([command])
    expect(world.news()).toEqual(['CANCELLED operator @11'])
    expect(world.lastOutcome).toMatchObject({ source, origin: command.source })
  })

  it('ends a scheduled attempt at once, without a CANCEL', () => {
    const world = issued()
    world.result('BUSY')
    world.news()
    world.operator('SUPPRESS', scope)
    expect(world.news()).toEqual(['ACTIVE operator', `SUPPRESSED operator${at}`, 'CANCELLED operator @11'])
    world.pass(HOUR)
    expect(world.news()).toEqual([])
  })

  it('says nothing of what Knot has accepted: its result still comes', () => {
    const world = issued()
    world.accepted()
    world.news()
    world.operator('SUPPRESS', scope)
    expect(world.news()).toEqual(['ACTIVE operator', `SUPPRESSED operator${at}`])
    world.knot('CARD_UPDATED')
    expect(world.news()).toEqual(['UPDATED updated @11'])
  })

  it('again with another end takes the place of the first and keeps its since', () => {
    const world = new World()
    world.operator('SUPPRESS', scope)
    world.now += HOUR
    world.operator('SUPPRESS', { ...scope, actor: 'another', until: T0 + 3 * HOUR })
    const entry = { ...scope, reason: 'operator', since: T0, until: T0 + 3 * HOUR, actor: 'another' }
    expect(world.state.suppressions).toEqual([entry])
    expect(world.suppressions).toHaveLength(2)
  })
})

describe('SUPPRESS', () => {
  it.each([CARD_SCOPE, USER_SCOPE])('of a card or all of them stops the search for merchants: %o', scope => {
    const world = asked()
    world.operator('SUPPRESS', scope)
    expect(world.news()).toEqual([
      'ACTIVE operator',
      'SUPPRESSED operator',
      'CANCELLED operator',
      `CANCEL ${scope.card_ref} operator`,
    ])
    world.lifecycle('updated', { at: T0 + 1 })
    expect(world.news()).toEqual(['SUPPRESSED operator'])
  })

  it.each([MERCHANT_SCOPE, CARD_AT_MERCHANT_SCOPE])('at one merchant leaves the others: %o', scope => {
    const world = asked()
    world.operator('SUPPRESS', scope)
    world.news()
    world.discovered({ accounts: [account(), account({ merchant_id: 12 })] })
    expect(world.news()).toEqual(['SUPPRESSED operator @11', 'SWITCH card-1 v1 @12'])
  })

  it.each([
    [CARD_SCOPE, ['SWITCH card-2 v1 @11']],
    [CARD_AT_MERCHANT_SCOPE, ['SWITCH card-2 v1 @11']],
    [MERCHANT_SCOPE, ['SUPPRESSED operator @11']],
  ])('%o and another card: %o', (scope, news) => {
    const world = new World()
    world.operator('SUPPRESS', scope)
    world.lifecycle('updated', { card: 'card-2' })
    world.news()
    world.discovered()
    expect(world.news()).toEqual(news)
  })

  it('under an opt_out is kept but not published', () => {
    const world = new World()
    world.lifecycle('opt_out')
    world.news()
    world.operator('SUPPRESS')
    expect(world.news()).toEqual(['SUPPRESSED operator'])
    expect(world.state.suppressions.map(({ reason }) => reason)).toEqual(['opt_out', 'operator'])
  })

  it('takes the place of a hold in the record', () => {
    const world = new World()
    world.lifecycle('contact_cardholder_advice')
    world.news()
    world.operator('SUPPRESS')
    expect(world.news()).toEqual(['ACTIVE operator', 'SUPPRESSED operator'])
  })

  it('whose end has passed is refused', () => {
    const world = new World()
    world.operator('SUPPRESS', { until: T0 })
    expect(world.news()).toEqual(['REJECTED operator'])
    expect(world.state.suppressions).toEqual([])
  })

  it('beyond the bound is refused, but a known one may change and an opt_out still counts', () => {
    const world = new World()
    const entry = { merchant_id: null, reason: 'operator', since: T0, until: null, actor: 'x' } as const
    const full = Array.from({ length: SUPPRESSION_LIMIT }, (_, i) => ({ ...entry, card_ref: `c-${i}` }))
    world.setUser({ suppressions: full })
    world.operator('SUPPRESS')
    world.operator('SUPPRESS', { card_ref: 'c-0' })
    world.lifecycle('opt_out')
    const news = world.news()
    expect(news.filter(text => !text.startsWith('ACTIVE'))).toEqual([
      'REJECTED limit',
      'SUPPRESSED operator',
      'SUPPRESSED opt_out',
    ])
    expect(world.state.suppressions).toHaveLength(SUPPRESSION_LIMIT + 1)
  })
})
