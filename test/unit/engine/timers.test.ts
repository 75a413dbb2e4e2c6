import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { dueTimeCodec, timerId, timerOfId, TimerQueue } from '../../../src/engine/timers.ts'

describe('TimerQueue', () => {
  it('gives timers in due order, then by name and key', () => {
    const queue = new TimerQueue()
    queue.schedule('b', 'soft', 20)
    queue.schedule('a', 'soft', 20)
    queue.schedule('a', 'hard', 20)
    queue.schedule('z', 'hard', 10)
    const taken = []
    for (let timer = queue.take(100); timer; timer = queue.take(100)) taken.push(`${timer.name}/${timer.key}`)
    expect(taken).toEqual(['hard/z', 'hard/a', 'soft/a', 'soft/b'])
  })

  it('moves a timer that is scheduled again, and fires it once', () => {
    const queue = new TimerQueue()
    queue.schedule('a', 'soft', 10)
    queue.schedule('a', 'soft', 50)
    expect(queue.take(40)).toBeUndefined()
    expect(queue.take(50)).toEqual({ key: 'a', name: 'soft', dueAtMs: 50 })
    expect(queue.take(1000)).toBeUndefined()
  })

  it('counts what waits by kind, whatever becomes of it', () => {
    const queue = new TimerQueue()
    queue.schedule('a', 'switch:7', 10)
    queue.schedule('a', 'switch:8', 20)
    queue.schedule('b', 'hard:7', 30)
    queue.schedule('b', 'wake', 40)
    queue.schedule('a', 'switch:7', 50)
    expect(Object.fromEntries(queue.counts)).toEqual({ switch: 2, hard: 1, wake: 1 })
    queue.cancel('b', 'hard:7')
    queue.take(20)
    expect(Object.fromEntries(queue.counts)).toEqual({ switch: 1, hard: 0, wake: 1 })
  })

  it('behaves as a sorted list under any mix of schedule, cancel and take', () => {
    const command = fc.oneof(
      fc.record({ kind: fc.constant('schedule' as const), key: fc.integer({ max: 40, min: 0 }), due: fc.nat(1000) }),
      fc.record({ kind: fc.constant('cancel' as const), key: fc.integer({ max: 40, min: 0 }) }),
      fc.record({ kind: fc.constant('take' as const), until: fc.nat(1000) }),
    )
    fc.assert(
      fc.property(fc.array(command, { maxLength: 400 }), commands => {
        const queue = new TimerQueue()
        const model = new Map<string, number>()
        for (const c of commands) {
          if (c.kind === 'schedule') {
            queue.schedule(String(c.key), 't', c.due)
            model.set(String(c.key), c.due)
          } else if (c.kind === 'cancel') {
            expect(queue.cancel(String(c.key), 't')).toBe(model.delete(String(c.key)))
          } else {
            const expected = [...model].sort((a, b) => a[1] - b[1] || (a[0] < b[0] ? -1 : 1))[0]
            const taken = queue.take(c.until)
            if (expected === undefined || expected[1] > c.until) expect(taken).toBeUndefined()
            else {
              expect(taken).toEqual({ key: expected[0], name: 't', dueAtMs: expected[1] })
              model.delete(expected[0])
            }
          }
          expect(queue.size).toBe(model.size)
          expect(queue.nextDueAtMs).toBe(Math.min(Number.POSITIVE_INFINITY, ...model.values()))
        }
      }),
    )
  })

  it('names the timers of one key, without those that were cancelled or taken', () => {
    const queue = new TimerQueue()
    for (const name of ['a', 'b', 'c']) queue.schedule('user/1', name, 5)
    queue.schedule('user/2', 'a', 1)
    queue.cancel('user/1', 'b')
    expect(queue.take(1)?.key).toBe('user/2')
    expect(queue.namesOf('user/1')).toEqual(['a', 'c'])
    expect(queue.namesOf('user/2')).toEqual([])
  })

  it('keeps key and name apart in its store key, whatever the key holds', () => {
    fc.assert(
      fc.property(fc.string(), fc.nat(), (key, due) => {
        expect(timerOfId(timerId(key, 'hard'), due)).toEqual({ key, name: 'hard', dueAtMs: due })
      }),
    )
  })

  it('asks for a longer buffer instead of writing past the end', () => {
    expect(dueTimeCodec.encode(5, Buffer.alloc(10), 4)).toBe(12)
    const buffer = Buffer.alloc(12)
    expect(dueTimeCodec.encode(1_764_000_000_123, buffer, 4)).toBe(12)
    expect(dueTimeCodec.decode(buffer, 4, 12)).toBe(1_764_000_000_123)
  })
})
