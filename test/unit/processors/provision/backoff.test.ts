import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { notAcceptedWaitMs } from '../../../../src/processors/provision/backoff.ts'

describe('the wait after a request that was not accepted', () => {
  it('doubles from 1 s to 5 min with at most a quarter of jitter, never under 1 s, always the same for a command', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 2_000_000_000 }), (id, tries) => {
        const fullMs = Math.min(300_000, 1_000 * 2 ** Math.min(40, tries - 1))
        const waitMs = notAcceptedWaitMs(id, tries, null, 1)
        expect(waitMs).toBeGreaterThanOrEqual(Math.max(1_000, Math.floor(0.75 * fullMs)))
        expect(waitMs).toBeLessThanOrEqual(fullMs)
        expect(notAcceptedWaitMs(id, tries, null, 1)).toBe(waitMs)
      }),
    )
  })

  it('spreads commands that failed together', () => {
    const waits = Array.from({ length: 1_000 }, (_, i) => notAcceptedWaitMs(`user-${i}:1`, 9, null, 1))
    const quarters = [0.75, 0.8125, 0.875, 0.9375].map(
      from => waits.filter(ms => ms >= from * 256_000 && ms < (from + 0.0625) * 256_000).length,
    )
    for (const count of quarters) expect(count).toBeGreaterThan(150)
  })

  it.each([
    [7_000, 1, 7_000],
    [0, 1, 1_000],
    [900_000, 1, 300_000],
    [7_000, 0.001, 7_000],
  ])('Retry-After %d with scale %d waits %d', (retryAfterMs, scale, expected) => {
    expect(notAcceptedWaitMs('a', 3, retryAfterMs, scale)).toBe(expected)
  })

  it('is scaled, not below 1 s', () => {
    expect(notAcceptedWaitMs('a', 9, null, 0.1)).toBeLessThanOrEqual(25_600)
    expect(notAcceptedWaitMs('a', 9, null, 0.000_1)).toBe(1_000)
  })
})
