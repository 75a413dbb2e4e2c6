import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CommitSchedule } from '../../../src/engine/commitSchedule.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'], now: 5_000 })
})
afterEach(() => {
  vi.useRealTimers()
})

const INTERVAL_MS = 100

function committed(schedule: CommitSchedule, tookMs: number): void {
  schedule.started()
  vi.advanceTimersByTime(tookMs)
  schedule.ended()
}

describe('when a task commits', () => {
  it('is at once for the first change after a pause, then every interval', () => {
    const schedule = new CommitSchedule(INTERVAL_MS)
    expect(schedule.dueInMs('open')).toBeLessThanOrEqual(0)
    committed(schedule, 20)
    expect(schedule.dueInMs('open')).toBe(80)
    vi.advanceTimersByTime(80)
    expect(schedule.dueInMs('open')).toBeLessThanOrEqual(0)
  })

  it('is as soon as the broker is ready for it where the cycle is full, and after a slow commit', () => {
    const schedule = new CommitSchedule(INTERVAL_MS)
    committed(schedule, 20)
    expect(schedule.dueInMs('full')).toBe(10)
    committed(schedule, 500)
    expect([schedule.dueInMs('open'), schedule.dueInMs('full')]).toEqual([10, 10])
  })

  it('is a second after the position began to move over nothing but markers, also where it moves on and on', () => {
    const schedule = new CommitSchedule(INTERVAL_MS)
    committed(schedule, 20)
    vi.advanceTimersByTime(10_000)
    schedule.positionMoved()
    expect(schedule.dueInMs('position-only')).toBe(1_000)
    for (let moved = 0; moved < 4; moved++) {
      vi.advanceTimersByTime(250)
      schedule.positionMoved()
    }
    expect(schedule.dueInMs('position-only')).toBeLessThanOrEqual(0)

    // A commit has it; what moves while it is under way is the next one's.
    schedule.started()
    vi.advanceTimersByTime(30)
    schedule.positionMoved()
    schedule.ended()
    vi.advanceTimersByTime(500)
    schedule.positionMoved()
    expect(schedule.dueInMs('position-only')).toBe(500)
  })
})
