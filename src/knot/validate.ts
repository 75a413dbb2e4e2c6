import { CardData } from '../vault/cardData.ts'
import type { CardSecret } from '../vault/cardData.ts'

/** Which field is wrong, and how. A code, never a value: it may be logged. */
export type CardProblem =
  | 'first_name_missing'
  | 'first_name_too_long'
  | 'last_name_missing'
  | 'last_name_too_long'
  | 'street_missing'
  | 'street_too_long'
  | 'street2_too_long'
  | 'city_missing'
  | 'city_too_long'
  | 'region_invalid'
  | 'postal_code_length'
  | 'country_invalid'
  | 'phone_number_invalid'
  | 'number_not_numeric'
  | 'number_length'
  | 'number_luhn'
  | 'cvv_invalid'
  | 'expiration_format'
  | 'expired'

/** `ok` carries the card as it is to be sent: trimmed, the region without its country prefix, no empty second line. */
export type CardCheck =
  | { readonly kind: 'ok'; readonly card: CardData }
  | { readonly kind: 'unsupported_region' }
  | { readonly kind: 'invalid'; readonly problems: readonly CardProblem[] }

/** Lengths in code points, as Knot documents them (seed 001). */
const MAX_NAME = 255
const MAX_STREET = 46
const MAX_CITY = 32
const MIN_POSTAL_CODE = 5
const MAX_POSTAL_CODE = 10

/** The 50 states, DC, the territories and the military mail regions: what a US address may name. */
const US_REGIONS = new Set(
  (
    'AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR PA RI ' +
    'SC SD TN TX UT VT VA WA WV WI WY DC PR GU VI AS MP AA AE AP'
  ).split(' '),
)

interface Brand {
  readonly prefix: RegExp
  readonly lengths: readonly number[]
  readonly cvvLength: 3 | 4
}

/** First match wins. Unknown ranges take any length of ISO/IEC 7812 and a CVV of 3. */
const BRANDS: readonly Brand[] = [
  { prefix: /^4/, lengths: [13, 16, 19], cvvLength: 3 },
  { prefix: /^(5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/, lengths: [16], cvvLength: 3 },
  { prefix: /^3[47]/, lengths: [15], cvvLength: 4 },
  { prefix: /^3(0[0-5]|[689])/, lengths: [14, 15, 16, 17, 18, 19], cvvLength: 3 },
  { prefix: /^(6011|64[4-9]|65)/, lengths: [16, 17, 18, 19], cvvLength: 3 },
  { prefix: /^35(2[89]|[3-8])/, lengths: [16, 17, 18, 19], cvvLength: 3 },
]
const OTHER_BRAND: Brand = { prefix: /^/, lengths: [12, 13, 14, 15, 16, 17, 18, 19], cvvLength: 3 }

/** A card is good through the last day of its month wherever its holder lives: 12 h after midnight UTC it is over in all of the US. */
const LAST_TIME_ZONE_MS = 12 * 3_600_000

/**
 * What Knot would refuse, found before it is asked (`domain.md` 6.6), so that INVALID_JWE means a key problem and a bad
 * profile costs no attempt at the merchant. Knot serves US accounts only: another country is `unsupported_region`,
 * whatever else is wrong.
 */
export function checkCard(card: CardData, nowMs: number): CardCheck {
  const secret = normalise(card.reveal())
  const { address } = secret.user
  if (!/^[A-Z]{2}$/.test(address.country))
    return { kind: 'invalid', problems: ['country_invalid', ...problemsOf(secret, nowMs)] }
  if (address.country !== 'US') return { kind: 'unsupported_region' }
  const problems = problemsOf(secret, nowMs)
  return problems.length === 0 ? { kind: 'ok', card: new CardData(secret) } : { kind: 'invalid', problems }
}

function normalise({ user, card }: CardSecret): CardSecret {
  const { name, address } = user
  const country = address.country.trim().toUpperCase()
  const region = address.region.trim().toUpperCase()
  const street2 = address.street2?.trim() ?? ''
  return {
    user: {
      name: { first_name: name.first_name.trim(), last_name: name.last_name.trim() },
      address: {
        street: address.street.trim(),
        street2: street2 === '' ? null : street2,
        city: address.city.trim(),
        region: region.startsWith(`${country}-`) ? region.slice(country.length + 1) : region,
        postal_code: address.postal_code.trim(),
        country,
      },
      phone_number: user.phone_number.trim(),
    },
    card: { number: card.number.trim(), expiration: card.expiration.trim(), cvv: card.cvv.trim() },
  }
}

function problemsOf({ user, card }: CardSecret, nowMs: number): CardProblem[] {
  const { name, address } = user
  const problems: CardProblem[] = []
  const check = (holds: boolean, problem: CardProblem) => {
    if (!holds) problems.push(problem)
  }
  check(name.first_name !== '', 'first_name_missing')
  check(lengthOf(name.first_name) <= MAX_NAME, 'first_name_too_long')
  check(name.last_name !== '', 'last_name_missing')
  check(lengthOf(name.last_name) <= MAX_NAME, 'last_name_too_long')
  check(address.street !== '', 'street_missing')
  check(lengthOf(address.street) <= MAX_STREET, 'street_too_long')
  check(lengthOf(address.street2 ?? '') <= MAX_STREET, 'street2_too_long')
  check(address.city !== '', 'city_missing')
  check(lengthOf(address.city) <= MAX_CITY, 'city_too_long')
  check(US_REGIONS.has(address.region), 'region_invalid')
  const postalCode = lengthOf(address.postal_code)
  check(postalCode >= MIN_POSTAL_CODE && postalCode <= MAX_POSTAL_CODE, 'postal_code_length')
  check(/^\+[1-9]\d{1,14}$/.test(user.phone_number), 'phone_number_invalid')

  const brand = BRANDS.find(({ prefix }) => prefix.test(card.number)) ?? OTHER_BRAND
  if (!/^\d+$/.test(card.number)) problems.push('number_not_numeric')
  else if (!brand.lengths.includes(card.number.length)) problems.push('number_length')
  else check(passesLuhn(card.number), 'number_luhn')
  check(/^\d+$/.test(card.cvv) && card.cvv.length === brand.cvvLength, 'cvv_invalid')
  const endMs = endOfValidityMs(card.expiration)
  if (endMs === null) problems.push('expiration_format')
  else check(nowMs < endMs, 'expired')
  return problems
}

/** The first moment at which the card is no longer good, or null where the text is no `MM/YYYY` or `MM/YY`. */
function endOfValidityMs(expiration: string): number | null {
  const match = /^(0[1-9]|1[0-2])\/(\d{2}|\d{4})$/.exec(expiration)
  if (match === null) return null
  const year = Number(match[2])
  return Date.UTC(year < 100 ? 2000 + year : year, Number(match[1])) + LAST_TIME_ZONE_MS
}

function passesLuhn(digits: string): boolean {
  let sum = 0
  for (let i = 0; i < digits.length; i++) {
    const digit = digits.charCodeAt(digits.length - 1 - i) - 48
    const doubled = i % 2 === 1 ? digit * 2 : digit
    sum += doubled > 9 ? doubled - 9 : doubled
  }
  return sum % 10 === 0
}

function lengthOf(text: string): number {
  return Array.from(text).length
}
