import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { formatDuration, parseDuration } from '../../../src/config/durations.ts'

describe('durations', () => {
  it.each([
    ['250ms', 250],
    ['30s', 30_000],
    ['10m', 600_000],
    ['24h', 86_400_000],
    ['7d', 604_800_000],
    ['0s', 0],
  ])('%s is %d ms', (text, durationMs) => {
    expect(parseDuration(text)).toBe(durationMs)
  })

  it.each(['30', '', 's', '1.5h', '-1s', '30 s', '30S', '1h30m', '30sec', '999999999999d'])('%j is none', text => {
    expect(parseDuration(text)).toBeNull()
  })

  test('what is formatted is read back as the same', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 999_999_999_999 }), durationMs => {
        expect(parseDuration(formatDuration(durationMs))).toBe(durationMs)
      }),
    )
  })
})
