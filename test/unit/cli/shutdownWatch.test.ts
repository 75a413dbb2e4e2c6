import { pino } from 'pino'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { ShutdownWatch, unfinishedOf } from '../../../src/cli/run/shutdownWatch.ts'
import type { StoppingRole } from '../../../src/cli/run/shutdownWatch.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function watched(unfinished: readonly string[]) {
  const lines: string[] = []
  let left = 0
  const watch = new ShutdownWatch({
    deadlineMs: 25_000,
    log: pino({ base: null }, { write: line => lines.push(line) }),
    unfinished: () => unfinished,
    leave: () => left++,
  })
  return { watch, lines, left: () => left }
}

it('a shutdown that is not over at its deadline says what hangs, once, and leaves', () => {
  const { watch, lines, left } = watched(['role decide, events-3 (draining)'])
  watch.begin()
  vi.advanceTimersByTime(20_000)
  watch.begin()
  expect(left()).toBe(0)
  vi.advanceTimersByTime(5_000)
  expect(left()).toBe(1)
  const { level, code, msg } = JSON.parse(lines[0]!) as Record<'level' | 'code' | 'msg', unknown>
  expect([level, code]).toEqual([60, 'SHUTDOWN_OVERRUN'])
  expect(msg).toMatch(/^shutdown\.deadline \(25 s\).*role decide, events-3 \(draining\).*state\.dir/)
  vi.advanceTimersByTime(60_000)
  expect(lines).toHaveLength(1)
})

it('one that ends in time is left alone, and so is a process that was never told to stop', () => {
  const ended = watched([])
  ended.watch.begin()
  vi.advanceTimersByTime(24_999)
  ended.watch.close()
  const running = watched([])
  vi.advanceTimersByTime(600_000)
  running.watch.close()
  expect([ended.left(), running.left()]).toEqual([0, 0])
})

function roleWith(...tasks: Partial<StoppingRole['tasks'][number]>[]): StoppingRole {
  const task = { topic: 'events', partition: 1, state: 'closed', effectsInFlight: 0, waiting: null } as const
  return { role: 'decide', state: 'stopped', tasks: tasks.map(more => ({ ...task, ...more })) }
}

it.each<[string, StoppingRole, string[]]>([
  [
    'the partitions that are not given up',
    roleWith({}, { partition: 3, state: 'draining', effectsInFlight: 2 }),
    ['role decide, events-3 (draining, 2 calls under way)'],
  ],
  [
    'what a partition waits for',
    roleWith({ state: 'draining', waiting: { reason: 'no answer', sinceMs: 1 } }),
    ['role decide, events-1 (draining, waits: no answer)'],
  ],
  [
    'the role, where all its partitions are given up',
    roleWith({ state: 'closed' }, { state: 'fenced' }, { state: 'failed' }),
    ['role decide (stopped): the end of its connections, or of its files'],
  ],
])('names %s', (_, role, words) => {
  expect(unfinishedOf(role)).toEqual(words)
})
