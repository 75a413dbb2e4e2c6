import { describe, expect, it } from 'vitest'
import { cancel, coded, command, limits, ok, provisionBed, results } from './fakePorts.ts'
import type { Bed } from './fakePorts.ts'

/** One permit for all: the others wait for it. */
const oneAtATime = () => provisionBed({ limits: limits({ concurrency: 1 }) })

const states = ({ task }: Bed) => Object.fromEntries(task.ledger().map(({ command_id, state }) => [command_id, state]))

describe('a task of PROVISION that an operator has paused', () => {
  it('reports the push that was out, and starts no other before it is resumed', async () => {
    const bed = await oneAtATime()
    const { task, knot } = bed
    for (const user_id of ['ada', 'bob', 'cy']) task.read(command(1, { user_id }))
    await task.settle()
    knot.waiting[0]!.wire()
    task.pause()
    knot.waiting[0]!.answer(ok)
    await task.settle()
    expect(results(task)).toEqual(['1:ACCEPTED'])
    expect(states(bed)).toEqual({ 'bob:1': 'WAITING', 'cy:1': 'WAITING' })
    expect(task.effectsInFlight).toBe(0)
    expect(knot.sent).toHaveLength(1)

    knot.script.push(ok, ok)
    task.resume()
    await task.settle()
    expect(knot.sent.map(({ userId }) => userId)).toEqual(['ada', 'bob', 'cy'])
    expect(task.ledger()).toEqual([])
  })

  it('sends what was started before, and lets go of what was only prepared', async () => {
    const bed = await provisionBed()
    const { task, knot, role } = bed
    task.read(command(1, { user_id: 'ada' }))
    task.commit()
    await new Promise(resolve => setImmediate(resolve))
    task.deliver()
    // `started` of ada is in a cycle that has not committed; bob is prepared and was not told of it.
    task.beginCommit()
    task.read(command(1, { user_id: 'bob' }))
    task.commit()
    task.commit()
    await new Promise(resolve => setImmediate(resolve))
    task.pause()
    await task.settle()
    expect(states(bed)).toEqual({ 'ada:1': 'STARTED', 'bob:1': 'WAITING' })
    expect(role.status().pacing.inUse).toBe(1)
    knot.waiting[0]!.answer(ok)
    await task.settle()
    expect(role.status().pacing.inUse).toBe(0)

    knot.script.push(ok)
    task.resume()
    await task.settle()
    expect(knot.sent.map(({ userId }) => userId)).toEqual(['ada', 'bob'])
  })

  it('sends an attempt again that Knot did not accept only after it', async () => {
    const { task, knot, clock } = await provisionBed()
    task.read(command(1))
    await task.settle()
    task.pause()
    knot.waiting[0]!.answer({ ...coded('unavailable', 503), retryAfterMs: null })
    await task.settle()
    clock.ms += 3_600_000
    knot.script.push(ok)
    await task.settle()
    const before = knot.sent.length
    task.resume()
    await task.settle()
    expect([before, knot.sent.length]).toEqual([1, 2])
  })

  it('reads what came meanwhile before it starts anything: a CANCEL is in time, however much stands before it', async () => {
    const { task, knot, vault, clock } = await provisionBed()
    for (const user_id of ['ada', 'bob', 'cy']) task.read(command(1, { user_id, not_before: clock.ms + 1_000 }))
    task.read(command(1, { user_id: 'dee', kind: 'DISCOVER' }))
    task.pause()
    await task.settle()
    expect(results(task)).toEqual([])
    clock.ms += 1_000
    knot.script.push(ok, ok, ok, ok)
    task.resume()
    // The engine fires what was due before the end of the pause as soon as it has read as far: perhaps not up to that end.
    const readOn = async () => {
      task.commit()
      await new Promise(resolve => setImmediate(resolve))
      task.deliver()
    }
    expect(task.fireTimers(['ada:1', 'bob:1', 'cy:1'])).toBe(3)
    await readOn()
    task.read(command(1, { user_id: 'eve' }))
    await readOn()
    expect(vault.asked).toEqual([])
    task.read(cancel(2, {}, 'bob'))
    task.read(cancel(2, {}, 'eve'))
    await readOn()
    expect(vault.asked).toEqual([])
    await task.settle()
    expect(knot.sent.map(({ userId }) => userId)).toEqual(['ada', 'cy'])
    expect(results(task).sort()).toEqual(['1:ACCEPTED', '1:ACCEPTED', '1:DISCOVERED', '2:CANCELLED', '2:CANCELLED'])
    expect(task.durable.ledger.size + task.durable.timers.size).toBe(0)
  })

  it('goes on after a restart in its pause, or right after it, as after any restart', async () => {
    const { task, knot, clock } = await provisionBed()
    for (const user_id of ['ada', 'bob']) task.read(command(1, { user_id, not_before: clock.ms + 1_000 }))
    task.pause()
    await task.settle()
    task.resume()
    task.commit()
    task.crash()
    clock.ms += 1_000
    knot.script.push(ok, ok)
    await task.settle()
    expect(knot.sent.map(({ userId }) => userId)).toEqual(['ada', 'bob'])
    expect(task.durable.timers.size).toBe(0)
  })

  it('that was paused twice in a moment does its work once', async () => {
    const { task, knot } = await oneAtATime()
    for (const user_id of ['ada', 'bob', 'cy']) task.read(command(1, { user_id }))
    await task.settle()
    knot.script.push(ok, ok)
    for (let turn = 0; turn < 2; turn++) {
      task.pause()
      task.resume()
    }
    knot.waiting[0]!.answer(ok)
    await task.settle()
    expect(knot.sent.map(({ userId }) => userId)).toEqual(['ada', 'bob', 'cy'])
  })
})
