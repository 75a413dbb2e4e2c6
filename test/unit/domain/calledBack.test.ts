import { describe, expect, it } from 'vitest'
import { HOUR, MINUTE, SECOND, T0, World } from './world.ts'

/** A SWITCH of card `a` waits in PROVISION; `a` is on file, and the user has card `b` too. */
function waiting(outMs = 20 * SECOND): World {
  const world = new World()
  for (const card of ['a', 'b']) world.lifecycle('enrolled', { card })
  world.knot('CARD_UPDATED', { card_id: 'a' })
  world.pass(MINUTE)
  world.lifecycle('updated', { card: 'a' })
  world.discovered()
  world.pass(outMs)
  world.news()
  return world
}

describe('a success while the command waits', () => {
  it('calls it back, once', () => {
    const world = waiting()
    const command = world.last('SWITCH')
    const source = world.knot('CARD_UPDATED')
    world.knot('CARD_UPDATED')
    expect(world.news()).toEqual(['CANCEL a @11 confirmed'])
    const cancels = { card_ref: 'a', merchant_id: 11, command_id: command.command_id }
    expect(world.last('CANCEL')).toMatchObject({ cancels, source, origin: source })
  })

  it('is the result of a request that may have landed', () => {
    const world = waiting()
    world.knot('CARD_UPDATED')
    world.news()
    world.result('AMBIGUOUS', { reason: 'server_error', started_at: world.now - 10 * SECOND, vault_version: 'sent' })
    expect(world.news()).toEqual(['UPDATED updated @11'])
    expect(world.at()).toMatchObject({ attempt: null, holder: { card_ref: 'a', vault_version: 'sent' } })
    expect(world.timers.size).toBe(0)
  })

  it('is the result of the version that was found last, where requests of two may have landed: the newer one still goes', () => {
    const world = new World()
    world.lifecycle('updated')
    world.discovered({ vault_version: 'v1' })
    world.pass(20 * SECOND)
    world.lifecycle('updated')
    world.discovered({ vault_version: 'v2' })
    world.result('AMBIGUOUS', { reason: 'server_error', started_at: world.now - 10 * SECOND, vault_version: null })
    world.knot('CARD_UPDATED')
    expect(world.at()).toMatchObject({ holder: { vault_version: 'v1' } })
    expect(world.news()).not.toContain('SKIPPED already_current @11')
    world.pass(HOUR)
    expect(world.last('SWITCH')).toMatchObject({ card_version: 2 })
  })

  it('that comes after its deadline, which PROVISION tells first: its start is known, so it is corrected', () => {
    const world = new World()
    world.lifecycle('updated')
    world.discovered()
    const startedAt = world.now + MINUTE
    // DECIDE's own timer fires when it has read as far: the answer may come before.
    world.now = world.last('SWITCH').not_after!
    world.news()
    world.result('AMBIGUOUS', {
      reason: 'server_error',
      started_at: startedAt,
      vault_version: 'sent',
      answered_at: null,
    })
    expect(world.news()).toEqual(['ACCEPTED ambiguous @11', 'NO_RESULT no_result @11'])
    expect([world.at().attempt, world.timers.size]).toEqual([null, 0])
    world.knot('CARD_UPDATED', { timestamp: startedAt + SECOND })
    expect(world.news()).toEqual(['UPDATED corrected @11'])
    expect(world.at()).toMatchObject({ holder: { vault_version: 'sent' } })
  })

  it.each([
    ['removed', (world: World) => world.cancelled([world.last('SWITCH')])],
    ['not sent', (world: World) => world.result('NOT_SENT', { reason: 'suppressed' })],
  ])('%s, that names another card: it stays on file', (_, answer) => {
    const world = waiting()
    world.knot('CARD_UPDATED', { card_id: 'b' })
    world.news()
    answer(world)
    expect(world.news()).toEqual(['EXTERNAL updated @11', 'SKIPPED other_card_on_file @11'])
    expect(world.at()).toMatchObject({ attempt: null, holder: { card_ref: 'b' } })
    expect(world.timers.size).toBe(0)
  })

  it('that was another one of the same card: the attempt goes again', () => {
    const world = waiting()
    world.knot('CARD_UPDATED', { card_id: 'a' })
    world.news()
    world.cancelled([world.last('SWITCH')])
    expect(world.news()).toEqual(['EXTERNAL updated @11', 'SWITCH a v1 @11'])
    expect(world.last('SWITCH')).toMatchObject({ attempt: 1 })
    expect(world.at().kept).toEqual([])
  })

  it('calls back a command of a moment ago too: it may have long to wait, with another card on file by then', () => {
    const world = waiting(0)
    world.knot('CARD_UPDATED', { card_id: 'b' })
    expect(world.news()).toEqual(['CANCEL a @11 confirmed'])
    world.cancelled([world.last('SWITCH')])
    expect(world.news()).toEqual(['EXTERNAL updated @11', 'SKIPPED other_card_on_file @11'])
  })

  it('of a command whose answer was on its way: the CANCEL finds nothing and changes nothing', () => {
    const world = waiting(0)
    world.knot('CARD_UPDATED')
    world.accepted({ vault_version: 'sent' })
    world.cancelled([])
    expect(world.news()).toEqual(['CANCEL a @11 confirmed', 'UPDATED updated @11'])
    expect(world.at()).toMatchObject({ attempt: null, holder: { vault_version: 'sent' } })
    expect(world.timers.size).toBe(0)
  })

  it('after a stop calls nothing back again', () => {
    const world = waiting()
    world.lifecycle('opt_out', { card: 'a' })
    world.news()
    world.knot('CARD_UPDATED')
    expect(world.news()).toEqual([])
    world.cancelled([world.last('SWITCH')])
    expect(world.news()).toEqual(['CANCELLED opt_out @11', 'EXTERNAL updated @11'])
  })

  it('older than the command, of another card: calls it back too', () => {
    const world = waiting()
    world.knot('CARD_UPDATED', { card_id: 'b', timestamp: T0 + 30 * SECOND })
    expect(world.news()).toEqual(['EXTERNAL updated @11', 'CANCEL a @11 confirmed'])
    world.cancelled([world.last('SWITCH')])
    expect(world.news()).toEqual(['SKIPPED other_card_on_file @11'])
  })
})
