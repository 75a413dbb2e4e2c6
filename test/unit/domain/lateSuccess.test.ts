import { describe, expect, it } from 'vitest'
import type { SourcePosition } from '../../../src/domain/records.ts'
import { HOUR, MINUTE, SECOND, T0, World } from './world.ts'

/** Attempt 1 has failed, the SWITCH of attempt 2 is out. */
function retried(): World {
  const world = new World()
  world.lifecycle('updated')
  world.discovered({ vault_version: 'a' })
  world.accepted({ vault_version: 'a' })
  world.knot('CARD_FAILED', { reason: 'other' })
  world.pass(HOUR)
  world.discovered({ vault_version: 'a' })
  world.news()
  return world
}

/** The success of attempt 1, of a time before attempt 2. */
function lateSuccess(world: World): SourcePosition {
  return world.knot('CARD_UPDATED', { timestamp: T0 + MINUTE })
}

describe('a late success of a failed attempt whose retry is out', () => {
  it('is told at once and calls the retry back', () => {
    const world = retried()
    const { command_id, origin } = world.last('SWITCH')
    const source = lateSuccess(world)
    expect(world.news()).toEqual(['UPDATED corrected @11', 'CANCEL card-1 @11 corrected'])
    expect(world.last('CANCEL').cancels).toMatchObject({ command_id })
    expect(world.lastOutcome).toMatchObject({ attempt: 1, source, origin })
    expect(world.at().holder).toMatchObject({ card_ref: 'card-1', vault_version: 'a' })
  })

  it.each<[string, (world: World) => void]>([
    ['removed', world => world.cancelled([world.last('SWITCH')])],
    ['not sent', world => world.result('NOT_SENT', { reason: 'suppressed' })],
    ['found busy', world => world.result('BUSY')],
  ])('the retry that was %s is cancelled, under the webhook as its origin', (_, answer) => {
    const world = retried()
    const source = lateSuccess(world)
    world.news()
    answer(world)
    expect(world.news()).toEqual(['CANCELLED corrected @11'])
    expect(world.lastOutcome).toMatchObject({ attempt: 2, source, origin: source })
    expect(world.at().attempt).toBeNull()
    expect(world.at().last).toMatchObject({ number: 1, status: 'UPDATED' })
    expect(world.timers.size).toBe(0)
  })

  it.each([
    ['CARD_UPDATED', 'UPDATED updated @11'],
    ['CARD_FAILED', 'FAILED other @11'],
  ])('the retry that had started and ends with %s is told, hides nothing and is the last', (event, outcome) => {
    const world = retried()
    const { origin } = world.last('SWITCH')
    const source = lateSuccess(world)
    world.accepted()
    world.news()
    world.knot(event, { reason: 'other' })
    expect(world.news()).toEqual([outcome])
    const told = world.outcomes.filter(each => each.origin.offset === origin.offset)
    expect(told.at(-1)).toMatchObject({ status: 'UPDATED', reason: 'corrected' })
    const own = world.outcomes.filter(each => each.origin.offset === source.offset)
    expect(own.map(({ final }) => final)).toEqual([false, true])
    expect(world.at().attempt).toBeNull()
  })

  it('one that Knot has accepted already cannot be called back', () => {
    const world = retried()
    world.accepted()
    world.news()
    const source = lateSuccess(world)
    expect(world.news()).toEqual(['UPDATED corrected @11'])
    world.pass(HOUR)
    world.knot('CARD_FAILED', { reason: 'other' })
    expect(world.lastOutcome).toMatchObject({ status: 'FAILED', attempt: 2, origin: source })
  })

  it('a stop that is under way keeps its reason', () => {
    const world = retried()
    world.lifecycle('opt_out')
    world.news()
    lateSuccess(world)
    expect(world.news()).toEqual(['UPDATED corrected @11'])
    world.cancelled([world.last('SWITCH')])
    expect(world.news()).toEqual(['CANCELLED opt_out @11'])
  })
})

describe('a late success of a failed attempt that the user has made begin anew by linking the merchant again', () => {
  /** Attempt 1 has failed for want of the user, who has logged in again: the look of the new attempt is out. */
  function relinked(): World {
    const world = new World()
    world.lifecycle('updated')
    world.discovered({ vault_version: 'a' })
    world.accepted({ vault_version: 'a' })
    world.knot('CARD_FAILED', { reason: 'otp', timestamp: T0 + SECOND })
    world.pass(HOUR)
    world.knot('AUTHENTICATED', { timestamp: world.now })
    world.news()
    return world
  }

  it('ends the new attempt while its merchant is looked at, under the origin of that', () => {
    const world = relinked()
    const { origin } = world.last('DISCOVER')
    lateSuccess(world)
    expect(world.news()).toEqual(['UPDATED corrected @11', 'CANCELLED corrected @11'])
    expect(world.lastOutcome).toMatchObject({ attempt: 1, origin })
    expect([world.at().attempt, world.timers.size]).toEqual([null, 0])
  })

  it('calls its SWITCH back: no card is pushed to a merchant that is known to have it', () => {
    const world = relinked()
    world.discovered({ vault_version: 'a' })
    const { command_id, origin } = world.last('SWITCH')
    world.news()
    lateSuccess(world)
    expect(world.news()).toEqual(['UPDATED corrected @11', 'CANCEL card-1 @11 corrected'])
    expect(world.last('CANCEL').cancels).toMatchObject({ command_id })
    world.cancelled([world.last('SWITCH')])
    expect(world.news()).toEqual(['CANCELLED corrected @11'])
    expect(world.lastOutcome).toMatchObject({ attempt: 1, origin })
  })

  it('leaves a newer version alone', () => {
    const world = relinked()
    world.lifecycle('updated')
    world.discovered({ vault_version: 'b' })
    world.news()
    lateSuccess(world)
    expect(world.news()).toEqual(['UPDATED corrected @11'])
    expect(world.at().attempt).toMatchObject({ phase: 'ISSUED', card_version: 2, stop: null })
  })
})

describe('a webhook while a SWITCH is not answered', () => {
  it.each([
    ['within the skew of its command is kept', -2 * SECOND, []],
    ['older than that is of another one', -2 * SECOND - 1, ['UPDATED corrected @11']],
  ])('%s', (_, offsetMs, expected) => {
    const world = retried()
    world.knot('CARD_UPDATED', { timestamp: world.now + offsetMs })
    expect(world.news().filter(text => !text.startsWith('CANCEL'))).toEqual(expected)
    expect(world.at().kept).toHaveLength(expected.length === 0 ? 1 : 0)
  })
})
