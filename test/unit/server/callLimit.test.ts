import { describe, expect, it } from 'vitest'
import { CallLimit, LimitPerAddress } from '../../../src/server/callLimit.ts'

describe('a limit of calls', () => {
  it('lets a burst through, then one after each time, and never more than a burst', () => {
    let nowMs = 0
    const limit = new CallLimit({ burst: 3, everyMs: 100 }, () => nowMs)
    const taken = () => Array.from({ length: 5 }, () => limit.take()).filter(Boolean).length
    expect(taken()).toBe(3)
    expect(limit.waitMs()).toBe(100)
    nowMs = 99
    expect(taken()).toBe(0)
    nowMs = 100
    expect(taken()).toBe(1)
    nowMs = 60_000
    expect(taken()).toBe(3)
  })

  it('of each address is its own, and no number of addresses fills the memory', () => {
    let nowMs = 0
    const limits = new LimitPerAddress({ burst: 1, everyMs: 100 }, 2, () => nowMs)
    limits.take('a')
    expect([limits.waitMs('a'), limits.waitMs('b')]).toEqual([100, 0])
    nowMs = 40
    expect(limits.waitMs('a')).toBe(60)
    for (const address of ['b', 'c', 'd']) limits.take(address)
    expect([limits.waitMs('a'), limits.waitMs('d')]).toEqual([0, 100])
  })
})
