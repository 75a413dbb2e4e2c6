import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bytesHoldPan, holdsPan } from '../../../../src/processors/ingest/panScan.ts'

const found = [
  ['a Visa number', '4242424242424242'],
  ['a Mastercard number of the 2 series', '2223003122003222'],
  ['an Amex number, 15 digits', '378282246310005'],
  ['13 digits', '4222222222222'],
  ['19 digits', '6205500000000000004'],
  ['blanks between groups', '4242 4242 4242 4242'],
  ['dashes between groups', '4242-4242-4242-4242'],
  ['a number in quotes', '{"number":"4242424242424242"}'],
  ['a number among words', 'card 4242424242424242 of Ann'],
  ['a number followed by other digits after a blank', '4242 4242 4242 4242 123'],
  ['a number after other digits and a blank', '99 4242424242424242'],
  ['a number beside a sign that is no letter', '„4242424242424242“'],
  ['a number beside an underscore', 'card_4242424242424242'],
] as const

const notFound = [
  ['nothing', ''],
  ['12 digits', '424242424242'],
  ['20 digits', '42424242424242424242'],
  ['a wrong check digit', '4242424242424241'],
  ['a run that starts with 1', '1000000000000008'],
  ['a run that starts with 7', '7000000000000005'],
  ['a letter before', 'x4242424242424242'],
  ['a letter after', '4242424242424242x'],
  ['a letter of another alphabet', 'é4242424242424242'],
  ['a digit of another alphabet', '4242424242424242٣'],
  ['two blanks between groups', '4242  4242  4242  4242'],
  ['a dot between groups', '4242.4242.4242.4242'],
  ['a UUID', '1d15778a-64fb-459b-8c19-e8b5da0a9af9'],
  ['a UUID whose first groups look like a number', '42424242-4242-4242-a242-e8b5da0a9af9'],
  ['a UUID of digits', '42424242-4242-4242-8242-424242424242'],
  ['a time in milliseconds', '1743132938947'],
  ['an ISO time', '2025-03-28T03:35:38.947Z'],
  ['a hexadecimal id', 'd2e9f63779ad668603a51b563ec68b6f'],
] as const

const separator = fc.constantFrom('', '', '', ' ', '-')

/** 13 to 19 digits that start with 2 to 6, with no date, and pass Luhn. */
const pan = fc
  .tuple(fc.integer({ min: 2, max: 6 }), fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 11, maxLength: 17 }))
  .map(([first, rest]) => withCheckDigit([first, ...rest]))
  .filter(digits => !digits.startsWith('20'))

const spaced = fc
  .tuple(pan, fc.array(separator, { minLength: 19, maxLength: 19 }))
  .map(([digits, separators]) => Array.from(digits, (digit, at) => digit + (separators[at] ?? '')).join(''))
  .map(text => text.replace(/[ -]$/, ''))

const before = fc.constantFrom('', '"', ' ', '{"x":"', ': ', '\n', '/', 'card ', '€')
const after = fc.constantFrom('', '"', ' ', '"}', ', ', '\n', '/', ' card', '€')

/** `head` and a check digit. */
function luhn(head: string): string {
  return withCheckDigit(Array.from(head, Number))
}

/** Ids that tools make of the time. All pass Luhn. */
const dated = [luhn('2025112815450'), luhn('2099123123595999'), luhn('2000010100000000'), luhn('202511281545000012')]
/** Begin with 20 and no date. */
const undated = [luhn('2025132815450'), luhn('2025003223595999'), luhn('2025120045123456'), luhn('2025123245123456')]

describe('the card number scan', () => {
  it.each(dated)('does not take the time in %s for a card number', digits => {
    expect([holdsPan(digits), holdsPan(`order-${digits}`), bytesHoldPan(Buffer.from(`\x00\xff${digits}`))]).toEqual([
      false,
      false,
      false,
    ])
  })

  it.each(undated)('takes %s for one, where there is no such date', digits => {
    expect(holdsPan(digits)).toBe(true)
  })

  it.each(found)('finds %s', (_what, text) => {
    expect(holdsPan(text)).toBe(true)
  })

  it.each(notFound)('does not take %s for a card number', (_what, text) => {
    expect(holdsPan(text)).toBe(false)
  })

  it('finds every number, with single blanks and dashes between any of its digits', () => {
    fc.assert(
      fc.property(before, spaced, after, (left, number, right) => {
        expect(holdsPan(left + number + right)).toBe(true)
        expect(bytesHoldPan(Buffer.from(left + number + right))).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  it('finds no number that a letter touches', () => {
    const letter = fc.constantFrom('a', 'b', 'x', 'z', 'A', 'Z', 'é', 'ß', 'ж')
    fc.assert(
      fc.property(pan, letter, fc.boolean(), (number, touching, inFront) => {
        expect(holdsPan(inFront ? touching + number : number + touching)).toBe(false)
      }),
    )
  })

  it('finds none in a longer run of digits', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 20, maxLength: 60 }), digits => {
        expect(holdsPan(digits.join(''))).toBe(false)
      }),
    )
  })

  it('finds none in UUIDs', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.uuid(), (one, other) => {
        expect(holdsPan(`${one} ${other}`)).toBe(false)
      }),
      { numRuns: 2_000 },
    )
  })

  it('answers any bytes without throwing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
        expect(typeof bytesHoldPan(Buffer.from(bytes))).toBe('boolean')
      }),
    )
  })
})

describe('the scan of binary values', () => {
  it('finds a number whose neighbours are lengths that look like letters or digits', () => {
    const number = Buffer.from('4242424242424242')
    const lengths = [Buffer.from([0, 0, 0, 0, 7, 0x20]), number, Buffer.from('H'), Buffer.from('x'.repeat(36))]
    expect(bytesHoldPan(Buffer.concat(lengths))).toBe(true)
    expect(bytesHoldPan(Buffer.concat([Buffer.from([0, 0x32]), number, Buffer.from([0x30, 0x78])]))).toBe(true)
  })

  it('finds a number in bytes that are not UTF-8', () => {
    expect(bytesHoldPan(Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(' 4242 4242 4242 4242 ')]))).toBe(true)
  })

  it('finds none where the digits are no number', () => {
    expect(bytesHoldPan(Buffer.concat([Buffer.from([0, 0, 0, 0, 7]), Buffer.from('4111111111111112')]))).toBe(false)
  })
})

function withCheckDigit(digits: readonly number[]): string {
  const sum = digits.toReversed().reduce((total, digit, at) => {
    const weighted = at % 2 === 0 ? digit * 2 : digit
    return total + (weighted > 9 ? weighted - 9 : weighted)
  }, 0)
  return [...digits, (10 - (sum % 10)) % 10].join('')
}
