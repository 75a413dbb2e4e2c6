import { describe, expect, it } from 'vitest'
import { Breaker } from '../../../../src/processors/provision/breaker.ts'

function open(fewest = 5) {
  const clock = { ms: 1_000 }
  const seen = { opened: 0 }
  const breaker = new Breaker(
    { fewest, firstWaitMs: 5_000 },
    () => clock.ms,
    () => {
      seen.opened++
    },
  )
  const fail = (times: number) => {
    for (let i = 0; i < times; i++) breaker.answered(false)
  }
  return { clock, seen, breaker, fail }
}

describe('a breaker', () => {
  it('opens when most of the last answers were failures, and not before there are enough of them', () => {
    const { breaker, fail, seen } = open()
    fail(4)
    expect(breaker.state).toBe('closed')
    fail(1)
    expect([breaker.state, breaker.waitMs(), seen.opened]).toEqual(['open', 5_000, 1])
  })

  it('stays closed where half of the answers are good', () => {
    const { breaker } = open()
    for (let i = 0; i < 100; i++) breaker.answered(i % 2 === 0)
    expect(breaker.state).toBe('closed')
  })

  it('lets one through after its wait, and nobody else until that one has ended', () => {
    const { breaker, clock, fail } = open()
    fail(5)
    clock.ms += 4_999
    expect(breaker.waitMs()).toBe(1)
    clock.ms += 1
    expect(breaker.waitMs()).toBe(0)
    expect(breaker.enter()).toBe(true)
    expect([breaker.state, breaker.waitMs()]).toEqual(['half_open', Number.POSITIVE_INFINITY])
    breaker.trial(true)
    expect([breaker.state, breaker.waitMs(), breaker.enter()]).toEqual(['closed', 0, false])
  })

  it('waits twice as long after each trial that fails, at most 5 min, and begins anew once it has closed', () => {
    const { breaker, clock, fail, seen } = open()
    fail(5)
    const waits: number[] = []
    for (let trial = 0; trial < 9; trial++) {
      waits.push(breaker.waitMs())
      clock.ms += breaker.waitMs()
      breaker.enter()
      breaker.trial(false)
    }
    expect(waits).toEqual([5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000, 300_000])
    expect(seen.opened).toBe(1)
    clock.ms += breaker.waitMs()
    breaker.enter()
    breaker.trial(true)
    fail(5)
    expect([breaker.waitMs(), seen.opened]).toEqual([5_000, 2])
  })

  it('a trial that showed nothing makes room for the next one at once', () => {
    const { breaker, clock, fail } = open()
    fail(5)
    clock.ms += 5_000
    breaker.enter()
    breaker.trial(null)
    expect([breaker.state, breaker.waitMs(), breaker.enter()]).toEqual(['half_open', 0, true])
  })

  it('what began before it opened neither closes it nor makes it wait longer', () => {
    const { breaker, fail } = open()
    fail(5)
    breaker.answered(true)
    fail(50)
    expect([breaker.state, breaker.waitMs()]).toEqual(['open', 5_000])
  })

  it('waits as long as it was told to, up to 5 min', () => {
    const { breaker, fail } = open()
    fail(4)
    breaker.answered(false, 60_000)
    expect(breaker.waitMs()).toBe(60_000)
    const second = open()
    second.fail(4)
    second.breaker.answered(false, 3_600_000)
    expect(second.breaker.waitMs()).toBe(300_000)
  })

  it('takes a hint that it is down as a reason to open, and one that it is up as a reason to try, no more', () => {
    const { breaker, clock } = open()
    breaker.hintUp()
    expect(breaker.state).toBe('closed')
    breaker.hintDown()
    expect([breaker.state, breaker.waitMs()]).toEqual(['open', 5_000])
    clock.ms += 1_000
    breaker.hintDown()
    expect(breaker.waitMs()).toBe(4_000)
    breaker.hintUp()
    expect([breaker.state, breaker.waitMs()]).toEqual(['open', 0])
    breaker.enter()
    breaker.trial(false)
    expect([breaker.state, breaker.waitMs()]).toEqual(['open', 10_000])
  })
})
