import { describe, expect, it } from 'vitest'
import { pushLimitsOf } from '../../../src/cli/run/pushLimits.ts'
import { loadConfig } from '../../../src/config/load.ts'

const read = (environment: Record<string, string>) =>
  pushLimitsOf(loadConfig({ file: undefined, environment, flags: new Map() }, 'print'))

describe('the limits of pushes', () => {
  it('are bounded per merchant without any setting', () => {
    expect(read({})).toEqual({
      concurrency: 256,
      ratePerSecond: null,
      merchant: { concurrency: 32, ratePerSecond: 25 },
      merchants: new Map(),
      breakerWaitMs: 5_000,
    })
  })

  it('come from the settings, single merchants from a table', () => {
    const limits = read({
      ONFILE_PROVISION_MERCHANT_RATE_PER_SECOND: 'unlimited',
      ONFILE_PROVISION_MERCHANTS: '{"19":{"ratePerSecond":0.5},"45":{"concurrency":2,"ratePerSecond":"unlimited"}}',
    })
    expect(limits.merchant.ratePerSecond).toBeNull()
    expect(limits.merchants).toEqual(
      new Map([
        [19, { ratePerSecond: 0.5 }],
        [45, { concurrency: 2, ratePerSecond: null }],
      ]),
    )
  })

  it.each([
    ['12', '32', 6],
    ['256', '32', 32],
    ['1', '32', 1],
  ])('of %s places no merchant gets more than half, with %s for each: %d', (all, each, expected) => {
    const limits = read({
      ONFILE_KNOT_CONCURRENCY: all,
      ONFILE_PROVISION_MERCHANT_CONCURRENCY: each,
      ONFILE_PROVISION_MERCHANTS: '{"19":{"concurrency":32}}',
    })
    expect(limits.merchant.concurrency).toBe(expected)
    expect(limits.merchants.get(19)?.concurrency).toBe(32)
  })

  it.each([
    '{"DoorDash":{}}',
    '{"19":{"rate":1}}',
    '{"19":{"concurrency":0}}',
    '{"19":{"ratePerSecond":0}}',
    'nineteen',
  ])('a table that is wrong is refused: %s', table => {
    expect(() => read({ ONFILE_PROVISION_MERCHANTS: table })).toThrow(/provision\.merchants/)
  })
})
