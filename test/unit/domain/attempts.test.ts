import { describe, expect, it } from 'vitest'
import type { CommandResultCode } from '../../../src/domain/records.ts'
import { account, DAY, HOUR, MERCHANT, MINUTE, SECOND, T0, World } from './world.ts'

/** A SWITCH of version 1 is out. */
function issued(policy = {}): World {
  const world = new World(policy)
  world.lifecycle('updated')
  world.discovered({ vault_version: 'a' })
  world.news()
  return world
}

/** The DISCOVER of the next version is answered; whatever waits here stays. */
function nextVersion(world: World): void {
  world.pass(1)
  world.lifecycle('updated')
  world.discovered()
}

describe('the answer to a SWITCH', () => {
  it.each<[CommandResultCode, string | null, string]>([
    ['ACCEPTED', null, 'ACCEPTED accepted @11'],
    ['AMBIGUOUS', 'timeout', 'ACCEPTED ambiguous @11'],
    ['AMBIGUOUS', 'restarted', 'ACCEPTED ambiguous @11'],
    ['BUSY', null, 'RETRY_SCHEDULED ongoing_operation @11'],
    ['INVALID_CARD', 'invalid_card_data', 'REJECTED invalid_card_data @11'],
    ['REJECTED', 'invalid_field', 'REJECTED invalid_field @11'],
    ['REJECTED', 'invalid_jwe', 'REJECTED invalid_jwe @11'],
    ['REJECTED', 'unknown_error', 'REJECTED unknown_error @11'],
    ['REJECTED', null, 'REJECTED unknown_error @11'],
    ['REJECTED', 'not_linked', 'SKIPPED not_linked @11'],
    ['REJECTED', 'relink', 'NEEDS_USER_ACTION relink @11'],
    ['NOT_SENT', 'card_unknown', 'SKIPPED card_unknown @11'],
    ['NOT_SENT', 'inactive_card', 'SKIPPED inactive_card @11'],
    ['NOT_SENT', 'unsupported_region', 'SKIPPED unsupported_region @11'],
    ['NOT_SENT', 'not_after', 'NO_RESULT no_result @11'],
    ['NOT_SENT', 'suppressed', 'SWITCH card-1 v1 @11'],
    ['NOT_SENT', null, 'REJECTED unknown_error @11'],
    ['NOT_SENT', 'send_by', 'SWITCH card-1 v1 @11'],
    ['NOT_SENT', 'ownership', 'SWITCH card-1 v1 @11'],
    ['RECONCILED', null, 'REJECTED unknown_error @11'],
  ])('%s/%s: %s', (code, reason, news) => {
    const world = issued()
    const { source, origin } = world.last('SWITCH')
    world.result(code, { reason })
    expect(world.news()).toEqual([news])
    expect(world.outcomes.every(outcome => outcome.source.offset === source.offset)).toBe(true)
    expect(world.outcomes.every(outcome => outcome.origin.offset === origin.offset)).toBe(true)
    if (world.outcomes.some(({ final }) => final)) {
      expect(world.at().attempt).toBeNull()
      expect(world.timers.size).toBe(0)
    }
  })

  it('not sent while the answer of an overtaken push came in: again, but only after the gap from that one', () => {
    const world = issued()
    const overtaken = world.last('SWITCH')
    world.pass(DAY)
    world.lifecycle('updated')
    world.discovered()
    const waiting = world.last('SWITCH')
    world.result('ACCEPTED', { started_at: T0 }, overtaken)
    world.news()
    world.result('NOT_SENT', { reason: 'send_by' }, waiting)
    expect(world.news()).toEqual(['RETRY_SCHEDULED min_gap @11'])
    world.pass(10 * MINUTE - 1)
    expect(world.news()).toEqual([])
    world.pass(1)
    expect(world.news()).toEqual(['SWITCH card-1 v2 @11'])
  })

  it('accepted sets the two deadlines, counted from the answer', () => {
    const world = issued()
    world.pass(MINUTE)
    world.accepted()
    expect([...world.timers]).toEqual([
      ['hard:11', T0 + MINUTE + DAY],
      ['soft:11', T0 + MINUTE + 15 * MINUTE],
    ])
    expect(world.lastOutcome).toMatchObject({ final: false, attempt: 1, command_id: world.last('SWITCH').command_id })
  })

  it('an answer from the future puts nothing off', () => {
    const world = issued()
    world.accepted({ answered_at: Number.MAX_SAFE_INTEGER })
    expect(world.timers.get('hard:11')).toBe(T0 + DAY)
    expect(world.at().last_accepted_at).toBe(T0)
  })

  it('an answer to a command that is not out any more says nothing', () => {
    const world = issued()
    const command = world.last('SWITCH')
    world.accepted()
    world.news()
    world.result('REJECTED', { reason: 'invalid_field' }, command)
    expect(world.news()).toEqual([])
    expect(world.at().attempt?.phase).toBe('ACCEPTED')
  })

  it('an answer about a merchant that nobody knows says nothing', () => {
    const world = issued()
    world.result('ACCEPTED', { merchant_id: 99 })
    world.result('ACCEPTED', { merchant_id: null })
    expect(world.news()).toEqual([])
  })
})

describe('a busy account', () => {
  it('is tried again in the same attempt after 30 s, 2 min, 10 min and every 10 min, to the hard deadline', () => {
    const world = issued({ resultHardMs: 25 * MINUTE })
    for (const wait of [30 * SECOND, 2 * MINUTE, 10 * MINUTE, 10 * MINUTE]) {
      world.result('BUSY')
      expect(world.news()).toEqual(['RETRY_SCHEDULED ongoing_operation @11'])
      expect(world.lastOutcome).toMatchObject({ next_attempt_at: world.now + wait, attempt: 1 })
      world.pass(wait)
      expect(world.news()).toEqual(['SWITCH card-1 v1 @11'])
      expect(world.last('SWITCH')).toMatchObject({ attempt: 1, not_after: T0 + 25 * MINUTE })
    }
    world.result('BUSY')
    world.news()
    world.pass(DAY)
    expect(world.news()).toEqual(['NO_RESULT no_result @11'])
    expect(world.timers.size).toBe(0)
  })

  it('its waits are scaled', () => {
    const world = issued({ retryScale: 0.1 })
    world.result('BUSY')
    expect(world.lastOutcome.next_attempt_at).toBe(T0 + 3 * SECOND)
  })

  it('no wait is shorter than the rest of the gap', () => {
    const world = issued()
    world.setMerchant({ last_accepted_at: T0 })
    world.result('BUSY')
    expect(world.lastOutcome.next_attempt_at).toBe(T0 + 10 * MINUTE)
  })

  it('a newer version takes the place of the one that waits', () => {
    const world = issued()
    world.result('BUSY')
    world.news()
    nextVersion(world)
    expect(world.news()).toEqual(['DISCOVER card-1 v2', 'CANCELLED superseded @11', 'SWITCH card-1 v2 @11'])
    expect(world.timers.has('switch:11')).toBe(false)
  })

  it('a version that was queued inherits the wait', () => {
    const world = issued()
    nextVersion(world)
    world.news()
    world.result(
      'BUSY',
      {},
      world.commands.find(({ kind }) => kind === 'SWITCH'),
    )
    expect(world.news()).toEqual(['CANCELLED superseded @11', 'RETRY_SCHEDULED ongoing_operation @11'])
    expect(world.lastOutcome).toMatchObject({ card_version: 2, next_attempt_at: world.now + 30 * SECOND })
  })

  it('an order that came meanwhile is obeyed when the wait is over', () => {
    const world = issued()
    world.result('BUSY')
    const order = { card_ref: null, merchant_id: null, reason: 'operator', since: T0, until: null, actor: 'x' } as const
    world.setUser({ suppressions: [order] })
    world.news()
    world.pass(MINUTE)
    expect(world.news()).toEqual(['CANCELLED operator @11'])
    expect(world.timers.size).toBe(0)
  })
})

describe('one attempt at a time', () => {
  it('the next version waits for the result, then for the gap', () => {
    const world = issued()
    world.accepted()
    nextVersion(world)
    expect(world.news()).toEqual(['ACCEPTED accepted @11', 'DISCOVER card-1 v2'])
    world.pass(5 * MINUTE)
    world.knot('CARD_UPDATED')
    expect(world.news()).toEqual(['UPDATED updated @11', 'RETRY_SCHEDULED min_gap @11'])
    expect(world.lastOutcome).toMatchObject({ card_version: 2, next_attempt_at: T0 + 10 * MINUTE, attempt: 1 })
    world.pass(4 * MINUTE + 59 * SECOND)
    expect(world.news()).toEqual([])
    world.pass(SECOND)
    expect(world.news()).toEqual(['SWITCH card-1 v2 @11'])
    expect(world.at().queued).toBeNull()
  })

  it('of the versions that wait only the newest is pushed', () => {
    const world = issued()
    world.accepted()
    nextVersion(world)
    world.news()
    nextVersion(world)
    expect(world.news()).toEqual(['DISCOVER card-1 v3', 'CANCELLED superseded @11'])
    expect(world.lastOutcome).toMatchObject({ card_version: 2, attempt: 0, command_id: null })
    expect(world.at().queued?.card_version).toBe(3)
  })

  it('a SWITCH that has not started is called back, and the next version goes at once', () => {
    const world = issued()
    const first = world.last('SWITCH')
    nextVersion(world)
    expect(world.news()).toEqual(['DISCOVER card-1 v2', 'CANCEL card-1 @11 superseded'])
    expect(world.last('CANCEL').cancels).toEqual({
      card_ref: 'card-1',
      merchant_id: MERCHANT,
      command_id: first.command_id,
    })
    world.cancelled([first])
    expect(world.news()).toEqual(['CANCELLED superseded @11', 'SWITCH card-1 v2 @11'])
  })

  it('one that had started goes its way, and the next version waits', () => {
    const world = issued()
    const first = world.last('SWITCH')
    nextVersion(world)
    world.news()
    world.cancelled([], [first])
    world.result('ACCEPTED', { started_at: world.now }, first)
    expect(world.news()).toEqual(['ACCEPTED accepted @11'])
    world.knot('CARD_UPDATED')
    expect(world.news()).toEqual(['UPDATED updated @11', 'RETRY_SCHEDULED min_gap @11'])
  })

  it('one that did not start in the end gives way', () => {
    const world = issued()
    const first = world.last('SWITCH')
    nextVersion(world)
    world.news()
    world.cancelled([], [first])
    world.result('NOT_SENT', { reason: 'suppressed' }, first)
    expect(world.news()).toEqual(['CANCELLED superseded @11', 'SWITCH card-1 v2 @11'])
  })

  it('while an attempt is ambiguous nothing else leaves', () => {
    const world = issued()
    world.result('AMBIGUOUS', { started_at: T0 })
    nextVersion(world)
    world.pass(HOUR)
    expect(world.commands.filter(({ kind }) => kind === 'SWITCH')).toHaveLength(1)
    world.pass(DAY)
    expect(world.news().slice(-2)).toEqual(['NO_RESULT no_result @11', 'SWITCH card-1 v2 @11'])
  })

  it('a queued version that turns out to be on file already is not pushed', () => {
    const world = issued()
    world.accepted({ vault_version: 'b' })
    world.pass(1)
    world.lifecycle('updated')
    world.discovered({ vault_version: 'b' })
    world.news()
    world.knot('CARD_UPDATED')
    expect(world.news()).toEqual(['UPDATED updated @11', 'SKIPPED already_current @11'])
    expect(world.at().attempt).toBeNull()
  })

  it('an order for the merchant throws a queued version out, when it is taken from the queue', () => {
    const world = issued()
    world.accepted()
    nextVersion(world)
    const order = {
      card_ref: null,
      merchant_id: MERCHANT,
      reason: 'operator',
      since: T0,
      until: null,
      actor: 'x',
    } as const
    world.setUser({ suppressions: [order] })
    world.news()
    world.knot('CARD_UPDATED')
    expect(world.news()).toEqual(['UPDATED updated @11', 'CANCELLED operator @11'])
  })

  it('other merchants are not held up', () => {
    const world = new World()
    world.lifecycle('updated')
    world.discovered({ accounts: [account({ merchant_id: 1 }), account({ merchant_id: 2 })] })
    const [first] = world.commands.filter(({ kind }) => kind === 'SWITCH')
    world.result('ACCEPTED', { started_at: T0 }, first)
    nextVersion(world)
    expect(world.at(1).queued).toBeNull()
    expect(world.at(2).attempt?.card_version).toBe(1)
  })
})

describe('deadlines', () => {
  it('the hard one ends the attempt, whether the look of the soft one was answered or not', () => {
    const world = issued()
    const { source } = world.last('SWITCH')
    world.accepted()
    world.news()
    world.pass(DAY - 1)
    expect(world.news()).toEqual(['RECONCILE card-1 v1 @11'])
    world.pass(1)
    expect(world.news()).toEqual(['NO_RESULT no_result @11'])
    expect(world.lastOutcome).toMatchObject({ final: true, source, origin: source, occurred_at: T0 + DAY })
    expect(world.timers.size).toBe(0)
  })

  it('a SWITCH without an answer ends at its own not_after', () => {
    const world = issued()
    expect(world.last('SWITCH').not_after).toBe(T0 + DAY)
    world.pass(DAY)
    expect(world.news()).toEqual(['NO_RESULT no_result @11'])
    world.accepted()
    expect(world.news()).toEqual([])
  })

  it('a push that was accepted just before counts for the gap and for what Knot says later', () => {
    const world = issued()
    world.pass(DAY)
    world.news()
    world.accepted({ started_at: world.now - SECOND, vault_version: 'a' })
    expect(world.at()).toMatchObject({ last_accepted_at: world.now, last: { started_at: world.now - SECOND } })
    world.knot('CARD_UPDATED')
    expect(world.news()).toEqual(['UPDATED corrected @11'])
  })

  it('an answer that two deadlines have overtaken still counts for the gap', () => {
    const world = issued()
    const first = world.last('SWITCH')
    nextVersion(world)
    world.pass(3 * DAY)
    expect(world.outcomes.filter(({ status }) => status === 'NO_RESULT')).toHaveLength(2)
    world.result('ACCEPTED', { started_at: T0 }, first)
    expect(world.at()).toMatchObject({ last_accepted_at: world.now, last: { card_version: 2, started_at: null } })
  })

  it.each(['hard:11', 'soft:11', 'switch:11', 'hard:99', 'vault:card-1', 'vault:other', 'later:11'])(
    'a timer %s that has nothing to do does nothing',
    name => {
      const world = issued()
      world.fire(name)
      expect(world.news()).toEqual([])
      expect(world.at().attempt?.phase).toBe('ISSUED')
    },
  )
})
