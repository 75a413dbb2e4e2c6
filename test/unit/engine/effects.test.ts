import { describe, expect, it } from 'vitest'
import { EffectRunner } from '../../../src/engine/effects.ts'

describe('a look-up', () => {
  it('counts as in flight at once, and begins when the callback that asked for it has ended', async () => {
    const begun: string[] = []
    const runner = new EffectRunner(
      (effect: string) => {
        begun.push(effect)
        return Promise.resolve(effect.toUpperCase())
      },
      new AbortController().signal,
      () => undefined,
    )
    runner.startSoon('a')
    expect(begun).toEqual([])
    expect(runner.inFlight).toBe(1)
    await new Promise(resolve => setImmediate(resolve))
    expect(runner.inFlight).toBe(0)
    expect(runner.takeFinished()).toEqual({ effect: 'a', outcome: { ok: true, value: 'A' } })
  })
})
