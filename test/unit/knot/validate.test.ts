import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { checkCard } from '../../../src/knot/validate.ts'
import { cardWith } from './cards.ts'
import type { CardChange } from './cards.ts'

const NOW = Date.UTC(2026, 5, 15)

describe('a card that Knot would take', () => {
  const good: [name: string, change: CardChange][] = [
    ['the documented sample', {}],
    ['two digits of the year', { card: { expiration: '08/30' } }],
    ['an American Express card', { card: { number: '378282246310005', cvv: '1234' } }],
    ['a Mastercard of the 2 series', { card: { number: '2223003122003222' } }],
    ['a Discover card', { card: { number: '6011111111111117' } }],
    ['a Diners card of 14 digits', { card: { number: '30569309025904' } }],
    ['a JCB card', { card: { number: '3530111333300000' } }],
    ['an old Visa of 13 digits', { card: { number: '4222222222222' } }],
    ['a name of 255 code points', { name: { first_name: '😀'.repeat(255) } }],
    ['a territory', { address: { region: 'PR' } }],
    ['a ZIP+4', { address: { postal_code: '12345-6789' } }],
    ['no second line', { address: { street2: null } }],
  ]
  it.each(good)('%s', (_, change) => {
    expect(checkCard(cardWith(change), NOW).kind).toBe('ok')
  })

  it('is sent trimmed, with the bare state code and without an empty second line', () => {
    const check = checkCard(
      cardWith({
        name: { first_name: ' Ada ' },
        address: { region: 'us-ny', country: ' us', street2: '  ' },
        phone_number: ' +11234567890 ',
      }),
      NOW,
    )
    expect(check.kind === 'ok' && check.card.reveal().user).toEqual({
      name: { first_name: 'Ada', last_name: 'Lovelace' },
      address: {
        street: '100 Main Street',
        street2: null,
        city: 'NEW YORK',
        region: 'NY',
        postal_code: '12345',
        country: 'US',
      },
      phone_number: '+11234567890',
    })
  })
})

describe('a card that Knot would refuse', () => {
  const bad: [problem: string, change: CardChange][] = [
    ['first_name_missing', { name: { first_name: '  ' } }],
    ['first_name_too_long', { name: { first_name: 'a'.repeat(256) } }],
    ['last_name_missing', { name: { last_name: '' } }],
    ['last_name_too_long', { name: { last_name: 'a'.repeat(256) } }],
    ['street_missing', { address: { street: '' } }],
    ['street_too_long', { address: { street: 'a'.repeat(47) } }],
    ['street2_too_long', { address: { street2: 'a'.repeat(47) } }],
    ['city_missing', { address: { city: '' } }],
    ['city_too_long', { address: { city: 'a'.repeat(33) } }],
    ['region_invalid', { address: { region: 'ZZ' } }],
    ['postal_code_length', { address: { postal_code: '1234' } }],
    ['postal_code_length', { address: { postal_code: '12345678901' } }],
    ['country_invalid', { address: { country: 'USA' } }],
    ['phone_number_invalid', { phone_number: '1234567890' }],
    ['phone_number_invalid', { phone_number: '+0123456789' }],
    ['number_not_numeric', { card: { number: '4242 4242 4242 4242' } }],
    ['number_not_numeric', { card: { number: '' } }],
    ['number_length', { card: { number: '42424242424242' } }],
    ['number_luhn', { card: { number: '4242424242424241' } }],
    ['cvv_invalid', { card: { cvv: '12' } }],
    ['cvv_invalid', { card: { cvv: '1234' } }],
    ['cvv_invalid', { card: { cvv: '' } }],
    ['cvv_invalid', { card: { number: '378282246310005', cvv: '123' } }],
    ['expiration_format', { card: { expiration: '13/2030' } }],
    ['expiration_format', { card: { expiration: '2030-08' } }],
    ['expired', { card: { expiration: '05/2026' } }],
  ]
  it.each(bad)('%s: %j', (problem, change) => {
    expect(checkCard(cardWith(change), NOW)).toEqual({ kind: 'invalid', problems: [problem] })
  })

  it('names every problem and no value', () => {
    const check = checkCard(cardWith({ card: { number: '4000000000000000', cvv: 'abc', expiration: '01/20' } }), NOW)
    expect(check).toEqual({ kind: 'invalid', problems: ['number_luhn', 'cvv_invalid', 'expired'] })
    expect(inspect(check, { depth: null })).not.toMatch(/4000|abc|01\/20/)
  })

  it('another country is not served, whatever else is wrong', () => {
    expect(checkCard(cardWith({ address: { country: 'CA', region: 'ON' } }), NOW)).toEqual({
      kind: 'unsupported_region',
    })
  })
})

describe('the last day of the month', () => {
  it.each([
    [Date.UTC(2026, 5, 30, 23, 59), 'ok'],
    [Date.UTC(2026, 6, 1, 11, 59), 'ok'],
    [Date.UTC(2026, 6, 1, 12), 'invalid'],
  ])('at %d a card of 06/26 is %s', (now, kind) => {
    expect(checkCard(cardWith({ card: { expiration: '06/26' } }), now).kind).toBe(kind)
  })
})
