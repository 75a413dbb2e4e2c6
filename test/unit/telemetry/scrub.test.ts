import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { scrub, scrubValue } from '../../../src/telemetry/scrub.ts'

/** Appends the digit that makes a number pass Luhn. */
function withCheckDigit(body: string): string {
  let sum = 0
  for (let index = body.length - 1, double = true; index >= 0; index--, double = !double) {
    const digit = Number(body[index])
    sum += double ? (digit > 4 ? digit * 2 - 9 : digit * 2) : digit
  }
  return body + String((10 - (sum % 10)) % 10)
}

const cardNumber = fc
  .tuple(
    fc.constantFrom('2', '3', '4', '5', '6'),
    fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 11, maxLength: 17 }),
  )
  .map(([first, rest]) => withCheckDigit(first + rest.join('')))

describe('scrub', () => {
  it.each([
    ['4242424242424242', '[card number]'],
    ['card 4242 4242 4242 4242, exp 12/30', 'card [card number], exp 12/30'],
    ['4242-4242-4242-4242', '[card number]'],
    ['378282246310005', '[card number]'],
    ['pan=x4242424242424242y', 'pan=x[card number]y'],
    ['4242424242424242 123', '[card number] 123'],
    ['12 4242424242424242', '12 [card number]'],
    ['1 4242 4242 4242 4242 9', '1 [card number] 9'],
    ['42424242424242424242', '[card number]'],
    ['eyJhbGciOiJSU0EifQ.abc-_.d.e.f rest', '[token] rest'],
    ['authorization: Basic YWJj', 'authorization: [redacted]'],
    ['{"Authorization":"Bearer abc.def"}', '{"Authorization":"[redacted]"}'],
    ['sent Bearer abcdefgh.ijk to', 'sent Bearer [redacted] to'],
    ['password=hunter2, user=bob', 'password=[redacted], user=bob'],
    ["cvv: '123'", "cvv: '[redacted]'"],
    ['http://user:pass@registry:8081/x', 'http://[redacted]@registry:8081/x'],
  ])('%j becomes %j', (text, expected) => {
    expect(scrub(text)).toBe(expected)
  })

  it.each([
    '',
    'plain words',
    '2026-11-25T02:02:41.123Z',
    '1764036161000',
    '4242424242424241',
    '1234567890123',
    '9007199254740991',
    'card-outcomes-11 at offset 123456789012',
    'http://registry:8081/subjects',
    '8a3f3c1e-0b1d-4a53-9d8c-2f1b6f0c9a7e',
    'knot.secret is required: role provision needs it',
  ])('%j stays as it is', text => {
    expect(scrub(text)).toBe(text)
  })

  const separated = (separator: string) => cardNumber.map(number => number.match(/.{1,4}/g)!.join(separator))

  test('takes out each card number, whatever stands around it', () => {
    const around = fc.string({ maxLength: 20 }).filter(text => !/[\d \-]/.test(text))
    fc.assert(
      fc.property(around, fc.oneof(cardNumber, separated(' '), separated('-')), around, (before, number, after) => {
        expect(scrub(before + number + after)).not.toContain(number)
      }),
    )
  })

  test('takes out a card number between other groups of digits', () => {
    const groups = fc.array(fc.stringMatching(/^\d{1,6}$/), { maxLength: 3 })
    fc.assert(
      fc.property(groups, cardNumber, groups, fc.constantFrom(' ', '-'), (before, number, after, separator) => {
        expect(scrub([...before, number, ...after].join(separator))).not.toContain(number)
      }),
    )
  })

  test('changes nothing the second time', () => {
    const pieces = fc.constantFrom(
      '4242424242424242',
      'password',
      '=',
      ': ',
      '"',
      'Basic ',
      'eyJabcdefgh',
      '.',
      ' ',
      '[',
      ']',
      '//a@',
      'x',
      '12-',
    )
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), parts => {
        const once = scrub(parts.join(''))
        expect(scrub(once)).toBe(once)
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('scrubValue', () => {
  test('reaches keys, nested texts and whole numbers, and leaves the rest', () => {
    expect(
      scrubValue({
        '4242424242424242': [1, null, true, 'a 378282246310005 b', { n: 4242424242424242, offset: 123, ratio: 0.5 }],
        knotSecret: 'abc',
        token: null,
      }),
    ).toEqual({
      '[card number]': [1, null, true, 'a [card number] b', { n: '[card number]', offset: 123, ratio: 0.5 }],
      knotSecret: '[redacted]',
      token: null,
    })
  })
})
