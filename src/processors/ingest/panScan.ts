import { isUtf8 } from 'node:buffer'

/**
 * The search for card numbers in everything that comes in (contract.md 1). A card number is a run of 13 to 19 digits,
 * not touched by another letter or digit, with single blanks or dashes allowed between its digits, that starts with 2 to
 * 6 and passes Luhn. One that begins with a date (`20yyMMdd`) is none: tools make ids of the time, one in ten passes Luhn,
 * and no network issues cards that begin with 20. Where digit groups stand in a longer chain ("4242 4242 4242 4242 123"), any groups in a row that
 * make such a run count; the groups of a UUID never do.
 */

const MIN_DIGITS = 13
const MAX_DIGITS = 19
const DATE = /^20\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])/
const UUID = /(?<![\p{L}\p{N}])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![\p{L}\p{N}])/giu
const LETTER_OR_DIGIT = /^[\p{L}\p{N}]$/u

/** True where the text holds a card number. Cheap for text with fewer than 13 digits. */
export function holdsPan(text: string): boolean {
  if (!hasDigits(text, MIN_DIGITS)) return false
  return anyChain(text.replace(UUID, ' . '), chainHoldsPan)
}

/**
 * The same for raw bytes that are dead-lettered. UTF-8 text is searched as text. Other bytes are searched without regard
 * to what touches a run: in binary Avro the byte beside a text is a length, and lengths look like letters and digits.
 */
export function bytesHoldPan(bytes: Buffer): boolean {
  if (isUtf8(bytes) && bytes[0] !== 0) return holdsPan(bytes.toString('utf8'))
  return anyChain(bytes.toString('latin1'), binaryChainHoldsPan)
}

function anyChain(text: string, test: (text: string, chain: DigitChain) => boolean): boolean {
  let at = 0
  while (at < text.length) {
    if (!isDigit(text.charCodeAt(at))) {
      at++
      continue
    }
    const chain = digitChain(text, at)
    if (test(text, chain)) return true
    at = chain.end
  }
  return false
}

/** Digit groups in a row, one blank or dash between each two: positions of the first digit and behind the last. */
interface DigitChain {
  readonly groups: readonly DigitGroup[]
  readonly end: number
}

interface DigitGroup {
  readonly start: number
  readonly end: number
}

function digitChain(text: string, start: number): DigitChain {
  const groups: DigitGroup[] = []
  let at = start
  for (;;) {
    const groupStart = at
    while (at < text.length && isDigit(text.charCodeAt(at))) at++
    groups.push({ start: groupStart, end: at })
    if (!isSeparator(text.charCodeAt(at)) || !isDigit(text.charCodeAt(at + 1))) return { groups, end: at }
    at++
  }
}

function chainHoldsPan(text: string, { groups, end }: DigitChain): boolean {
  const touchedBefore = isLetterOrDigitBefore(text, groups[0]!.start)
  const touchedAfter = isLetterOrDigitAt(text, end)
  for (let first = touchedBefore ? 1 : 0; first < groups.length; first++) {
    let digits = ''
    for (let last = first; last < groups.length; last++) {
      const group = groups[last]!
      if (digits.length + group.end - group.start > MAX_DIGITS) break
      digits += text.slice(group.start, group.end)
      if (last === groups.length - 1 && touchedAfter) break
      if (isPan(digits)) return true
    }
  }
  return false
}

/**
 * Any groups in a row, and the same without their first or last digit: those may be the length of the text itself (25
 * bytes look like "2") or of the text that follows.
 */
function binaryChainHoldsPan(text: string, { groups }: DigitChain): boolean {
  return groups.some((_group, first) => {
    let digits = ''
    for (const group of groups.slice(first, first + MAX_DIGITS + 2)) {
      digits += text.slice(group.start, group.end)
      if (digits.length > MAX_DIGITS + 2) return false
      if (isPan(digits) || isPan(digits.slice(0, -1)) || isPan(digits.slice(1)) || isPan(digits.slice(1, -1)))
        return true
    }
    return false
  })
}

function isPan(digits: string): boolean {
  if (digits.length < MIN_DIGITS || digits.length > MAX_DIGITS) return false
  const first = digits.charCodeAt(0)
  return first >= 0x32 && first <= 0x36 && passesLuhn(digits) && !DATE.test(digits)
}

function passesLuhn(digits: string): boolean {
  let sum = 0
  for (let fromRight = 0; fromRight < digits.length; fromRight++) {
    const digit = digits.charCodeAt(digits.length - 1 - fromRight) - 0x30
    const doubled = digit * 2
    sum += fromRight % 2 === 0 ? digit : doubled > 9 ? doubled - 9 : doubled
  }
  return sum % 10 === 0
}

function hasDigits(text: string, count: number): boolean {
  let seen = 0
  for (let at = 0; at < text.length; at++) {
    if (isDigit(text.charCodeAt(at)) && ++seen === count) return true
  }
  return false
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}

function isSeparator(code: number): boolean {
  return code === 0x20 || code === 0x2d
}

function isLetterOrDigitAt(text: string, at: number): boolean {
  const point = text.codePointAt(at)
  return point !== undefined && LETTER_OR_DIGIT.test(String.fromCodePoint(point))
}

function isLetterOrDigitBefore(text: string, at: number): boolean {
  if (at === 0) return false
  const unit = text.charCodeAt(at - 1)
  const isLowSurrogate = unit >= 0xdc00 && unit <= 0xdfff
  return isLetterOrDigitAt(text, isLowSurrogate && at > 1 ? at - 2 : at - 1)
}
