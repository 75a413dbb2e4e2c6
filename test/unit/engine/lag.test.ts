import { describe, expect, test } from 'vitest'
import { lagOf } from '../../../src/engine/lag.ts'
import type { InputPlace } from '../../../src/engine/lag.ts'

const NOW = 1_000_000
const CAUGHT_UP: InputPlace = {
  position: 100,
  committedOffset: 100,
  lastStableOffset: 100,
  uncommittedRecords: 0,
  oldestMs: Number.POSITIVE_INFINITY,
}

describe('the lag of a task', () => {
  const cases: [what: string, place: Partial<InputPlace>, lagRecords: number, lagSeconds: number][] = [
    ['none when caught up, however long ago the last record came', {}, 0, 0],
    ['none behind markers that are passed but not committed yet', { committedOffset: 98 }, 0, 0],
    ['what is fetched and waits', { position: 60, committedOffset: 60, oldestMs: NOW - 4_000 }, 40, 4],
    [
      'what is processed while its commit is in doubt',
      { committedOffset: 30, uncommittedRecords: 70, oldestMs: 0 },
      70,
      1_000,
    ],
    ['no time while the age is not known', { position: 99, committedOffset: 99 }, 1, 0],
    ['none below 0 with a clock that is behind the broker', { position: 99, oldestMs: NOW + 5_000 }, 1, 0],
    ['none before the first answer of the broker', { lastStableOffset: -1 }, 0, 0],
    ['none before the input is open', { position: -1 }, 0, 0],
    ['none when the log was cut behind the position', { lastStableOffset: 50 }, 0, 0],
  ]
  test.each(cases)('is %s', (_what, place, lagRecords, lagSeconds) => {
    expect(lagOf({ ...CAUGHT_UP, ...place }, NOW)).toEqual({ lagRecords, lagSeconds })
  })
})
