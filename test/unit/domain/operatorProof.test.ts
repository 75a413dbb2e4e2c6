import { describe, expect, it } from 'vitest'
import { issued, USER_SCOPE } from './orderScopes.ts'
import { CARD, HOUR, T0, USER, World } from './world.ts'

/** What a tool can leave out. */
const UNPROVEN = [
  ['actor', { actor: '' }],
  ['actor but blanks', { actor: ' \t\u00a0' }],
  ['reason', { reason: '' }],
  ['reason but blanks', { reason: ' \n ' }],
] as const

describe.each(UNPROVEN)('an order without %s', (_, lacking) => {
  it('lifts nothing, not even an opt-out whose cardholder nobody has asked', () => {
    const world = new World()
    world.lifecycle('opt_out')
    world.news()
    const source = world.operator('LIFT', lacking)
    expect(world.news()).toEqual(['REJECTED operator'])
    expect(world.lastOutcome).toMatchObject({ source, origin: source, final: true, card_ref: CARD })
    expect(world.state.suppressions.map(({ reason }) => reason)).toEqual(['opt_out'])
    world.operator('LIFT')
    expect(world.news()).toEqual(['LIFTED opt_out operator', 'tombstone', 'SKIPPED operator'])
  })

  it('tries nothing again', () => {
    const world = issued()
    world.accepted()
    world.knot('CARD_FAILED', { reason: 'card cvv' })
    world.news()
    world.operator('RETRY', lacking)
    expect(world.news()).toEqual(['REJECTED operator'])
    world.operator('RETRY')
    expect(world.news()).toContain('RETRY_SCHEDULED operator')
  })

  it('erases nobody, and brings nobody back', () => {
    const world = issued()
    world.operator('FORGET', { ...USER_SCOPE, ...lacking })
    expect(world.news()).toEqual(['REJECTED operator'])
    expect(world.user(USER)?.cards).toHaveLength(1)
    world.operator('FORGET', USER_SCOPE)
    world.news()
    for (const action of ['LIFT', 'FORGET'] as const) {
      world.operator(action, { ...USER_SCOPE, ...lacking })
      expect(world.news(), action).toEqual(['REJECTED operator'])
    }
    expect(world.forgotten(USER)).toBeDefined()
  })

  it('stops all the same: a stop that is not obeyed ends in a push', () => {
    const world = issued()
    world.operator('SUPPRESS', lacking)
    expect(world.news()).toEqual(['ACTIVE operator', 'SUPPRESSED operator', 'CANCEL card-1 operator'])
    const other = issued()
    other.operator('CANCEL', lacking)
    expect(other.news()).toEqual(['CANCEL card-1 operator', 'CANCELLED operator'])
  })

  it.each([
    ['an end where there was none', null, T0 + HOUR],
    ['an earlier end', T0 + 2 * HOUR, T0 + HOUR],
  ])('gives no stop %s: that would be a lift', (__, until, earlier) => {
    const world = new World()
    world.operator('SUPPRESS', { until })
    world.news()
    world.operator('SUPPRESS', { ...lacking, until: earlier })
    expect(world.news()).toEqual(['REJECTED operator'])
    expect(world.state.suppressions[0]?.until).toBe(until)
  })

  it('makes a stop longer', () => {
    const world = new World()
    world.operator('SUPPRESS', { until: T0 + HOUR })
    world.operator('SUPPRESS', { ...lacking, until: T0 + 2 * HOUR })
    expect(world.state.suppressions[0]?.until).toBe(T0 + 2 * HOUR)
  })
})

it('a stop that names nobody is by unknown, for whoever reads it', () => {
  const world = new World()
  const actors: unknown[] = []
  world.onDecision = ({ suppressions }) => actors.push(...suppressions.map(({ record }) => record?.actor))
  world.operator('SUPPRESS', { actor: ' ' })
  expect(world.state.suppressions[0]?.actor).toBe('unknown')
  expect(actors).toEqual(['unknown'])
})
