import { describe, expect, it } from 'vitest'
import type { PushKeyAnswer } from '../../../../src/knot/cardUpdater.ts'
import type { PushHold, PushSwitch } from '../../../../src/processors/provision/ports.ts'
import { cancel, coded, command, limits, ok, provisionBed, results } from './fakePorts.ts'

const HOLD: PushHold = { reason: 'operator', detail: 'ops paused pushes: a drill', sinceMs: 1 }

function lever(): PushSwitch & { set(hold: PushHold | null): void } {
  const listeners: (() => void)[] = []
  let held: PushHold | null = null
  return {
    held: () => held,
    onChange: listener => void listeners.push(listener),
    set: hold => {
      held = hold
      for (const listener of listeners) listener()
    },
  }
}

const states = (task: { ledger(): { command_id: string; state: string }[] }) =>
  Object.fromEntries(task.ledger().map(({ command_id, state }) => [command_id, state]))

describe('a push that may not leave yet', () => {
  it('is not started, and its send_by counts from when it is', async () => {
    const { task, knot, clock } = await provisionBed({
      limits: limits({ merchant: { concurrency: 1, ratePerSecond: null } }),
    })
    task.read(command(1, { user_id: 'ada' }))
    task.read(command(1, { user_id: 'bob' }))
    await task.settle()
    expect(states(task)).toEqual({ 'ada:1': 'STARTED', 'bob:1': 'WAITING' })
    clock.ms += 600_000
    knot.waiting[0]!.wire()
    knot.waiting[0]!.answer(ok)
    await task.settle()
    expect(task.ledger()).toMatchObject([{ command_id: 'bob:1', state: 'STARTED', send_by: clock.ms + 20_000 }])
    knot.waiting[1]!.answer(ok)
    await task.settle()
    expect(knot.sent.map(({ userId }) => userId)).toContain('bob')
  })

  it('goes at once with its CANCEL, and leaves its turn to the next', async () => {
    const { task, knot, role } = await provisionBed({
      limits: limits({ merchant: { concurrency: 1, ratePerSecond: null } }),
    })
    for (const user_id of ['ada', 'bob', 'cy']) task.read(command(1, { user_id }))
    await task.settle()
    task.read(cancel(2, {}, 'bob'))
    await task.settle()
    expect(role.status().pacing.waiting).toEqual({ push: 1, look: 0 })
    expect(task.ledger().map(({ command_id }) => command_id)).toEqual(['ada:1', 'cy:1'])
    knot.waiting[0]!.answer(ok)
    await task.settle()
    expect(knot.waiting.map(({ target }) => target.userId)).toEqual(['ada', 'cy'])
  })

  it.each(['SWITCH', 'DISCOVER'] as const)(
    'a %s that is read together with its CANCEL never stands in line',
    async kind => {
      const { task, knot, role } = await provisionBed({ limits: limits({ concurrency: 1 }) })
      task.read(command(1, { user_id: 'ada' }))
      await task.settle()
      task.read(command(1, { user_id: 'bob', kind }))
      task.read(cancel(2, {}, 'bob'))
      await task.settle()
      expect(role.status().pacing.waiting).toEqual({ push: 0, look: 0 })
      knot.waiting[0]!.answer(ok)
      await task.settle()
      expect(results(task)).toEqual(['2:CANCELLED', '1:ACCEPTED'])
    },
  )

  it('waits out the breaker of its merchant, and tells what opened it', async () => {
    const { task, knot, seen, role } = await provisionBed({ retryScale: 0.001 })
    for (let i = 0; i < 5; i++) {
      knot.script.push(coded('merchant_unavailable', 400, 'MERCHANT_UNAVAILABLE'))
      task.read(command(1, { user_id: `user-${i}` }))
    }
    await task.settle()
    expect(seen.metrics.breakerOpened).toEqual([19])
    task.read(command(1, { user_id: 'late' }))
    task.read(command(1, { user_id: 'elsewhere', merchant_id: 45 }))
    await task.settle()
    expect(states(task)).toMatchObject({ 'late:1': 'WAITING', 'elsewhere:1': 'STARTED' })
    expect(role.status().pacing.merchants).toContainEqual(
      expect.objectContaining({ merchantId: 19, waiting: 1, inUse: 0, breaker: 'open' }),
    )
  })
})

describe('a key that cannot be fetched', () => {
  const failure = (): PushKeyAnswer => ({ kind: 'unavailable', retryAfterMs: 60_000, httpStatus: 503 })

  it('opens the breaker of Knot as pushes that fail do, for as long as Knot says', async () => {
    const { task, knot, seen, role } = await provisionBed()
    for (let i = 0; i < 10; i++) {
      knot.keyAnswer = failure()
      task.read(command(1, { user_id: `user-${i}` }))
      await task.settle()
    }
    expect(seen.metrics.breakerOpened).toEqual(['knot'])
    expect(role.status().pacing.knotBreaker).toBe('open')
    task.read(command(1, { user_id: 'late' }))
    await task.settle()
    expect(role.status().pacing.waiting.push).toBe(1)
  })

  it('is one failure, however many pushes waited for that fetch', async () => {
    const { task, knot, role } = await provisionBed()
    knot.keyAnswer = failure()
    for (let i = 0; i < 30; i++) task.read(command(1, { user_id: `user-${i}` }))
    await task.settle()
    expect(role.status().pacing.knotBreaker).toBe('closed')
  })
})

describe('the global stop of pushes', () => {
  it('starts none, answers none, lets looks go on, and loses nothing', async () => {
    const pushSwitch = lever()
    const { task, knot, seen, role } = await provisionBed({ pushSwitch })
    pushSwitch.set(HOLD)
    task.read(command(1))
    task.read(command(2, { kind: 'DISCOVER', merchant_id: null }))
    await task.settle()
    expect(states(task)).toEqual({ 'ada:1': 'WAITING' })
    expect(results(task)).toEqual(['2:DISCOVERED'])
    expect(role.status().hold).toEqual(HOLD)
    expect(seen.metrics.paused).toEqual([['operator', true]])
    pushSwitch.set(null)
    knot.script.push(ok)
    await task.settle()
    expect(results(task)).toEqual(['2:DISCOVERED', '1:ACCEPTED'])
    expect(seen.metrics.paused).toEqual([
      ['operator', true],
      ['operator', false],
    ])
  })

  it('lasts over a restart', async () => {
    const pushSwitch = lever()
    const { task, knot } = await provisionBed({ pushSwitch })
    pushSwitch.set(HOLD)
    task.read(command(1))
    await task.settle()
    task.crash()
    await task.settle()
    expect([knot.waiting.length, results(task)]).toEqual([0, []])
    pushSwitch.set(null)
    knot.script.push(ok)
    await task.settle()
    expect(results(task)).toEqual(['1:ACCEPTED'])
  })

  it('stops a push that is started but not on the wire: it waits as before its start', async () => {
    const pushSwitch = lever()
    const { task, knot } = await provisionBed({ pushSwitch })
    task.read(command(1))
    await task.settle()
    expect(states(task)).toEqual({ 'ada:1': 'STARTED' })
    pushSwitch.set(HOLD)
    knot.waiting[0]!.answer(ok)
    await task.settle()
    expect([knot.sent, results(task)]).toEqual([[], []])
    expect(task.ledger()).toMatchObject([{ state: 'WAITING', send_by: null, tries: 0 }])
    pushSwitch.set(null)
    knot.script.push(ok)
    await task.settle()
    expect([knot.sent.length, results(task)]).toEqual([1, ['1:ACCEPTED']])
  })

  it('does not keep alive what was cancelled meanwhile', async () => {
    const pushSwitch = lever()
    const { task, knot } = await provisionBed({ pushSwitch })
    task.read(command(1))
    await task.settle()
    pushSwitch.set(HOLD)
    task.read(cancel(2))
    knot.waiting[0]!.answer(ok)
    await task.settle()
    expect(results(task)).toEqual(['2:CANCELLED', '1:NOT_SENT/suppressed'])
    expect(task.ledger()).toEqual([])
  })
})
