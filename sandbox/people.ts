import { passesLuhn } from './knot/cardRules.ts'

/** A card as the vault keeps it. Test numbers only: well-known test BINs, never a real account. */
export interface TestCard {
  readonly number: string
  /** `MM/YYYY`, in the future of the clock that made it. */
  readonly expiration: string
  readonly cvv: string
}

/** A cardholder in the shape of Knot's `user` object. */
export interface TestPerson {
  readonly name: { readonly first_name: string; readonly last_name: string }
  readonly address: {
    readonly street: string
    readonly street2?: string
    readonly city: string
    readonly region: string
    readonly postal_code: string
    readonly country: string
  }
  readonly phone_number: string
}

/** Test BINs of the card networks' and processors' public documentation. */
const brands = [
  { name: 'visa', bin: '424242', length: 16, cvvLength: 3 },
  { name: 'mastercard', bin: '555555', length: 16, cvvLength: 3 },
  { name: 'amex', bin: '378282', length: 15, cvvLength: 4 },
] as const

export type TestBrand = (typeof brands)[number]['name']

const firstNames = ['Ada', 'Grace', 'Alan', 'Katherine', 'Edsger', 'Barbara', 'Donald', 'Radia', 'Dennis', 'Frances']
const lastNames = [
  'Lovelace',
  'Hopper',
  'Turing',
  'Johnson',
  'Dijkstra',
  'Liskov',
  'Knuth',
  'Perlman',
  'Ritchie',
  'Allen',
]
const streets = ['Main Street', 'Oak Avenue', 'Maple Drive', 'Cedar Lane', 'Park Road', 'Lake View', 'Hill Street']
const cities = [
  { city: 'New York', region: 'NY', postal_code: '10001', areaCode: '212' },
  { city: 'Los Angeles', region: 'CA', postal_code: '90001', areaCode: '213' },
  { city: 'Chicago', region: 'IL', postal_code: '60601', areaCode: '312' },
  { city: 'Houston', region: 'TX', postal_code: '77001', areaCode: '713' },
  { city: 'Seattle', region: 'WA', postal_code: '98101', areaCode: '206' },
  { city: 'Denver', region: 'CO', postal_code: '80202', areaCode: '303' },
  { city: 'Boston', region: 'MA', postal_code: '02108', areaCode: '617' },
  { city: 'Atlanta', region: 'GA', postal_code: '30303', areaCode: '404' },
]

const pick = <T>(list: readonly T[], index: number): T => {
  const item = list[index % list.length]
  if (item === undefined) throw new RangeError('The list is empty.')
  return item
}

const digits = (value: number, length: number): string => String(value % 10 ** length).padStart(length, '0')

/** `prefix` with the one digit appended that makes it pass Luhn. */
export const withCheckDigit = (prefix: string): string => {
  const last = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].find(digit => passesLuhn(`${prefix}${digit}`))
  return `${prefix}${last ?? 0}`
}

/**
 * Card number `index` of a brand: the same index gives the same number, different ones (up to 10^8) different numbers.
 * It is good for two to five years after `nowMs`.
 */
export const testCard = (index: number, brand: TestBrand = 'visa', nowMs = Date.now()): TestCard => {
  const { bin, length, cvvLength } = brands.find(({ name }) => name === brand) ?? brands[0]
  const year = new Date(nowMs).getUTCFullYear() + 2 + (index % 4)
  return {
    number: withCheckDigit(bin + digits(index, length - bin.length - 1)),
    expiration: `${digits((index % 12) + 1, 2)}/${year}`,
    cvv: digits(index * 37 + 101, cvvLength),
  }
}

/** `card` with a new expiry, a year later, and the new CVV that comes with it: the network's type `expired`. */
export const renewedCard = (card: TestCard): TestCard => {
  const [month = '', year = ''] = card.expiration.split('/')
  return { ...card, expiration: `${month}/${Number(year) + 1}`, cvv: digits(Number(card.cvv) + 1, card.cvv.length) }
}

/** Person `index`: the same index gives the same person. US only, as Knot serves no other. */
export const testPerson = (index: number): TestPerson => {
  const { areaCode, ...place } = pick(cities, index)
  const address = { street: `${100 + (index % 900)} ${pick(streets, index)}`, ...place, country: 'US' }
  return {
    name: { first_name: pick(firstNames, index), last_name: pick(lastNames, Math.floor(index / firstNames.length)) },
    address: index % 3 === 0 ? { ...address, street2: `Apt ${(index % 40) + 1}` } : address,
    // 555-0100 to 555-0199 are never given to anybody.
    phone_number: `+1${areaCode}55501${digits(index, 2)}`,
  }
}
