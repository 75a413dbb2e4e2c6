import { describe, expect, test } from 'vitest'
import {
  cardNeedles,
  cardNumberNeedle,
  findLeaks,
  joseNeedle,
  textNeedles,
} from '../../../../sandbox/demo/leakSearch.ts'
import { secretNeedles } from '../../../../sandbox/demo/leakSources.ts'
import { stories } from '../../../../sandbox/demo/stories.ts'
import { renewedCard, testCard } from '../../../../sandbox/people.ts'

const card = { number: '4242424242424242', expiration: '01/2030', cvv: '737' }
const binary = (text: string): Buffer =>
  Buffer.concat([Buffer.from([0, 0, 0xff, 0x20]), Buffer.from(text), Buffer.of(0x80)])

describe('a planted card number is found', () => {
  test.each([
    ['plain', '4242424242424242'],
    ['in blanks', '4242 4242 4242 4242'],
    ['in dashes', '4242-4242-4242-4242'],
    ['digit by digit', '4 2 4 2 4 2 4 2 4 2 4 2 4 2 4 2'],
    ['in a longer number', '994242424242424242001'],
    ['in JSON', '{"number":"4242424242424242"}'],
  ])('%s', (_name, text) => {
    const [leak] = findLeaks([{ place: 'topic t', bytes: binary(text) }], cardNeedles(card))
    expect(leak).toEqual({ place: 'topic t', name: 'card number …4242', count: 1 })
  })

  test('every time', () => {
    const bytes = Buffer.from('4242424242424242, 4242424242424242')
    expect(findLeaks([{ place: 'log', bytes }], [cardNumberNeedle(card.number)])[0]?.count).toBe(2)
  })
})

test.each([
  ['another number', '4242424242424241'],
  ['its last four digits', 'card …4242'],
  ['half of it', '4242424242'],
  ['digits of the CVV by themselves', 'offset 737'],
])('%s is no leak', (_name, text) => {
  expect(findLeaks([{ place: 'log', bytes: Buffer.from(text) }], cardNeedles(card))).toEqual([])
})

test.each(['"cvv":"737"', 'cvv=737', 'CVC: 737', 'security_code":737,'])('a CVV that is called one: %s', text => {
  const leaks = findLeaks([{ place: 'log', bytes: Buffer.from(text) }], cardNeedles(card))
  expect(leaks.map(({ name }) => name)).toEqual(['CVV of card …4242'])
})

test('a JWE is found by its beginning, a lone base64 word is not', () => {
  const header = Buffer.from('{"alg":"RSA-OAEP-256","enc":"A256GCM","kid":"1"}').toString('base64url')
  const bytes = Buffer.from(`"jwe":"${header}.OKOawDo13gRp2ojaHV7LFpZcgV7T6DVZKTyKOMTYUmKoTCVJRgckCL9kiMT03JGe"`)
  expect(findLeaks([{ place: 'log', bytes }], [joseNeedle])).toHaveLength(1)
  expect(findLeaks([{ place: 'log', bytes: Buffer.from('eyJhbGciOiJub25lIn0 and so on') }], [joseNeedle])).toEqual([])
})

test('secrets are found as they are and as base64, with their special characters', () => {
  const needles = textNeedles('telephone', '+1(212)555.0100')
  const found = (text: string): number => findLeaks([{ place: 'log', bytes: Buffer.from(text) }], needles).length
  expect(found('call +1(212)555.0100')).toBe(1)
  expect(found(Buffer.from('+1(212)555.0100').toString('base64'))).toBe(1)
  expect(found('call 1212555x0100')).toBe(0)
})

test("the demo looks for its cards, its people's data and its secrets", () => {
  const needles = secretNeedles([testCard(1), renewedCard(testCard(1))], stories, { 'Knot secret': 'sandbox_secret' })
  const planted = ['sandbox_secret', 'Ada Lovelace', testCard(1).number]
  const places = findLeaks(
    planted.map(text => ({ place: text, bytes: Buffer.from(text) })),
    needles,
  )
  expect(places.map(({ place }) => place)).toEqual(planted)
})
