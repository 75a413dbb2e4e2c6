import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodePart,
  encodePart,
  eventIdentity,
  merchantKey,
  publicId,
  suppressionKey,
} from '../../../src/domain/ids.ts'
import { hardTimer, softTimer, switchTimer, timerOf, vaultTimer } from '../../../src/domain/deadlines.ts'

describe('suppression keys', () => {
  it.each<[string, string | null, number | null, string]>([
    ['u', 'c', 11, 'u/c/11'],
    ['u', 'c', null, 'u/c/*'],
    ['u', null, 11, 'u/*/11'],
    ['u', null, null, 'u/*/*'],
    ['a/b', '*', null, 'a%2Fb/%2A/*'],
    ['100%', 'x%2Fy', null, '100%25/x%252Fy/*'],
    ['Zoë ?&#', 'c d', 1, 'Zoë ?&#/c d/1'],
  ])('%s %s %s: %s', (user, card, merchant, key) => {
    expect(suppressionKey(user, card, merchant)).toBe(key)
  })

  it('different subjects never share a key', () => {
    const part = fc.string({ unit: fc.constantFrom('/', '*', '%', '2', 'F', 'a'), maxLength: 6 })
    const subject = fc.tuple(part, fc.option(part), fc.option(fc.nat({ max: 3 })))
    fc.assert(
      fc.property(subject, subject, (a, b) => {
        const isSame = a.every((value, i) => value === b[i])
        expect(suppressionKey(...a) === suppressionKey(...b)).toBe(isSame)
      }),
    )
  })

  it('parts come back as they were', () => {
    const text = fc.string({ unit: fc.constantFrom('/', '*', '%', '2', '5', 'F', 'A', 'é'), maxLength: 12 })
    fc.assert(
      fc.property(text, part => {
        expect(encodePart(part)).not.toMatch(/[/*]/)
        expect(decodePart(encodePart(part))).toBe(part)
      }),
    )
  })
})

describe('identities', () => {
  const source = { topic: 'card-lifecycle', partition: 3, offset: 17, event_id: null }

  it.each([
    ['abc', 'abc'],
    [null, '@card-lifecycle/3/17'],
  ])('of an event with uid %s: %s', (uid, identity) => {
    expect(eventIdentity(uid, source)).toBe(identity)
  })

  it('of public records and merchants', () => {
    expect(publicId('user:1', 7)).toBe('user:1:7')
    expect(merchantKey('a/b', 11)).toBe('11/a/b')
  })
})

describe('timer names', () => {
  it('are read back, hold no slash, and belong to one thing each', () => {
    fc.assert(
      fc.property(fc.string(), fc.nat(), (cardRef, merchantId) => {
        expect(vaultTimer(cardRef)).not.toContain('/')
        expect(timerOf(vaultTimer(cardRef))).toEqual({ kind: 'vault', cardRef })
        expect(timerOf(switchTimer(merchantId))).toEqual({ kind: 'switch', merchantId })
        expect(timerOf(softTimer(merchantId))).toEqual({ kind: 'soft', merchantId })
        expect(timerOf(hardTimer(merchantId))).toEqual({ kind: 'hard', merchantId })
      }),
    )
  })

  it.each(['', 'hard', 'hard:', 'hard:x', 'later:1'])('%j of another release is nothing', name => {
    expect(timerOf(name)).toBeUndefined()
  })
})
