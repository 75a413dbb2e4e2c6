import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Waits } from '../../../src/engine/waits.ts'

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000, toFake: ['Date'] })
})
afterEach(() => {
  vi.useRealTimers()
})

describe('what a task waits for', () => {
  it('is nothing until somebody says so, and nothing when it is over', () => {
    const waits = new Waits()
    expect(waits.shown(undefined)).toBeNull()
    waits.input('schema 7 is unknown')
    expect(waits.shown(undefined)).toEqual({ reason: 'schema 7 is unknown', sinceMs: 1_000 })
    waits.input(null)
    expect(waits.shown(undefined)).toBeNull()
  })

  it('stays and keeps its beginning while commits go on beside it', () => {
    const waits = new Waits()
    waits.input('schema 7 is unknown')
    vi.setSystemTime(2_000)
    waits.commit(null)
    waits.input('schema 7 is unknown: no answer')
    waits.commit(null)
    expect(waits.shown(undefined)).toEqual({ reason: 'schema 7 is unknown: no answer', sinceMs: 1_000 })
  })

  it('is the commit while that is in doubt, then the input again, each since it began', () => {
    const waits = new Waits()
    waits.input('schema 7 is unknown')
    vi.setSystemTime(2_000)
    waits.commit('commit of cycle 3 in doubt')
    expect(waits.shown(undefined)).toEqual({ reason: 'commit of cycle 3 in doubt', sinceMs: 2_000 })
    waits.commit(null)
    expect(waits.shown(undefined)).toEqual({ reason: 'schema 7 is unknown', sinceMs: 1_000 })
  })

  it('says what holds a commit in doubt up now, where that is not what began the doubt', () => {
    const waits = new Waits()
    const doubt = 'commit of cycle 3 in doubt after produce: cannot connect'
    waits.commit(doubt)
    vi.setSystemTime(2_000)
    expect(waits.shown('cannot connect')).toEqual({ reason: doubt, sinceMs: 1_000 })
    expect(waits.shown('not authorized')).toEqual({ reason: `${doubt}; now: not authorized`, sinceMs: 1_000 })
    waits.commit(null)
    waits.input('schema 7 is unknown')
    expect(waits.shown('not authorized')?.reason).toBe('schema 7 is unknown')
  })
})
