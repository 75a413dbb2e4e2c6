import type { Exchange } from './exchange.ts'

/** HTTP status and Knot's `error_code` behind an answer; both null where there was none. */
export interface AnswerCodes {
  readonly httpStatus: number | null
  /** Only ever a name in capitals: any other text is not repeated. */
  readonly errorCode: string | null
}

/** When the request went on the wire and when its end was known. */
export interface AnswerTimes {
  readonly startedAtMs: number
  readonly answeredAtMs: number
}

/** An answer of each of the kinds, with what was seen. */
type Answered<Kind extends string> = Kind extends string ? { readonly kind: Kind } & AnswerCodes & AnswerTimes : never

/**
 * What became of one `POST /card` (`domain.md` 2.5). From `vetoed` to `forbidden` Knot certainly did not accept the card:
 * the same request may be sent again within the same attempt.
 */
export type PushAnswer =
  /** `lastCheck` said no: nothing was written. */
  | { readonly kind: 'vetoed' }
  /** No connection, DNS, TLS, or none in time: nothing was written. */
  | { readonly kind: 'unreachable' }
  /** 429 and 503. */
  | (Answered<'rate_limited' | 'unavailable'> & { readonly retryAfterMs: number | null })
  /** Knot cannot reach the merchant now: treated as 503 (`contract.md` 3). */
  | Answered<'merchant_unavailable'>
  /** 401 and 403: wrong credentials, or no access. A matter of configuration: the role pauses. */
  | Answered<'unauthorized' | 'forbidden'>
  | Answered<'accepted'>
  /** ONGOING_OPERATION: another operation runs at that merchant account. */
  | Answered<'busy'>
  | Answered<'invalid_field' | 'invalid_jwe' | 'not_linked' | 'relink' | 'unknown_error'>
  /** The request went on the wire and nobody knows whether it was accepted: never sent again blindly. */
  | (Answered<'ambiguous'> & { readonly why: 'timeout' | 'connection_lost' | 'server_error' })

const MAX_RETRY_AFTER_MS = 300_000
/** The three forms of RFC 9110 begin so. `Date.parse` alone takes `1.5` and `-5` for days of 2001: no wait at all. */
const HTTP_DATE_START = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? /

/**
 * The answer of one push. Codes decide before statuses (Knot documents codes, and not always the status), messages never
 * (they change without notice). A success is believed only where its body is one of Knot's. A redirect is an answer, not an instruction: 307 and 308 say that nothing was done, the
 * others leave it open.
 */
export function readPushAnswer(end: Exchange): PushAnswer {
  if (end.kind === 'not_sent') return end.why === 'vetoed' ? { kind: 'vetoed' } : { kind: 'unreachable' }
  if (end.kind === 'lost') {
    const { why, startedAtMs, atMs } = end
    return { kind: 'ambiguous', why, httpStatus: null, errorCode: null, startedAtMs, answeredAtMs: atMs }
  }
  const { status } = end
  const facts = factsOf(end)
  if (status < 300) return readSuccess(end, facts)
  if (status === 307 || status === 308) return { kind: 'unavailable', retryAfterMs: null, ...facts }
  if (status < 400) return { kind: 'ambiguous', why: 'server_error', ...facts }
  if (facts.errorCode === 'MERCHANT_UNAVAILABLE') return { kind: 'merchant_unavailable', ...facts }
  if (status >= 500) {
    if (status === 503) return { kind: 'unavailable', retryAfterMs: retryAfterMs(end), ...facts }
    return { kind: 'ambiguous', why: 'server_error', ...facts }
  }
  return readRefusal(end, facts)
}

/**
 * Any JSON object without an `error_code` is Knot's yes: its words may change, new fields may come. Garbage or nothing under
 * a 200 is what a proxy in between would answer, and a body that broke off could have been anything.
 */
function readSuccess(end: Extract<Exchange, { kind: 'answer' }>, facts: AnswerCodes & AnswerTimes): PushAnswer {
  if (!end.complete) return { kind: 'ambiguous', why: 'connection_lost', ...facts }
  const { body } = end
  const isObject = typeof body === 'object' && body !== null && !Array.isArray(body)
  if (isObject && !('error_code' in body)) return { kind: 'accepted', ...facts }
  return { kind: 'ambiguous', why: 'server_error', ...facts }
}

function readRefusal(end: Extract<Exchange, { kind: 'answer' }>, facts: AnswerCodes & AnswerTimes): PushAnswer {
  switch (facts.errorCode ?? '') {
    case 'ONGOING_OPERATION':
      return { kind: 'busy', ...facts }
    case 'INVALID_API_KEYS':
      return { kind: 'unauthorized', ...facts }
    case 'NO_ACCESS':
      return { kind: 'forbidden', ...facts }
    case 'INVALID_FIELD':
      return { kind: 'invalid_field', ...facts }
    case 'INVALID_JWE':
      return { kind: 'invalid_jwe', ...facts }
    case 'USER_NOT_FOUND':
    case 'MERCHANT_ACCOUNT_NOT_FOUND':
      return { kind: 'not_linked', ...facts }
    case 'MERCHANT_ACCOUNT_DISCONNECTED':
      return { kind: 'relink', ...facts }
  }
  switch (end.status) {
    case 401:
      return { kind: 'unauthorized', ...facts }
    case 403:
      return { kind: 'forbidden', ...facts }
    case 408:
      return { kind: 'ambiguous', why: 'timeout', ...facts }
    case 429:
      return { kind: 'rate_limited', retryAfterMs: retryAfterMs(end), ...facts }
  }
  // Which 4xx it was stands in the part that got lost: it may have been ONGOING_OPERATION.
  if (!end.complete) return { kind: 'ambiguous', why: 'connection_lost', ...facts }
  return { kind: 'unknown_error', ...facts }
}

function factsOf(end: Extract<Exchange, { kind: 'answer' }>): AnswerCodes & AnswerTimes {
  return {
    httpStatus: end.status,
    errorCode: errorCodeOf(end.body),
    startedAtMs: end.startedAtMs,
    answeredAtMs: end.answeredAtMs,
  }
}

/** Knot's `error_code`, or null. Letters and underscores only: a number in that place, of a card for one, is dropped. */
export function errorCodeOf(body: unknown): string | null {
  if (typeof body !== 'object' || body === null || !('error_code' in body)) return null
  const code = body.error_code
  return typeof code === 'string' && /^[A-Z][A-Z_]{0,63}$/.test(code) ? code : null
}

/** `Retry-After` (seconds or an HTTP date) in milliseconds, at most 5 min; null where it is absent or unreadable. */
export function retryAfterMs(end: {
  readonly retryAfter: string | null
  readonly answeredAtMs: number
}): number | null {
  if (end.retryAfter === null) return null
  const text = end.retryAfter.trim()
  const isSeconds = /^\d{1,9}$/.test(text)
  if (!isSeconds && !HTTP_DATE_START.test(text)) return null
  const waitMs = isSeconds ? Number(text) * 1000 : Date.parse(text) - end.answeredAtMs
  if (Number.isNaN(waitMs)) return null
  return Math.min(MAX_RETRY_AFTER_MS, Math.max(0, waitMs))
}
