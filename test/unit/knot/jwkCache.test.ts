import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { JwkCache } from '../../../src/knot/jwkCache.ts'
import type { KeyAnswer } from '../../../src/knot/jwkCache.ts'
import type { JwkAnswer } from '../../../src/knot/knotApi.ts'

const publicKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' })
const jwk = (kid: string): JwkAnswer => ({ kind: 'jwk', body: { ...publicKey, alg: 'RSA-OAEP-256', use: 'enc', kid } })

function cacheOf(answers: JwkAnswer[]) {
  const clock = { ms: 0 }
  let fetches = 0
  const cache = new JwkCache(
    () => Promise.resolve(answers[Math.min(fetches++, answers.length - 1)]!),
    () => clock.ms,
  )
  return { cache, clock, fetches: () => fetches }
}

function keyOf(answer: KeyAnswer) {
  if (answer.kind !== 'key') throw new Error(`no key but ${answer.kind}`)
  return answer.key
}

describe('the cached key', () => {
  it('is fetched once for all who ask at the same time', async () => {
    const { cache, fetches } = cacheOf([jwk('a')])
    const answers = await Promise.all(Array.from({ length: 50 }, () => cache.get()))
    expect(new Set(answers.map(answer => keyOf(answer))).size).toBe(1)
    expect(fetches()).toBe(1)
  })

  it('lives for an hour and no longer', async () => {
    const { cache, clock, fetches } = cacheOf([jwk('a'), jwk('b')])
    await cache.get()
    clock.ms = 3_599_999
    expect(keyOf(await cache.get()).kid).toBe('a')
    clock.ms = 3_600_000
    expect(keyOf(await cache.get()).kid).toBe('b')
    expect(fetches()).toBe(2)
  })

  it('is replaced when Knot refuses it, once for everybody who used it', async () => {
    const { cache, fetches } = cacheOf([jwk('a'), jwk('b')])
    const refused = keyOf(await cache.get())
    const fresh = await Promise.all([cache.get(refused), cache.get(refused), cache.get(refused)])
    expect(fresh.map(answer => keyOf(answer).kid)).toEqual(['b', 'b', 'b'])
    expect(keyOf(await cache.get(refused)).kid).toBe('b')
    expect(fetches()).toBe(2)
  })

  it('is fetched again after a refusal even when its kid stays', async () => {
    const { cache, fetches } = cacheOf([jwk('a')])
    await cache.get(keyOf(await cache.get()))
    expect(fetches()).toBe(2)
  })

  it('a failure is told and not remembered', async () => {
    const { cache, fetches } = cacheOf([
      { kind: 'unavailable', retryAfterMs: null, httpStatus: null },
      { kind: 'unauthorized' },
      { kind: 'jwk', body: {} },
      jwk('a'),
    ])
    expect((await cache.get()).kind).toBe('unavailable')
    expect((await cache.get()).kind).toBe('unauthorized')
    expect((await cache.get()).kind).toBe('unusable')
    expect((await cache.get()).kind).toBe('key')
    expect(fetches()).toBe(4)
  })
})
