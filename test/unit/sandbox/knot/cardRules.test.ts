import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cardFault, passesLuhn, userFault } from '../../../../sandbox/knot/cardRules.ts'
import { startKnot } from '../../../../sandbox/knot/knotSimulator.ts'
import type { KnotSimulator } from '../../../../sandbox/knot/knotSimulator.ts'
import { KnotCaller, goodData } from './knotCaller.ts'

const nowMs = Date.UTC(2026, 5, 15)
const { user, card } = goodData

const cardCases = [
  { change: { number: undefined }, fault: 'The card.number is required.' },
  { change: { number: 4242424242424242 }, fault: 'The card.number must be a string.' },
  { change: { number: '4242 4242 4242 4242' }, fault: 'The card.number must be numeric.' },
  { change: { number: '42424242424242424242' }, fault: 'The card.number is too long for card type.' },
  { change: { number: '55555555555544440' }, fault: 'The card.number is too long for card type.' },
  { change: { number: '42424242' }, fault: 'The card.number is too short for card type.' },
  { change: { number: '37828224631000', cvv: '1234' }, fault: 'The card.number is too short for card type.' },
  { change: { number: '4242424242424241' }, fault: 'The card.number is invalid and does not pass the Luhn check.' },
  { change: { cvv: undefined }, fault: 'The card.cvv is required.' },
  { change: { cvv: '' }, fault: 'The card.cvv is required.' },
  { change: { cvv: '12a' }, fault: 'The card.cvv must be numeric.' },
  { change: { cvv: '1234' }, fault: 'The card.cvv is too long for card type.' },
  { change: { cvv: '12' }, fault: 'The card.cvv is too short for card type.' },
  { change: { number: '378282246310005', cvv: '123' }, fault: 'The card.cvv is too short for card type.' },
  { change: { number: '378282246310005', cvv: '1234' }, fault: undefined },
  { change: { number: '5555555555554444' }, fault: undefined },
  { change: { expiration: undefined }, fault: 'The card.expiration is required.' },
  { change: { expiration: '8/2030' }, fault: 'The card.expiration should be in MM/YYYY or MM/YY format.' },
  { change: { expiration: '13/2030' }, fault: 'The card.expiration should be in MM/YYYY or MM/YY format.' },
  { change: { expiration: '2030-08' }, fault: 'The card.expiration should be in MM/YYYY or MM/YY format.' },
  { change: { expiration: '05/2026' }, fault: 'The card is expired.' },
  { change: { expiration: '05/26' }, fault: 'The card is expired.' },
  { change: { expiration: '06/2026' }, fault: undefined },
  { change: { expiration: '06/26' }, fault: undefined },
]

const userCases = [
  { path: 'name.first_name', value: undefined, fault: 'The user.name.first_name is required.' },
  {
    path: 'name.first_name',
    value: 'x'.repeat(256),
    fault: 'The user.name.first_name must not be greater than 255 characters.',
  },
  { path: 'name.last_name', value: '', fault: 'The user.name.last_name is required.' },
  { path: 'phone_number', value: undefined, fault: 'The user.phone_number is required.' },
  { path: 'phone_number', value: '123-456-7890', fault: 'The user.phone_number format is invalid.' },
  {
    path: 'address.street',
    value: 'x'.repeat(47),
    fault: 'The user.address.street must not be greater than 46 characters.',
  },
  {
    path: 'address.street2',
    value: 'x'.repeat(47),
    fault: 'The user.address.street2 must not be greater than 46 characters.',
  },
  { path: 'address.street2', value: undefined, fault: undefined },
  {
    path: 'address.city',
    value: 'x'.repeat(33),
    fault: 'The user.address.city must not be greater than 32 characters.',
  },
  { path: 'address.region', value: 'US-NY', fault: 'The user.address.region format is invalid.' },
  { path: 'address.postal_code', value: '1234', fault: 'The user.address.postal_code must be at least 5 characters.' },
  { path: 'address.postal_code', value: 12345, fault: 'The user.address.postal_code must be a string.' },
  { path: 'address.country', value: 'USA', fault: 'The user.address.country format is invalid.' },
]

const changedUser = (path: string, value: unknown): object => {
  const copy = structuredClone(user) as Record<string, unknown>
  const names = path.split('.')
  const last = names.pop() ?? ''
  const parent = names.reduce((object, name) => object[name] as Record<string, unknown>, copy)
  parent[last] = value
  return copy
}

test.each(cardCases)('card $change', ({ change, fault }) => {
  expect(cardFault({ ...card, ...change }, nowMs)).toBe(fault)
})

test.each(userCases)('user $path = $value', ({ path, value, fault }) => {
  expect(userFault(changedUser(path, value))).toBe(fault)
})

test('a card is good through the last moment of its month', () => {
  expect(cardFault({ ...card, expiration: '06/2026' }, Date.UTC(2026, 6, 1) - 1)).toBeUndefined()
  expect(cardFault({ ...card, expiration: '06/2026' }, Date.UTC(2026, 6, 1))).toBe('The card is expired.')
})

test('lengths count characters, not code units', () => {
  expect(userFault(changedUser('address.city', '𝒳'.repeat(32)))).toBeUndefined()
})

test.each(['4242424242424242', '5555555555554444', '378282246310005', '6011111111111117'])('%s passes Luhn', number => {
  expect(passesLuhn(number)).toBe(true)
  expect(passesLuhn(`${number.slice(0, -1)}${(Number(number.at(-1)) + 1) % 10}`)).toBe(false)
})

describe('the same fault answers by the form of the request', () => {
  let knot: KnotSimulator
  let caller: KnotCaller
  const ids = { external_user_id: 'user-1', merchant_id: 19 }
  beforeAll(async () => {
    knot = await startKnot({ now: () => nowMs })
    caller = new KnotCaller(knot)
    knot.link({ userId: 'user-1', merchantId: 19 })
  })
  afterAll(() => knot.stop())

  const faulty = [
    ...cardCases.map(({ change, fault }) => ({ data: { user, card: { ...card, ...change } }, fault })),
    ...userCases.map(({ path, value, fault }) => ({ data: { user: changedUser(path, value), card }, fault })),
    { data: { card }, fault: 'The user is required.' },
    { data: { user }, fault: 'The card is required.' },
  ].filter(({ fault }) => fault !== undefined)

  test.each(faulty)('$fault', async ({ data, fault }) => {
    const body = (code: string): object => ({ error_type: 'INVALID_REQUEST', error_code: code, error_message: fault })
    expect(await caller.pushJwe(ids, data)).toMatchObject({ status: 400, body: body('INVALID_JWE') })
    expect(await caller.pushPlain(ids, data)).toMatchObject({ status: 400, body: body('INVALID_FIELD') })
  })
})
