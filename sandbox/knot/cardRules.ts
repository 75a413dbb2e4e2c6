/** Knot's server-side checks of the card and user objects (seed 001 and its error examples; domain.md 2.5). */

interface Brand {
  readonly prefix: RegExp
  readonly lengths: readonly number[]
  readonly cvvLength: number
}

/** First match wins; the last one takes any other number. */
const brands: readonly Brand[] = [
  { prefix: /^3[47]/, lengths: [15], cvvLength: 4 },
  { prefix: /^4/, lengths: [13, 16, 19], cvvLength: 3 },
  { prefix: /^(5[1-5]|2(22[1-9]|2[3-9]|[3-6]|7[01]|720))/, lengths: [16], cvvLength: 3 },
  { prefix: /^(6011|64[4-9]|65)/, lengths: [16, 17, 18, 19], cvvLength: 3 },
  { prefix: /^3(0[0-5]|[689])/, lengths: [14, 15, 16, 17, 18, 19], cvvLength: 3 },
  { prefix: /^(?:)/, lengths: [12, 13, 14, 15, 16, 17, 18, 19], cvvLength: 3 },
]

/** True when the last digit of `digits` is the Luhn check digit of the others. */
export const passesLuhn = (digits: string): boolean => {
  let sum = 0
  for (let index = 0; index < digits.length; index += 1) {
    const digit = Number(digits[digits.length - 1 - index])
    const doubled = index % 2 === 1 ? digit * 2 : digit
    sum += doubled > 9 ? doubled - 9 : doubled
  }
  return sum % 10 === 0
}

const field = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined

const numberFault = (number: string): string | undefined => {
  if (!/^\d+$/.test(number)) return 'The card.number must be numeric.'
  const lengths = brands.find(brand => brand.prefix.test(number))?.lengths ?? []
  if (number.length > Math.max(...lengths)) return 'The card.number is too long for card type.'
  if (!lengths.includes(number.length)) return 'The card.number is too short for card type.'
  if (!passesLuhn(number)) return 'The card.number is invalid and does not pass the Luhn check.'
  return undefined
}

const cvvFault = (cvv: string, number: string): string | undefined => {
  if (!/^\d+$/.test(cvv)) return 'The card.cvv must be numeric.'
  const length = brands.find(brand => brand.prefix.test(number))?.cvvLength ?? 3
  if (cvv.length > length) return 'The card.cvv is too long for card type.'
  if (cvv.length < length) return 'The card.cvv is too short for card type.'
  return undefined
}

/** A card is good through the last day of its month. */
const expirationFault = (expiration: string, nowMs: number): string | undefined => {
  const match = /^(0[1-9]|1[0-2])\/(\d{2}|\d{4})$/.exec(expiration)
  if (match === null) return 'The card.expiration should be in MM/YYYY or MM/YY format.'
  const [, month = '', year = ''] = match
  const firstMomentAfter = Date.UTC(year.length === 2 ? 2000 + Number(year) : Number(year), Number(month), 1)
  return nowMs >= firstMomentAfter ? 'The card is expired.' : undefined
}

/** What is wrong with a `card` object, in Knot's words; undefined when nothing is. */
export const cardFault = (card: unknown, nowMs: number): string | undefined => {
  if (typeof card !== 'object' || card === null) return 'The card is required.'
  const values: Record<string, string> = {}
  for (const name of ['number', 'expiration', 'cvv']) {
    const value = field(card, name)
    if (value === undefined || value === null || value === '') return `The card.${name} is required.`
    if (typeof value !== 'string') return `The card.${name} must be a string.`
    values[name] = value
  }
  const { number = '', expiration = '', cvv = '' } = values
  return numberFault(number) ?? cvvFault(cvv, number) ?? expirationFault(expiration, nowMs)
}

interface TextRule {
  readonly path: readonly [string, ...string[]]
  readonly maxLength?: number
  readonly minLength?: number
  readonly pattern?: RegExp
  readonly optional?: true
}

const userRules: readonly TextRule[] = [
  { path: ['name', 'first_name'], maxLength: 255 },
  { path: ['name', 'last_name'], maxLength: 255 },
  { path: ['phone_number'], pattern: /^\+[1-9]\d{1,14}$/ },
  { path: ['address', 'street'], maxLength: 46 },
  { path: ['address', 'street2'], maxLength: 46, optional: true },
  { path: ['address', 'city'], maxLength: 32 },
  { path: ['address', 'region'], pattern: /^[A-Z0-9]{1,3}$/ },
  { path: ['address', 'postal_code'], minLength: 5, maxLength: 10 },
  { path: ['address', 'country'], pattern: /^[A-Z]{2}$/ },
]

const textFault = (user: unknown, rule: TextRule): string | undefined => {
  const name = `user.${rule.path.join('.')}`
  const value = rule.path.reduce(field, user)
  if (value === undefined || value === null || value === '') {
    return rule.optional ? undefined : `The ${name} is required.`
  }
  if (typeof value !== 'string') return `The ${name} must be a string.`
  const length = Array.from(value).length
  if (length > (rule.maxLength ?? Infinity))
    return `The ${name} must not be greater than ${rule.maxLength ?? 0} characters.`
  if (length < (rule.minLength ?? 0)) return `The ${name} must be at least ${rule.minLength ?? 0} characters.`
  if (rule.pattern && !rule.pattern.test(value)) return `The ${name} format is invalid.`
  return undefined
}

/** What is wrong with a `user` object, in Knot's manner; undefined when nothing is. */
export const userFault = (user: unknown): string | undefined => {
  if (typeof user !== 'object' || user === null) return 'The user is required.'
  for (const rule of userRules) {
    const fault = textFault(user, rule)
    if (fault !== undefined) return fault
  }
  return undefined
}
