import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { editDistance, suggestion } from '../../../src/config/suggestion.ts'

describe('editDistance', () => {
  it.each([
    ['', '', 0],
    ['broker', 'brokers', 1],
    ['brokesr', 'brokers', 1],
    ['kitten', 'sitting', 3],
    ['', 'abc', 3],
  ])('from %j to %j is %d', (a, b, distance) => {
    expect(editDistance(a, b)).toBe(distance)
  })

  test('is symmetric, and zero only for equal texts', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (a, b) => {
        expect(editDistance(a, b)).toBe(editDistance(b, a))
        expect(editDistance(a, b) === 0).toBe(a === b)
      }),
    )
  })
})

describe('suggestion', () => {
  const known = ['kafka.brokers', 'knot.url', 'knot.secureUrl', 'vault.url']

  it.each([
    ['kafka.broker', 'kafka.brokers'],
    ['kafka.bootstrap', null],
    ['knot.URL', 'knot.url'],
    ['knot.secureURI', 'knot.secureUrl'],
    ['something.else.entirely', null],
  ])('for %s is %s', (name, expected) => {
    expect(suggestion(name, known)).toBe(expected)
  })
})
