/**
 * Short words from their bytes without a call into Node, which costs more than the word itself: 21 against 66 ns for
 * 7 bytes, 40 against 70 for 14, nothing gained from 24 on. The string holds nothing of the buffer.
 */

const chars = String.fromCharCode

/** The longest that `asciiText` reads. */
export const MAX_ASCII_TEXT_BYTES = 16

/** True where `buffer[start, end)`, which lies inside of it, has no byte above 0x7f. */
export function isAscii(buffer: Buffer, start: number, end: number): boolean {
  let seen = 0
  for (let at = start; at < end; at++) seen |= buffer[at]!
  return seen < 0x80
}

/** The text of `length` bytes at `at`; they are ASCII, inside of the buffer, and no more than the most. */
export function asciiText(buffer: Buffer, at: number, length: number): string {
  if (length < 4) {
    if (length === 3) return chars(buffer[at]!, buffer[at + 1]!, buffer[at + 2]!)
    if (length === 2) return chars(buffer[at]!, buffer[at + 1]!)
    return length === 1 ? chars(buffer[at]!) : ''
  }
  const [a, b, c, d] = [buffer[at]!, buffer[at + 1]!, buffer[at + 2]!, buffer[at + 3]!]
  if (length < 8) {
    if (length === 7) return chars(a, b, c, d, buffer[at + 4]!, buffer[at + 5]!, buffer[at + 6]!)
    if (length === 6) return chars(a, b, c, d, buffer[at + 4]!, buffer[at + 5]!)
    return length === 5 ? chars(a, b, c, d, buffer[at + 4]!) : chars(a, b, c, d)
  }
  const [e, f, g, h] = [buffer[at + 4]!, buffer[at + 5]!, buffer[at + 6]!, buffer[at + 7]!]
  if (length < 12) {
    if (length === 11) return chars(a, b, c, d, e, f, g, h, buffer[at + 8]!, buffer[at + 9]!, buffer[at + 10]!)
    if (length === 10) return chars(a, b, c, d, e, f, g, h, buffer[at + 8]!, buffer[at + 9]!)
    return length === 9 ? chars(a, b, c, d, e, f, g, h, buffer[at + 8]!) : chars(a, b, c, d, e, f, g, h)
  }
  const [i, j, k, l] = [buffer[at + 8]!, buffer[at + 9]!, buffer[at + 10]!, buffer[at + 11]!]
  if (length === 12) return chars(a, b, c, d, e, f, g, h, i, j, k, l)
  const m = buffer[at + 12]!
  if (length === 13) return chars(a, b, c, d, e, f, g, h, i, j, k, l, m)
  const n = buffer[at + 13]!
  if (length === 14) return chars(a, b, c, d, e, f, g, h, i, j, k, l, m, n)
  const o = buffer[at + 14]!
  if (length === 15) return chars(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o)
  return chars(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, buffer[at + 15]!)
}
