import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cardFault, userFault } from '../../../sandbox/knot/cardRules.ts'
import { renewedCard, testCard, testPerson } from '../../../sandbox/people.ts'

const indexes = fc.nat({ max: 99_999_999 })
const brands = fc.constantFrom('visa', 'mastercard', 'amex')
const nowMs = Date.UTC(2026, 11, 31)

test('every card and every person is one that Knot accepts, before and after a renewal', () => {
  fc.assert(
    fc.property(indexes, brands, (index, brand) => {
      const card = testCard(index, brand, nowMs)
      expect(cardFault(card, nowMs)).toBeUndefined()
      expect(cardFault(renewedCard(card), nowMs)).toBeUndefined()
      expect(userFault(testPerson(index))).toBeUndefined()
    }),
  )
})

test('the same index gives the same, different ones give different card numbers', () => {
  fc.assert(
    fc.property(indexes, indexes, brands, (first, second, brand) => {
      expect(testCard(first, brand, nowMs)).toEqual(testCard(first, brand, nowMs))
      expect(testPerson(first)).toEqual(testPerson(first))
      expect(testCard(first, brand, nowMs).number === testCard(second, brand, nowMs).number).toBe(first === second)
    }),
  )
})

test('a renewal keeps the number and changes expiry and CVV', () => {
  const card = testCard(1)
  const renewed = renewedCard(card)
  expect(renewed.number).toBe(card.number)
  expect(renewed.expiration).not.toBe(card.expiration)
  expect(renewed.cvv).not.toBe(card.cvv)
})

test('known test BINs only', () => {
  expect(testCard(0, 'visa').number).toMatch(/^424242\d{10}$/)
  expect(testCard(0, 'mastercard').number).toMatch(/^555555\d{10}$/)
  expect(testCard(0, 'amex').number).toMatch(/^378282\d{9}$/)
})
