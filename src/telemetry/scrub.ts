/**
 * Takes out of a text what must never leave the process (contract.md 7): card numbers, tokens, credentials. The last line
 * of defence: code that handles cards does not write them in the first place.
 */

/** Digits with at most one blank or dash between any two, from 13 digits on. */
const DIGIT_RUN = /\d(?:[ -]?\d){12,}/g
/** JWE, JWT, and their header alone: base64url of `{"`. */
const TOKEN = /eyJ[\w-]{6,}(?:\.[\w-]*)*/g
const SCHEME_AND_CREDENTIALS = /(basic|bearer)(\s+)[\w+/=.~-]{8,}/gi
const SECRET_NAME = /(?:authorization|password|passphrase|secret|cvv|cvc|token|api[_-]?key)$/i
/** `authorization: ...`, `"password":"..."`, `cvv=...`: name with separator, then the value. */
const NAMED_SECRET =
  /((?:authorization|password|passphrase|secret|cvv|cvc|token|api[_-]?key)["']?\s*[:=]\s*)("(?:[^"\\]|\\.)*"|'[^']*'|(?:(?:basic|bearer)\s+)?[^\s,;}\]"']+)/gi
const URL_CREDENTIALS = /(\/\/)[^\s/@"']+@/g

const CARD_NUMBER = '[card number]'
const SECRET = '[redacted]'

/** The same text without card numbers, tokens and credentials. Scrubbing twice changes nothing more. */
export function scrub(text: string): string {
  return text
    .replace(URL_CREDENTIALS, `$1${SECRET}@`)
    .replace(NAMED_SECRET, (_whole, name: string, value: string) => name + scrubSecret(value))
    .replace(SCHEME_AND_CREDENTIALS, `$1$2${SECRET}`)
    .replace(TOKEN, '[token]')
    .replace(DIGIT_RUN, scrubDigits)
}

function scrubSecret(value: string): string {
  const quote = value[0]
  if (quote === '"' || quote === "'") return quote + SECRET + quote
  // The closing bracket of a value that is scrubbed already is not part of the match.
  return value === SECRET.slice(0, -1) ? value : SECRET
}

interface Group {
  readonly start: number
  readonly end: number
  readonly digits: string
}

/**
 * Whole groups of digits only: `4242 4242 4242 4242 123` is a card number and a CVV, while every long number holds some
 * stretch that passes Luhn. A single group of more than 19 digits is nothing that a log needs.
 */
function scrubDigits(run: string): string {
  const groups = digitGroups(run)
  const covered = groups.map(({ digits }) => digits.length > 19)
  for (let first = 0; first < groups.length; first++) {
    let digits = ''
    for (let last = first; last < groups.length && digits.length <= 19; last++) {
      digits += groups[last]!.digits
      if (looksLikeCardNumber(digits)) covered.fill(true, first, last + 1)
    }
  }
  if (!covered.includes(true)) return run
  let result = ''
  let position = 0
  for (let index = 0; index < groups.length; index++) {
    const { start, end } = groups[index]!
    if (covered[index] === true) {
      if (index === 0 || covered[index - 1] !== true) result += run.slice(position, start) + CARD_NUMBER
    } else {
      result += run.slice(position, end)
    }
    position = end
  }
  return result
}

function digitGroups(run: string): Group[] {
  const groups: Group[] = []
  let start = 0
  for (let index = 1; index <= run.length; index++) {
    if (index < run.length && run[index] !== ' ' && run[index] !== '-') continue
    groups.push({ start, end: index, digits: run.slice(start, index) })
    start = index + 1
  }
  return groups
}

/** 13 to 19 digits that start with 2 to 6 and pass Luhn. */
function looksLikeCardNumber(digits: string): boolean {
  if (digits.length < 13 || digits.length > 19 || digits[0]! < '2' || digits[0]! > '6') return false
  let sum = 0
  for (let index = digits.length - 1, double = false; index >= 0; index--, double = !double) {
    const digit = digits.charCodeAt(index) - 48
    sum += double ? (digit > 4 ? digit * 2 - 9 : digit * 2) : digit
  }
  return sum % 10 === 0
}

/** The same JSON value with every text in it scrubbed: keys, values, whole numbers, and what a key says is secret. */
export function scrubValue(value: unknown): unknown {
  if (typeof value === 'string') return scrub(value)
  if (typeof value === 'number') return scrubNumber(value)
  if (Array.isArray(value)) return value.map(scrubValue)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value as Record<string, unknown>)
  return Object.fromEntries(
    entries.map(([key, inner]) => [scrub(key), isSecret(key, inner) ? SECRET : scrubValue(inner)]),
  )
}

function scrubNumber(value: number): unknown {
  if (!Number.isInteger(value)) return value
  const text = String(value)
  const scrubbed = scrub(text)
  return scrubbed === text ? value : scrubbed
}

function isSecret(key: string, value: unknown): boolean {
  return (typeof value === 'string' || typeof value === 'number') && SECRET_NAME.test(key)
}
