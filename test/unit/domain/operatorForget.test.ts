import { describe, expect, it } from 'vitest'
import { TASK_STARTED } from '../../../src/domain/taskResults.ts'
import { asked, issued, SCOPES, USER_SCOPE } from './orderScopes.ts'
import { reportOn } from './resultBody.ts'
import { CARD, DAY, MERCHANT, MINUTE, T0, USER, World } from './world.ts'

const forget = (world: World) => world.operator('FORGET', USER_SCOPE)

/** Nothing of the user is left but the marker. */
function expectErased(world: World): void {
  expect(world.user(USER)).toBeUndefined()
  expect(world.merchant(USER, MERCHANT)).toBeUndefined()
  expect([...world.timers]).toEqual([])
  expect(world.forgotten(USER)).toEqual({
    decision_seq: Math.max(...[...world.outcomes, ...world.commands].map(({ decision_seq }) => decision_seq)),
    forgotten_at: expect.any(Number) as number,
  })
}

describe('FORGET', () => {
  it('erases the user, with one outcome that names no card and no merchant', () => {
    const world = issued()
    world.accepted()
    world.knot('CARD_UPDATED')
    world.news()
    const source = forget(world)
    expect(world.news()).toEqual(['SUPPRESSED forgotten'])
    expect(world.lastOutcome).toMatchObject({ source, origin: source, card_ref: null, merchant_id: null, final: true })
    expectErased(world)
  })

  it('stops the search for merchants', () => {
    const world = asked()
    forget(world)
    expect(world.news()).toEqual(['SUPPRESSED forgotten', 'CANCELLED operator', 'CANCEL null operator'])
    expectErased(world)
    world.discovered()
    world.cancelled([])
    expect(world.news()).toEqual([])
    expectErased(world)
  })

  it('calls back a SWITCH that is out, and does not wait for what became of it', () => {
    const world = issued()
    const command = world.last('SWITCH')
    forget(world)
    expect(world.news()).toEqual(['SUPPRESSED forgotten', 'CANCEL null operator', 'NO_RESULT forgotten @11'])
    expect(world.last('CANCEL').cancels).toEqual({ card_ref: null, merchant_id: null, command_id: null })
    expect(world.lastOutcome).toMatchObject({ command_id: command.command_id, origin: command.origin, final: true })
    world.cancelled([command])
    world.accepted()
    expect(world.news()).toEqual([])
    expectErased(world)
  })

  it('ends what Knot has without a result', () => {
    const world = issued()
    world.accepted()
    world.news()
    forget(world)
    expect(world.news()).toEqual(['SUPPRESSED forgotten', 'NO_RESULT forgotten @11'])
    expectErased(world)
  })

  it('drops what waits for its turn, and what is queued', () => {
    const world = issued()
    world.accepted()
    world.lifecycle('updated', { at: T0 + 1 })
    world.discovered()
    world.news()
    forget(world)
    expect(world.news()).toEqual(['SUPPRESSED forgotten', 'CANCELLED operator @11', 'NO_RESULT forgotten @11'])
    expectErased(world)
  })

  it('explains the webhooks that were kept for an attempt', () => {
    const world = issued()
    const source = world.knot('CARD_UPDATED')
    world.news()
    forget(world)
    expect(world.outcomes.map(outcome => outcome.source)).toContainEqual(source)
    expectErased(world)
  })

  it('takes the records of every suppression away, without lifting one', () => {
    const world = new World()
    world.lifecycle('opt_out')
    world.operator('SUPPRESS', { card_ref: null, merchant_id: 12, until: T0 + DAY })
    world.operator('SUPPRESS', { card_ref: CARD })
    world.news()
    const before = world.suppressions.length
    forget(world)
    expect(world.suppressions.slice(before)).toEqual([
      { key: 'user-1/card-1/*', text: 'tombstone' },
      { key: 'user-1/*/12', text: 'tombstone' },
    ])
    expectErased(world)
    world.news()
    world.pass(2 * DAY)
    expect(world.news()).toEqual([])
  })

  it('of a user of whom nothing is known makes sure that it stays so', () => {
    const world = new World()
    forget(world)
    expect(world.news()).toEqual(['SUPPRESSED forgotten'])
    expectErased(world)
  })

  it.each(SCOPES.filter(([name]) => name !== 'USER'))('of one %s has no effect', (_, scope, __, at) => {
    const world = issued()
    world.operator('FORGET', scope)
    expect(world.news()).toEqual([`REJECTED operator${at}`])
    expect(world.user(USER)?.cards).toHaveLength(1)
  })
})

describe('a user who was erased', () => {
  function erased(): World {
    const world = issued()
    world.accepted()
    forget(world)
    world.news()
    return world
  }

  it.each(['updated', 'expired', 'closed', 'opt_out', 'contact_cardholder_advice', 'enrolled', 'art_changed'])(
    'is not brought back by %s: it is noted by its position',
    type => {
      const world = erased()
      const source = world.lifecycle(type, { at: T0 + MINUTE })
      expect(world.news()).toEqual(['SKIPPED forgotten'])
      expect(world.lastOutcome).toMatchObject({ source, origin: source, card_ref: null, card_version: null })
      expectErased(world)
    },
  )

  it.each(['CARD_UPDATED', 'CARD_FAILED', 'AUTHENTICATED', 'ACCOUNT_LOGIN_REQUIRED'])(
    'is not brought back by %s',
    event => {
      const world = erased()
      world.knot(event, { card_id: CARD, send_card: false, reason: 'insufficient funds' })
      expect(world.news()).toEqual(['SKIPPED forgotten'])
      expectErased(world)
      world.pass(30 * DAY)
      expect(world.news()).toEqual([])
    },
  )

  it('who links a merchant anew is served by SWITCHER, and it is told that Knot may have a card, but not which', () => {
    for (const end of ['ACCEPTED', 'AMBIGUOUS'] as const) {
      const world = erased()
      const webhook = world.knot('AUTHENTICATED', { send_card: true, task_id: '77', card_id: CARD })
      expect(world.news()).toEqual(['SKIPPED forgotten'])
      world.event(reportOn(77, CARD, MERCHANT, { result: 'AMBIGUOUS', reason: TASK_STARTED }), webhook, world.now)
      expect(world.news()).toEqual([])
      world.event(reportOn(77, CARD, MERCHANT, { result: end }), webhook, world.now)
      expect(world.news()).toEqual(['NO_RESULT forgotten'])
      const anonymous = { card_ref: null, merchant_id: null, merchant_name: null, command_id: null }
      expect(world.lastOutcome).toMatchObject({ source: webhook, origin: webhook, final: true, ...anonymous })
      expectErased(world)
    }
  })

  it('is told nothing more of a task whose card stayed in the house', () => {
    const world = erased()
    const webhook = world.knot('AUTHENTICATED', { send_card: true, task_id: '77', card_id: CARD })
    world.news()
    for (const result of ['NOT_SENT', 'REJECTED', 'INVALID_CARD'] as const) {
      world.event(reportOn(77, CARD, MERCHANT, { result }), webhook, world.now)
    }
    expect(world.news()).toEqual([])
    expectErased(world)
  })

  it('leaves webhooks that never have an outcome alone', () => {
    const world = erased()
    world.knot('CARD_UPDATING')
    expect(world.news()).toEqual([])
    expect(world.ignored).toEqual(['CARD_UPDATING'])
  })

  it.each(['SUPPRESS', 'CANCEL', 'RETRY'] as const)('takes no %s', action => {
    const world = erased()
    world.operator(action, USER_SCOPE)
    expect(world.news()).toEqual(['REJECTED forgotten'])
    expectErased(world)
  })

  it('may be forgotten again: the order has the same effect', () => {
    const world = erased()
    forget(world)
    expect(world.news()).toEqual(['SUPPRESSED forgotten'])
    expectErased(world)
  })

  it('begins anew by a LIFT of the whole user, with nothing but the count of decisions', () => {
    const world = erased()
    const before = world.lastOutcome.decision_seq
    world.operator('LIFT', { card_ref: CARD })
    expect(world.news()).toEqual(['REJECTED forgotten'])
    world.operator('LIFT', USER_SCOPE)
    expect(world.news()).toEqual(['SKIPPED operator'])
    expect(world.forgotten(USER)).toBeUndefined()
    world.lifecycle('updated', { at: T0 })
    world.discovered()
    expect(world.news()).toEqual(['DISCOVER card-1 v1', 'SWITCH card-1 v1 @11'])
    expect(world.last('SWITCH').decision_seq).toBe(before + 4)
  })

  it('never gives an id of a public record twice', () => {
    const world = erased()
    world.lifecycle('updated', { at: T0 + MINUTE })
    forget(world)
    world.operator('LIFT', USER_SCOPE)
    world.lifecycle('updated', { at: T0 + MINUTE })
    const numbers = [...world.outcomes, ...world.commands].map(({ decision_seq }) => decision_seq)
    expect(numbers.sort((a, b) => a - b)).toEqual(numbers.map((_, index) => index + 1))
  })
})
