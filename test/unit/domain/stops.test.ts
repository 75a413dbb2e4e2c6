import { describe, expect, it } from 'vitest'
import type { ProvisioningCommand } from '../../../src/domain/records.ts'
import { account, HOUR, MINUTE, SECOND, T0, World } from './world.ts'

type StopCase = [type: string, reason: string, first: string[]]

const STOPS: StopCase[] = [
  ['opt_out', 'opt_out', ['ACTIVE opt_out', 'SUPPRESSED opt_out']],
  ['closed', 'closed', ['ACTIVE closed', 'SUPPRESSED closed']],
  ['contact_cardholder_advice', 'contact_cardholder', ['ACTIVE contact_cardholder', 'HELD contact_cardholder']],
]

function asked(): World {
  const world = new World()
  world.lifecycle('updated', { at: T0 })
  world.news()
  return world
}

function issued(): World {
  const world = asked()
  world.discovered()
  world.news()
  return world
}

describe.each(STOPS)('%s', (type, reason, first) => {
  const stop = (world: World) => world.lifecycle(type, { at: T0 + 5 })

  it('before the DISCOVER is answered: one CANCELLED without merchant, and a CANCEL', () => {
    const world = asked()
    const origin = world.last('DISCOVER').source
    const source = stop(world)
    expect(world.news()).toEqual([...first, `CANCELLED ${reason}`, `CANCEL card-1 ${reason}`])
    expect(world.lastOutcome).toMatchObject({ source, origin, merchant_id: null, card_version: 1, final: true })
    expect(world.last('CANCEL')).toMatchObject({
      cancels: { card_ref: 'card-1', merchant_id: null, command_id: null },
      source,
      origin: source,
      attempt: 0,
    })
    world.discovered()
    expect(world.news()).toEqual([])
  })

  it('while the vault is waited for: CANCELLED, and no CANCEL because nothing is out', () => {
    const world = asked()
    world.discovered({ vault_status: 'inactive' })
    world.news()
    stop(world)
    expect(world.news()).toEqual([...first, `CANCELLED ${reason}`])
    expect(world.timers.size).toBe(0)
  })

  it('with a SWITCH out: CANCELLED only when PROVISION says that it was removed', () => {
    const world = issued()
    const command = world.last('SWITCH')
    const source = stop(world)
    expect(world.news()).toEqual([...first, `CANCEL card-1 ${reason}`])
    world.cancelled([command])
    expect(world.news()).toEqual([`CANCELLED ${reason} @11`])
    expect(world.lastOutcome).toMatchObject({ source, origin: command.source, command_id: command.command_id })
    expect(world.at().attempt).toBeNull()
    expect(world.timers.size).toBe(0)
  })

  it('under way and then not sent, or busy: CANCELLED', () => {
    for (const [code, why] of [
      ['NOT_SENT', 'suppressed'],
      ['NOT_SENT', 'send_by'],
      ['BUSY', null],
    ] as const) {
      const world = issued()
      const command = world.last('SWITCH')
      stop(world)
      world.cancelled([], [command])
      world.news()
      world.result(code, { reason: why }, command)
      expect(world.news()).toEqual([`CANCELLED ${reason} @11`])
    }
  })

  it('scheduled: CANCELLED at once, and no CANCEL', () => {
    const world = issued()
    world.result('BUSY')
    world.news()
    const source = stop(world)
    expect(world.news()).toEqual([...first, `CANCELLED ${reason} @11`])
    expect(world.lastOutcome).toMatchObject({ source, attempt: 1 })
    world.pass(HOUR)
    expect(world.news()).toEqual([])
  })

  it('queued behind an attempt that Knot has: CANCELLED at once', () => {
    const world = issued()
    world.accepted()
    world.lifecycle('updated', { at: T0 + 1 })
    world.discovered()
    world.news()
    stop(world)
    expect(world.news()).toContain(`CANCELLED ${reason} @11`)
    expect(world.at()).toMatchObject({ queued: null, attempt: { card_version: 1, phase: 'ACCEPTED' } })
    world.knot('CARD_UPDATED', { timestamp: T0 + SECOND })
    expect(world.news()).toEqual(['UPDATED updated @11'])
  })

  it('does not touch another card', () => {
    const world = new World()
    world.lifecycle('updated', { card: 'card-2', at: T0 })
    world.discovered()
    world.news()
    stop(world)
    expect(world.news()).toEqual(first)
    expect(world.at().attempt?.stop).toBeNull()
  })

  it('with nothing under way writes no CANCEL', () => {
    const world = issued()
    world.accepted()
    world.knot('CARD_UPDATED')
    world.news()
    stop(world)
    expect(world.news()).toEqual(first)
  })
})

describe.each(STOPS.slice(0, 2))('what Knot had accepted before %s', (type, reason, first) => {
  const stop = (world: World) => world.lifecycle(type, { at: T0 + 5 })

  it.each(['ACCEPTED', 'AMBIGUOUS'] as const)('is said (%s), and its result still comes', code => {
    const world = issued()
    const command = world.last('SWITCH')
    world.result(code, { started_at: T0 })
    world.news()
    const source = stop(world)
    expect(world.news()).toEqual([...first, `ACCEPTED accepted_before_${reason} @11`])
    expect(world.lastOutcome).toMatchObject({ final: false, source, origin: command.source })
    world.knot('CARD_UPDATED')
    expect(world.news()).toEqual(['UPDATED updated @11'])
  })

  it('is said once', () => {
    const world = issued()
    world.accepted()
    stop(world)
    world.news()
    world.lifecycle(type, { at: T0 + 6 })
    expect(world.news()).toEqual([`SUPPRESSED ${reason}`])
  })

  it.each([
    ['ACCEPTED', [`ACCEPTED accepted_before_${reason} @11`]],
    ['AMBIGUOUS', ['ACCEPTED ambiguous @11', `ACCEPTED accepted_before_${reason} @11`]],
  ] as const)('while it was under way (%s): %s', (code, news) => {
    const world = issued()
    const command = world.last('SWITCH')
    const source = stop(world)
    world.cancelled([], [command])
    world.news()
    world.result(code, { started_at: T0 + 1 }, command)
    expect(world.news()).toEqual(news)
    expect(world.lastOutcome).toMatchObject({ source, origin: command.source })
  })
})

describe('stops', () => {
  it('a hold says nothing about what Knot has accepted', () => {
    const world = issued()
    world.accepted()
    world.news()
    world.lifecycle('contact_cardholder_advice', { at: T0 + 5 })
    expect(world.news()).toEqual(['ACTIVE contact_cardholder', 'HELD contact_cardholder'])
  })

  it('while a SWITCH is out, hold and then accepted: accepted', () => {
    const world = issued()
    world.lifecycle('contact_cardholder_advice', { at: T0 + 5 })
    world.news()
    world.accepted()
    expect(world.news()).toEqual(['ACCEPTED accepted @11'])
  })

  it('an opt_out takes the place of a newer version as the reason', () => {
    const world = issued()
    const first = world.last('SWITCH')
    world.lifecycle('updated', { at: T0 + 1 })
    world.discovered()
    world.lifecycle('opt_out', { at: T0 + 2 })
    world.news()
    world.cancelled([first])
    expect(world.news()).toEqual(['CANCELLED opt_out @11'])
    expect(world.at()).toMatchObject({ attempt: null, queued: null })
  })

  it('one CANCEL covers all merchants', () => {
    const world = asked()
    world.discovered({ accounts: [1, 2, 3].map(merchant_id => account({ merchant_id })) })
    const switches = world.commands.filter(({ kind }) => kind === 'SWITCH')
    const [removed, underWay, answered] = switches as [ProvisioningCommand, ProvisioningCommand, ProvisioningCommand]
    world.lifecycle('opt_out', { at: T0 + 5 })
    world.news()
    world.result('ACCEPTED', { started_at: T0 }, answered)
    world.cancelled([removed], [underWay])
    world.result('REJECTED', { reason: 'invalid_field' }, underWay)
    expect(world.news()).toEqual([
      'ACCEPTED accepted_before_opt_out @3',
      'CANCELLED opt_out @1',
      'REJECTED invalid_field @2',
    ])
    expect(world.commands.filter(({ kind }) => kind === 'CANCEL')).toHaveLength(1)
  })

  it('an answer to a CANCEL about commands that are gone says nothing', () => {
    const world = issued()
    const command = world.last('SWITCH')
    world.lifecycle('opt_out', { at: T0 + 5 })
    world.result('REJECTED', { reason: 'invalid_field' }, command)
    world.news()
    world.cancelled([command, { ...command, merchant_id: null }, { ...command, merchant_id: 99 }])
    expect(world.news()).toEqual([])
  })

  it('a card that was closed and came back goes behind the SWITCH that is being stopped', () => {
    const world = issued()
    const command = world.last('SWITCH')
    world.lifecycle('closed', { at: T0 + 1 })
    world.lifecycle('updated', { at: T0 + 2 })
    world.pass(MINUTE)
    world.discovered()
    world.news()
    world.cancelled([command])
    expect(world.news()).toEqual(['CANCELLED closed @11', 'SWITCH card-1 v2 @11'])
  })
})
