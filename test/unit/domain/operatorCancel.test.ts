import { describe, expect, it } from 'vitest'
import { asked, issued, MERCHANT_SCOPE, SCOPES, USER_SCOPE } from './orderScopes.ts'
import { CARD, MERCHANT, T0 } from './world.ts'
import type { World } from './world.ts'

describe.each(SCOPES)('CANCEL %s', (_, scope, __, at) => {
  const cancel = (world: World) => world.operator('CANCEL', scope)

  it('of nothing is refused', () => {
    const world = issued()
    world.accepted()
    world.news()
    cancel(world)
    expect(world.news()).toEqual([`REJECTED operator${at}`])
  })

  it('ends a scheduled attempt at once and suppresses nothing', () => {
    const world = issued()
    const { source: origin } = world.last('SWITCH')
    world.result('BUSY')
    world.news()
    const source = cancel(world)
    expect(world.news()).toEqual(['CANCELLED operator @11', `CANCELLED operator${at}`])
    expect(world.outcomes.slice(-2)).toMatchObject([
      { source, origin, attempt: 1 },
      { source, origin: source, attempt: 0, ...scope },
    ])
    expect(world.state.suppressions).toEqual([])
    world.lifecycle('updated', { at: T0 + 1 })
    world.discovered()
    expect(world.news()).toEqual(['DISCOVER card-1 v2', 'SWITCH card-1 v2 @11'])
  })

  it('calls back a SWITCH that is out', () => {
    const world = issued()
    const command = world.last('SWITCH')
    cancel(world)
    expect(world.news()).toEqual([`CANCEL ${scope.card_ref}${at} operator`, `CANCELLED operator${at}`])
    expect(world.last('CANCEL').cancels).toEqual({ ...scope, command_id: null })
    world.cancelled([command])
    expect(world.news()).toEqual(['CANCELLED operator @11'])
  })

  it('drops what is queued behind an attempt that Knot has', () => {
    const world = issued()
    world.accepted()
    world.lifecycle('updated', { at: T0 + 1 })
    world.discovered()
    world.news()
    cancel(world)
    expect(world.news()).toEqual(['CANCELLED operator @11', `CANCELLED operator${at}`])
    expect(world.at()).toMatchObject({ queued: null, attempt: { card_version: 1 } })
  })
})

describe('CANCEL', () => {
  it.each([
    [{ card_ref: 'card-2', merchant_id: null }, 'REJECTED operator'],
    [{ card_ref: CARD, merchant_id: 12 }, 'REJECTED operator @12'],
    [{ card_ref: 'card-2', merchant_id: MERCHANT }, 'REJECTED operator @11'],
  ])('of something else leaves the work alone: %o', (scope, outcome) => {
    const world = issued()
    world.operator('CANCEL', scope)
    expect(world.news()).toEqual([outcome])
    expect(world.at().attempt?.stop).toBeNull()
  })

  it('at one merchant leaves the search for merchants alone', () => {
    const world = asked()
    world.operator('CANCEL', MERCHANT_SCOPE)
    expect(world.news()).toEqual(['REJECTED operator @11'])
    world.discovered()
    expect(world.news()).toEqual(['SWITCH card-1 v1 @11'])
  })

  it('of a user ends the search for merchants', () => {
    const world = asked()
    world.operator('CANCEL', USER_SCOPE)
    expect(world.news()).toEqual(['CANCELLED operator', 'CANCEL null operator', 'CANCELLED operator'])
    world.discovered()
    expect(world.news()).toEqual([])
  })
})
