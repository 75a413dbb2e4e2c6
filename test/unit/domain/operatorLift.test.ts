import { describe, expect, it } from 'vitest'
import { orderEndTimer, timerOf } from '../../../src/domain/deadlines.ts'
import { SCOPES } from './orderScopes.ts'
import { HOUR, MERCHANT, SECOND, T0, World } from './world.ts'

describe.each(SCOPES)('LIFT %s', (name, scope, key, at) => {
  it('ends the order: the record names who lifted it', () => {
    const world = new World()
    world.operator('SUPPRESS', scope)
    world.news()
    const records: unknown[] = []
    world.onDecision = decision => records.push(...decision.suppressions)
    const source = world.operator('LIFT', { ...scope, actor: 'another' })
    expect(world.news()).toEqual(['LIFTED operator operator', 'tombstone', `SKIPPED operator${at}`])
    expect(world.lastOutcome).toMatchObject({ final: true, source, origin: source, ...scope })
    expect(records).toMatchObject([
      {
        key,
        record: { ...scope, scope: name, reason: 'operator', lifted_reason: 'operator', actor: 'another', source },
      },
      { key, record: null },
    ])
    world.lifecycle('updated')
    world.discovered()
    expect(world.news()).toEqual(['DISCOVER card-1 v1', 'SWITCH card-1 v1 @11'])
  })

  it('of nothing is refused', () => {
    const world = new World()
    world.operator('LIFT', scope)
    expect(world.news()).toEqual([`REJECTED operator${at}`])
  })

  it('leaves every other scope as it is', () => {
    const others = SCOPES.filter(([other]) => other !== name)
    const world = new World()
    for (const [, other] of others) world.operator('SUPPRESS', other)
    world.news()
    world.operator('LIFT', scope)
    expect(world.news()).toEqual([`REJECTED operator${at}`])
    expect(world.state.suppressions).toHaveLength(3)
  })
})

describe('LIFT', () => {
  it.each(['opt_out', 'closed', 'contact_cardholder_advice'])('ends %s too', type => {
    const world = new World()
    world.lifecycle(type, { at: T0 })
    world.news()
    world.operator('LIFT')
    const reason = type === 'contact_cardholder_advice' ? 'contact_cardholder' : type
    expect(world.news()).toEqual([`LIFTED ${reason} operator`, 'tombstone', 'SKIPPED operator'])
    world.lifecycle('updated', { at: T0 + 1 })
    expect(world.news()).toEqual(['DISCOVER card-1 v1'])
  })

  it('ends all reasons of its scope with one record, of the strongest', () => {
    const world = new World()
    for (const type of ['closed', 'opt_out', 'contact_cardholder_advice']) world.lifecycle(type, { at: T0 })
    world.operator('SUPPRESS')
    world.news()
    world.operator('LIFT')
    expect(world.news()).toEqual(['LIFTED opt_out operator', 'tombstone', 'SKIPPED operator'])
    expect(world.state.suppressions).toEqual([])
  })

  it.each([
    ['before the lift', T0 + SECOND, 'SKIPPED stale'],
    ['at the lift', T0 + HOUR, 'SKIPPED stale'],
    ['after the lift', T0 + HOUR + 1, 'SUPPRESSED opt_out'],
  ])('an opt_out from %s', (_, at, outcome) => {
    const world = new World()
    world.lifecycle('opt_out', { at: T0 })
    world.pass(HOUR)
    world.operator('LIFT')
    world.news()
    world.lifecycle('opt_out', { at })
    expect(world.news().at(-1)).toBe(outcome)
  })

  it('a copy of the opt_out that was lifted is stale, also where its time is ahead of ours', () => {
    const world = new World()
    world.lifecycle('opt_out', { at: T0 + HOUR })
    world.operator('LIFT')
    world.news()
    world.lifecycle('opt_out', { at: T0 + HOUR })
    expect(world.news()).toEqual(['SKIPPED stale'])
  })

  it('of an order alone makes no opt_out stale', () => {
    const world = new World()
    world.lifecycle('enrolled', { at: T0 })
    world.operator('SUPPRESS')
    world.now += HOUR
    world.operator('LIFT')
    world.news()
    world.lifecycle('opt_out', { at: T0 + 1 })
    expect(world.news()).toEqual(['ACTIVE opt_out', 'SUPPRESSED opt_out'])
  })
})

describe.each(SCOPES)('the end of SUPPRESS %s', (_, scope) => {
  it('comes by itself, and its record names the order', () => {
    const world = new World()
    const source = world.operator('SUPPRESS', { ...scope, until: T0 + HOUR })
    world.news()
    const records: unknown[] = []
    world.onDecision = decision => records.push(...decision.suppressions)
    world.pass(HOUR - 1)
    expect(world.news()).toEqual([])
    world.pass(1)
    expect(world.news()).toEqual(['LIFTED operator expired', 'tombstone'])
    expect(records[0]).toMatchObject({ record: { ...scope, source, until: T0 + HOUR, actor: 'someone' } })
    expect(world.state.suppressions).toEqual([])
    expect(world.timers.size).toBe(0)
  })

  it.each([
    ['later', T0 + 3 * HOUR],
    ['never', null],
  ])('does not come when a second order ends %s', (_when, until) => {
    const world = new World()
    world.operator('SUPPRESS', { ...scope, until: T0 + HOUR })
    world.operator('SUPPRESS', { ...scope, until })
    world.news()
    world.pass(2 * HOUR)
    expect(world.news()).toEqual([])
    world.pass(HOUR)
    expect(world.news()).toEqual(until === null ? [] : ['LIFTED operator expired', 'tombstone'])
  })

  it('has nothing to end after a LIFT', () => {
    const world = new World()
    world.operator('SUPPRESS', { ...scope, until: T0 + HOUR })
    world.operator('LIFT', scope)
    world.news()
    world.pass(2 * HOUR)
    expect(world.news()).toEqual([])
  })
})

describe('the end of SUPPRESS', () => {
  it('leaves a weaker reason in force, which is published', () => {
    const world = new World()
    world.lifecycle('closed')
    world.operator('SUPPRESS', { until: T0 + HOUR })
    world.news()
    world.pass(HOUR)
    expect(world.news()).toEqual(['ACTIVE closed'])
  })

  it('under an opt_out is not published', () => {
    const world = new World()
    world.lifecycle('opt_out')
    world.operator('SUPPRESS', { until: T0 + HOUR })
    world.news()
    world.pass(HOUR)
    expect(world.news()).toEqual([])
    expect(world.state.suppressions.map(({ reason }) => reason)).toEqual(['opt_out'])
  })

  it.each(['*', 'a/b:c%', 'line\nbreak', '', null])('its timer keeps the card %o', card_ref => {
    const source = { topic: 'a.b:c/d', partition: 3, offset: 12_345_678_901, event_id: null }
    for (const merchant_id of [null, -5, 0, MERCHANT]) {
      const end = { scope: { card_ref, merchant_id }, source }
      expect(orderEndTimer(end)).not.toContain('/')
      expect(timerOf(orderEndTimer(end))).toEqual({ kind: 'until', ...end })
    }
  })

  it('a timer of another form is none', () => {
    expect(timerOf('until:x')).toBeUndefined()
  })
})
