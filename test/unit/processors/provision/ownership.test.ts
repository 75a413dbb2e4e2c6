import { describe, expect, it } from 'vitest'
import { coded, command, limits, ok, provisionBed, results } from './fakePorts.ts'

const HALF_A_SESSION_MS = 22_500
const QUARTER_OF_A_SESSION_MS = 11_250

describe('a SWITCH while the group has not confirmed this member for half a session', () => {
  it('waits in the ledger and reads no card before the group has', async () => {
    const { task, knot, vault, clock, role, seen } = await provisionBed()
    task.heartbeatAgeMs = HALF_A_SESSION_MS
    task.read(command(1))
    for (let second = 0; second < 30; second++) {
      await task.settle()
      clock.ms += 1_000
    }
    expect(results(task)).toEqual([])
    expect([vault.asked, knot.refused]).toEqual([[], []])
    expect(task.durable.ledger.size).toBe(1)
    expect(task.ledger()).toMatchObject([{ state: 'WAITING', maybe_landed: false, started_at: null }])
    expect(seen.metrics.notAccepted!.length).toBeLessThanOrEqual(4)
    expect(new Set(seen.metrics.notAccepted)).toEqual(new Set(['ownership']))
    expect(role.status().pacing.inUse).toBe(0)

    task.heartbeatAgeMs = 0
    knot.script.push(ok)
    clock.ms = task.timers()[0]![1].dueAtMs
    await task.settle()
    expect(results(task)).toEqual(['1:ACCEPTED'])
    expect(vault.asked).toEqual(['card card-a'])
  })

  it('goes soon after an outage of minutes, and a 429 then waits as the first one', async () => {
    const { task, knot, clock } = await provisionBed()
    task.heartbeatAgeMs = HALF_A_SESSION_MS
    task.read(command(1))
    for (let second = 0; second < 300; second++) {
      await task.settle()
      clock.ms += 1_000
    }
    task.heartbeatAgeMs = 0
    expect(task.ledger()).toMatchObject([{ state: 'WAITING', tries: 0 }])
    expect(task.ledger()[0]!.wake_at! - clock.ms).toBeLessThanOrEqual(QUARTER_OF_A_SESSION_MS)
    knot.script.push({ ...coded('rate_limited', 429), retryAfterMs: null }, ok)
    clock.ms = task.ledger()[0]!.wake_at!
    await task.settle()
    expect(task.ledger()).toMatchObject([{ state: 'WAITING', tries: 1 }])
    expect(task.ledger()[0]!.wake_at! - clock.ms).toBeLessThanOrEqual(1_000)
    clock.ms += 1_000
    await task.settle()
    expect(results(task)).toEqual(['1:ACCEPTED'])
  })

  it('goes back to wait when its turn in the line for permits comes then', async () => {
    const { task, knot, vault, role } = await provisionBed({ limits: limits({ concurrency: 1 }) })
    task.read(command(1, { user_id: 'ada' }))
    task.read(command(1, { user_id: 'bob' }))
    await task.settle()
    knot.waiting[0]!.wire()
    task.heartbeatAgeMs = HALF_A_SESSION_MS
    knot.waiting[0]!.answer(ok)
    await task.settle()
    expect(results(task)).toEqual(['1:ACCEPTED'])
    expect(vault.asked).toHaveLength(1)
    expect(task.ledger()).toMatchObject([{ command_id: 'bob:1', state: 'WAITING', tries: 0 }])
    expect(role.status().pacing.inUse).toBe(0)
  })

  it('is no matter for a look', async () => {
    const { task } = await provisionBed()
    task.heartbeatAgeMs = HALF_A_SESSION_MS
    task.read(command(1, { kind: 'DISCOVER' }))
    await task.settle()
    expect(results(task)).toEqual(['1:DISCOVERED'])
  })
})
