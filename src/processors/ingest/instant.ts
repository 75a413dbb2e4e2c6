/** Times as issuers and Knot write them: ISO 8601 text, or milliseconds or microseconds as a number. */

/** A number from here on cannot be milliseconds (year 5138), but is microseconds since 1973. */
const SMALLEST_MICROS = 1e14
const LAST_MS = 8.64e15

const ISO =
  /^(\d{4})-(\d{2})-(\d{2})(?:[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?(?:([Zz])|([+-])(\d{2}):?(\d{2})?)?)?$/
const DIGITS = /^\d{13,16}$/

/**
 * Milliseconds since the epoch; null where there is no value (absent, null, empty), `unusable` where there is one that
 * cannot be understood. Text without an offset is UTC. Never throws, whatever it gets.
 */
export function instantMs(value: unknown): number | null | 'unusable' {
  if (value === undefined || value === null) return null
  if (typeof value === 'number') return numberMs(value)
  if (typeof value !== 'string') return 'unusable'
  const text = value.trim()
  if (text === '') return null
  return DIGITS.test(text) ? numberMs(Number(text)) : isoMs(text)
}

function numberMs(value: number): number | 'unusable' {
  if (!Number.isFinite(value) || value <= 0) return 'unusable'
  const ms = Math.floor(value >= SMALLEST_MICROS ? value / 1_000 : value)
  return ms > 0 && ms <= LAST_MS ? ms : 'unusable'
}

function isoMs(text: string): number | 'unusable' {
  const parts = ISO.exec(text)
  if (parts === null) return 'unusable'
  const part = (index: number): number => Number(parts[index] ?? 0)
  const [year, month, day, hour, minute, second] = [1, 2, 3, 4, 5, 6].map(part) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const [offsetHour, offsetMinute] = [part(10), part(11)]
  const midnight = new Date(Date.UTC(year, month - 1, day))
  const isDate =
    midnight.getUTCFullYear() === year && midnight.getUTCMonth() === month - 1 && midnight.getUTCDate() === day
  if (!isDate || hour > 23 || minute > 59 || second > 60 || offsetHour > 23 || offsetMinute > 59) return 'unusable'
  const fraction = Number((parts[7] ?? '').slice(0, 3).padEnd(3, '0'))
  const offsetMs = (parts[9] === '-' ? -1 : 1) * (offsetHour * 60 + offsetMinute) * 60_000
  const ms = midnight.getTime() + ((hour * 60 + minute) * 60 + second) * 1_000 + fraction - offsetMs
  return ms > 0 ? ms : 'unusable'
}
