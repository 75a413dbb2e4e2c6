import { beforeEach, describe, expect, it } from 'vitest'
import { TASK_STARTED } from '../../../src/domain/taskResults.ts'
import type { CommandResult, CommandResultCode, SourcePosition } from '../../../src/domain/records.ts'
import { reportOn } from './resultBody.ts'
import { CARD, DAY, HOUR, MERCHANT, MINUTE, SECOND, World } from './world.ts'

const WEBHOOK: SourcePosition = { topic: 'knot-events', partition: 0, offset: 900, event_id: null }

let world: World
beforeEach(() => {
  world = new World()
})

/** A report of SWITCHER about task 77, as of now. */
function report(result: CommandResultCode, facts: Partial<CommandResult> = {}): void {
  const body = reportOn(77, CARD, MERCHANT, { result, ...facts })
  world.event(body, WEBHOOK, world.now)
}

const started = () => report('AMBIGUOUS', { reason: TASK_STARTED, started_at: world.now })
const accepted = () => {
  world.now += SECOND
  report('ACCEPTED', { vault_version: 'v7', started_at: world.now, answered_at: world.now })
}

describe('the push of a task', () => {
  it('that Knot accepts is told, and CARD_UPDATED ends it with its card as the one on file', () => {
    started()
    expect(world.news()).toEqual([])
    accepted()
    expect(world.lastOutcome).toMatchObject({
      status: 'ACCEPTED',
      reason: 'accepted',
      command_id: 'task:77',
      origin: WEBHOOK,
    })
    world.now += 5 * SECOND
    world.knot('CARD_UPDATED')
    expect(world.lastOutcome).toMatchObject({ status: 'UPDATED', final: true, command_id: 'task:77', origin: WEBHOOK })
    expect(world.at().holder).toMatchObject({ card_ref: CARD, vault_version: 'v7' })
    expect([...world.timers]).toEqual([])
  })

  it('whose webhook is faster than its report ends once', () => {
    started()
    world.now += SECOND
    world.knot('CARD_UPDATED')
    accepted()
    expect(world.news()).toEqual(['UPDATED updated @11'])
    expect(world.at().last_accepted_at).toBe(world.now)
  })

  it('that fails is not tried again: the user is not there any more', () => {
    started()
    accepted()
    world.knot('CARD_FAILED', { reason: 'did not receive payment method information' })
    expect(world.news()).toEqual(['ACCEPTED accepted @11', 'FAILED did_not_receive_payment_method_information @11'])
    world.pass(2 * DAY)
    expect(world.news()).toEqual([])
    expect(world.commands).toEqual([])
  })

  it('whose SWITCHER dies after its start is looked for, and ends at the hard deadline', () => {
    started()
    world.pass(15 * MINUTE)
    expect(world.news()).toEqual(['RECONCILE card-1 v0 @11'])
    world.pass(DAY)
    expect(world.news()).toEqual(['NO_RESULT no_result @11'])
  })

  it.each([
    ['NOT_SENT', 'not_after', 'CANCELLED window_missed @11'],
    ['NOT_SENT', 'ownership', 'CANCELLED window_missed @11'],
    ['BUSY', null, 'CANCELLED window_missed @11'],
    ['NOT_SENT', 'card_unknown', 'SKIPPED card_unknown @11'],
    ['NOT_SENT', 'inactive_card', 'SKIPPED inactive_card @11'],
    ['INVALID_CARD', 'invalid_card_data', 'REJECTED invalid_card_data @11'],
    ['REJECTED', 'invalid_field', 'REJECTED invalid_field @11'],
    ['REJECTED', 'not_linked', 'SKIPPED not_linked @11'],
    ['REJECTED', 'relink', 'NEEDS_USER_ACTION relink @11'],
    ['REJECTED', 'something new', 'REJECTED unknown_error @11'],
  ] as const)(
    'that ends as %s/%s is told so, with or without a start before, and leaves nothing open',
    (result, reason, told) => {
      report(result, { reason })
      expect(world.news()).toEqual([told])
      started()
      report(result, { reason })
      expect(world.news()).toEqual([told])
      expect(world.lastOutcome).toMatchObject({ final: true, source: WEBHOOK, origin: WEBHOOK, command_id: 'task:77' })
      expect([...world.timers]).toEqual([])
    },
  )

  it('that a suppression stopped names its reason', () => {
    world.lifecycle('opt_out')
    world.news()
    report('NOT_SENT', { reason: 'suppressed' })
    expect(world.news()).toEqual(['SUPPRESSED opt_out @11'])
  })

  it('whose result is unknown waits for the webhook', () => {
    started()
    report('AMBIGUOUS', { reason: 'timeout', started_at: world.now })
    expect(world.news()).toEqual(['ACCEPTED ambiguous @11'])
    world.knot('CARD_UPDATED')
    expect(world.news()).toEqual(['UPDATED updated @11'])
  })

  it('that an opt_out meets under way says so', () => {
    world.lifecycle('enrolled')
    started()
    accepted()
    world.news()
    world.lifecycle('opt_out', { at: world.now })
    expect(world.news()).toContain('ACCEPTED accepted_before_opt_out @11')
  })
})

describe('a card that only a task has named', () => {
  it('is on file, and no other card takes its place', () => {
    started()
    accepted()
    world.knot('CARD_UPDATED')
    world.lifecycle('updated', { card: 'another' })
    world.news()
    world.discovered()
    expect(world.news()).toEqual(['SKIPPED other_card_on_file @11'])
  })

  it('reserves its merchant while its push is open', () => {
    started()
    world.lifecycle('updated', { card: 'another' })
    world.news()
    world.discovered()
    expect(world.news()).toEqual(['SKIPPED holder_unknown @11'])
  })

  it('is closed as any other, and frees its merchant', () => {
    started()
    accepted()
    world.knot('CARD_UPDATED')
    world.lifecycle('closed')
    world.lifecycle('updated', { card: 'another' })
    world.pass(11 * MINUTE)
    world.news()
    world.discovered()
    expect(world.news()).toEqual(['SWITCH another v1 @11'])
  })

  it('takes the place of the oldest closed card where there is no room, and of no live one', () => {
    for (let i = 0; i < 63; i++) world.lifecycle('enrolled', { card: `live-${i}` })
    world.lifecycle('closed', { card: 'closed' })
    started()
    const refs = world.state.cards.map(card => card.card_ref)
    expect(refs).toHaveLength(64)
    expect(refs).toContain(CARD)
    expect(refs).not.toContain('closed')
    accepted()
    report('AMBIGUOUS', { reason: TASK_STARTED, command_id: 'task:78', card_ref: 'one-more', merchant_id: 12 })
    expect(world.state.cards).toHaveLength(64)
  })
})

describe('beside work of the same merchant', () => {
  it('what waits gives way', () => {
    world.lifecycle('updated')
    world.discovered()
    world.result('BUSY')
    world.news()
    started()
    expect(world.news()).toEqual(['CANCELLED superseded @11'])
    accepted()
    world.knot('CARD_UPDATED')
    expect(world.news()).toEqual(['ACCEPTED accepted @11', 'UPDATED updated @11'])
    world.pass(HOUR)
    expect(world.news()).toEqual([])
  })

  it('a push that Knot may have stays the open attempt, and the task ends where it was accepted', () => {
    world.lifecycle('updated')
    world.discovered()
    world.accepted()
    world.news()
    started()
    accepted()
    expect(world.news()).toEqual(['NO_RESULT under_way @11'])
    world.knot('CARD_UPDATED')
    expect(world.news()).toEqual(['UPDATED updated @11'])
    expect(world.lastOutcome.command_id).toBe(world.last('SWITCH').command_id)
  })

  it('a new version waits for the end of the task, and for the gap', () => {
    started()
    accepted()
    world.lifecycle('updated')
    world.discovered({ vault_version: 'v8' })
    world.news()
    world.knot('CARD_UPDATED')
    expect(world.news()).toEqual(['UPDATED updated @11', 'RETRY_SCHEDULED min_gap @11'])
    world.pass(10 * MINUTE)
    expect(world.news()).toEqual(['SWITCH card-1 v1 @11'])
  })
})
