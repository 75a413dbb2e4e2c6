import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Pauses } from '../../../src/engine/pauses.ts'
import type { PauseOrder, PausableTask } from '../../../src/engine/pauses.ts'

const MINUTE = 60_000
const EVENTS = 'events'

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }))
afterEach(() => void vi.useRealTimers())

/** Partitions 0 to 2 of `events` are here; `woken` counts. */
function desk(partitions = [0, 1, 2]) {
  const seen = { woken: 0, lines: [] as string[] }
  const tasks: PausableTask[] = partitions.map(partition => ({
    topic: EVENTS,
    partition,
    wake: () => {
      seen.woken++
    },
  }))
  const log = pino({ level: 'info' }, { write: line => void seen.lines.push(line) })
  const pauses = new Pauses({ role: 'decide', inputs: [EVENTS], tasks: () => tasks, log })
  return { pauses, tasks, seen }
}

function order(scope: Partial<PauseOrder> = {}): PauseOrder {
  return { topic: null, partition: null, reason: 'a drill', actor: 'jo', forMs: MINUTE, ...scope }
}

describe('a pause', () => {
  it('of a partition holds that one and no other', () => {
    const { pauses, seen } = desk()
    pauses.pause(order({ topic: EVENTS, partition: 1 }))
    expect(pauses.pausedHere()).toEqual([{ topic: EVENTS, partition: 1 }])
    expect(pauses.of(EVENTS, 1)).toMatchObject({ reason: 'a drill', actor: 'jo', untilMs: 1_060_000 })
    expect(pauses.of(EVENTS, 0)).toBeNull()
    expect(seen.woken).toBe(3)
  })

  it.each([['the role', order()] as const, ['its topic', order({ topic: EVENTS })] as const])(
    'of %s holds what comes here later too',
    (_what, given) => {
      const { pauses, tasks } = desk()
      pauses.pause(given)
      tasks.push({ topic: EVENTS, partition: 7, wake: () => undefined })
      expect(pauses.pausedHere().map(({ partition }) => partition)).toEqual([0, 1, 2, 7])
    },
  )

  it('ends by itself, wakes the tasks, and says so', () => {
    const { pauses, seen } = desk()
    pauses.pause(order())
    vi.advanceTimersByTime(MINUTE - 1)
    expect(pauses.of(EVENTS, 0)).not.toBeNull()
    vi.advanceTimersByTime(1)
    expect(pauses.of(EVENTS, 0)).toBeNull()
    expect(seen.woken).toBe(6)
    expect(seen.lines.join()).toContain('a pause has ended by itself')
  })

  it('asked for again has the new time, and is as old as the first', () => {
    const { pauses } = desk()
    pauses.pause(order())
    vi.advanceTimersByTime(MINUTE / 2)
    pauses.pause(order({ reason: 'still' }))
    expect(pauses.standing()).toEqual([
      { topic: null, partition: null, reason: 'still', actor: 'jo', sinceMs: 1_000_000, untilMs: 1_090_000 },
    ])
    vi.advanceTimersByTime(MINUTE - 1)
    expect(pauses.of(EVENTS, 0)).not.toBeNull()
    vi.advanceTimersByTime(1)
    expect(pauses.standing()).toEqual([])
  })

  it('does not depend on the clock of the machine', () => {
    const { pauses } = desk()
    pauses.pause(order())
    vi.setSystemTime(1)
    vi.advanceTimersByTime(MINUTE)
    expect(pauses.standing()).toEqual([])
  })

  it('of a partition ends when that moves away, one of the role does not', () => {
    const { pauses } = desk()
    pauses.pause(order({ topic: EVENTS, partition: 1 }))
    pauses.moved(EVENTS, 1)
    expect(pauses.standing()).toEqual([])
    pauses.pause(order())
    pauses.moved(EVENTS, 1)
    expect(pauses.of(EVENTS, 1)).not.toBeNull()
  })

  it('leaves no timer behind', () => {
    const { pauses } = desk()
    pauses.pause(order())
    pauses.pause(order({ topic: EVENTS, partition: 0 }))
    pauses.pause(order({ topic: EVENTS, partition: 0 }))
    pauses.close()
    expect(vi.getTimerCount()).toBe(0)
    expect(pauses.standing()).toEqual([])
  })

  it.each([
    ['a topic that the role does not read', order({ topic: 'others' }), 'TOPIC_UNKNOWN', 'it reads events'],
    ['a partition without its topic', order({ partition: 1 }), 'TOPIC_UNKNOWN', 'needs its topic'],
    ['a partition of another instance', order({ topic: EVENTS, partition: 9 }), 'PARTITION_NOT_HERE', '0, 1, 2'],
  ])('of %s is refused', (_what, given, code, words) => {
    const { pauses } = desk()
    expect(() => pauses.pause(given)).toThrow(expect.objectContaining({ code }))
    expect(() => pauses.pause(given)).toThrow(words)
    expect(pauses.standing()).toEqual([])
  })
})

describe('resuming', () => {
  it('ends what is within its scope, also of a partition that is not here any more', () => {
    const { pauses, tasks, seen } = desk()
    pauses.pause(order({ topic: EVENTS, partition: 0 }))
    pauses.pause(order({ topic: EVENTS, partition: 1 }))
    tasks.pop()
    const ended = pauses.resume({ topic: EVENTS, partition: null })
    expect(ended.map(({ partition }) => partition)).toEqual([0, 1])
    expect(pauses.standing()).toEqual([])
    expect(seen.woken).toBe(3 + 3 + 2)
  })

  it('leaves paused what a wider pause covers, and says which', () => {
    const { pauses } = desk()
    pauses.pause(order())
    pauses.pause(order({ topic: EVENTS, partition: 0, forMs: 10 * MINUTE }))
    pauses.resume({ topic: EVENTS, partition: 0 })
    expect(pauses.pausedHere()).toHaveLength(3)
    const again = () => pauses.resume({ topic: EVENTS, partition: 0 })
    expect(again).toThrow(expect.objectContaining({ code: 'PAUSED_BY_MORE' }))
    expect(again).toThrow('the role decide')
  })

  it('of what is not paused is refused', () => {
    const { pauses } = desk()
    expect(() => pauses.resume({ topic: null, partition: null })).toThrow(
      expect.objectContaining({ code: 'NOT_PAUSED' }),
    )
  })
})
