import { describe, expect, it } from 'vitest'
import { cancel, command, ok, provisionBed, results, limits } from './fakePorts.ts'

describe('after a crash', () => {
  it('what was started and has no result is AMBIGUOUS at once and never sent again; its lane stays closed', async () => {
    const { task, knot, clock } = await provisionBed()
    task.read(command(1))
    task.read(command(2))
    task.read(command(3, { merchant_id: 12 }))
    await task.settle()
    const startedAt = clock.ms
    knot.waiting[0]!.wire()
    knot.script.push(ok, ok)
    clock.ms += 3_000
    task.crash()
    await task.settle()
    expect(results(task)).toEqual(['1:AMBIGUOUS/restarted', '3:AMBIGUOUS/restarted'])
    expect(task.durable.events[0]?.body).toMatchObject({
      started_at: startedAt,
      vault_version: 'v1',
      vault_status: 'active',
    })
    expect(knot.sent).toHaveLength(1)
    task.crash()
    clock.ms = startedAt + 29_999
    await task.settle()
    expect(knot.sent).toHaveLength(1)
    clock.ms = startedAt + 30_000
    await task.settle()
    expect(results(task)).toEqual(['1:AMBIGUOUS/restarted', '3:AMBIGUOUS/restarted', '2:ACCEPTED'])
    expect(task.durable.ledger.size + task.durable.timers.size).toBe(0)
  })

  it('long after send_by the lane is open at once', async () => {
    const { task, knot, clock } = await provisionBed()
    task.read(command(1))
    task.read(command(2))
    await task.settle()
    clock.ms += 60_000
    knot.script.push(ok)
    task.crash()
    await task.settle()
    expect(results(task)).toEqual(['1:AMBIGUOUS/restarted', '2:ACCEPTED'])
  })

  it('what was only prepared starts again, but not before the input has been read up to date', async () => {
    const { task, knot } = await provisionBed()
    task.read(command(1))
    task.read(command(2))
    task.commit()
    task.crash()
    task.commit()
    await new Promise(resolve => setImmediate(resolve))
    expect(task.deliver()).toBe(0)
    task.read(cancel(3, { command_id: 'ada:1' }))
    knot.script.push(ok)
    await task.settle()
    expect(results(task)).toEqual(['3:CANCELLED', '2:ACCEPTED'])
  })

  it('a CANCEL after it finds nothing of what was reported', async () => {
    const { task } = await provisionBed()
    task.read(command(1))
    await task.settle()
    task.crash()
    task.read(cancel(2))
    await task.settle()
    expect(task.durable.events[1]?.body).toMatchObject({ result: 'CANCELLED', removed: [], under_way: [] })
  })

  it('a push of the lost life that reaches the wire late is refused', async () => {
    const { task, knot } = await provisionBed()
    task.read(command(1))
    await task.settle()
    task.crash()
    expect(knot.waiting[0]!.wire()).toBe(false)
  })
})

describe('draining', () => {
  it('starts nothing new, lets pushes end, and leaves the rest for the next owner', async () => {
    const { task, knot, role } = await provisionBed({ limits: limits({ concurrency: 1 }) })
    task.read(command(1))
    task.read(command(2))
    task.read(command(3, { merchant_id: 12 }))
    await task.settle()
    task.processor.onDraining()
    knot.waiting[0]!.answer(ok)
    await task.settle()
    expect(results(task)).toEqual(['1:ACCEPTED'])
    expect(task.effectsInFlight).toBe(0)
    expect(role.status()).toMatchObject({ pacing: { inUse: 0, waiting: { push: 0, look: 0 } } })
    expect(task.ledger().map(({ command_id, state }) => [command_id, state])).toEqual([
      ['ada:2', 'WAITING'],
      ['ada:3', 'WAITING'],
    ])
    knot.script.push(ok, ok)
    task.crash()
    await task.settle()
    expect(results(task).sort()).toEqual(['1:ACCEPTED', '2:ACCEPTED', '3:ACCEPTED'])
  })
})
