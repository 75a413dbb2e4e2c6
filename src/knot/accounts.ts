import type { MerchantAccount } from '../domain/records.ts'
import { errorCodeOf, retryAfterMs } from './answers.ts'
import type { AnswerCodes } from './answers.ts'
import type { Exchange } from './exchange.ts'

/** What `GET /accounts/get` said. It has no effect, so whatever is not an answer may be asked again. */
export type AccountsAnswer =
  /** Empty: no merchants, or a user that Knot does not know. */
  | ({ readonly kind: 'accounts'; readonly accounts: readonly MerchantAccount[] } & AnswerCodes)
  | ({ readonly kind: 'unauthorized' | 'forbidden' } & AnswerCodes)
  | ({ readonly kind: 'unavailable'; readonly retryAfterMs: number | null } & AnswerCodes)
  /** Knot refuses the question itself (a 4xx that is none of the above): asking again cannot help. */
  | ({ readonly kind: 'refused' } & AnswerCodes)

const MAX_TEXT = 255
/** Merchant ids travel as Avro `int`. */
const MAX_INT32 = 0x7fff_ffff

export function readAccountsAnswer(end: Exchange): AccountsAnswer {
  if (end.kind !== 'answer') return { kind: 'unavailable', retryAfterMs: null, httpStatus: null, errorCode: null }
  const codes: AnswerCodes = { httpStatus: end.status, errorCode: errorCodeOf(end.body) }
  const unavailable: AccountsAnswer = { kind: 'unavailable', retryAfterMs: retryAfterMs(end), ...codes }
  if (!end.complete) return unavailable
  if (end.status === 200) {
    const accounts = accountsOf(end.body)
    return accounts === null ? unavailable : { kind: 'accounts', accounts, ...codes }
  }
  if (codes.errorCode === 'USER_NOT_FOUND') return { kind: 'accounts', accounts: [], ...codes }
  if (end.status === 401 || codes.errorCode === 'INVALID_API_KEYS') return { kind: 'unauthorized', ...codes }
  if (end.status === 403) return { kind: 'forbidden', ...codes }
  if (end.status >= 400 && end.status < 500 && codes.errorCode !== null && codes.errorCode !== 'MERCHANT_UNAVAILABLE') {
    if (end.status !== 408 && end.status !== 429) return { kind: 'refused', ...codes }
  }
  return unavailable
}

/**
 * The accounts in an answer's body; null where it is neither an array nor one account. Entries without a 32-bit integer merchant
 * id are left out; everything else that is missing or of an unknown kind reads as "not connected" or null (Knot adds
 * fields and values without notice).
 */
function accountsOf(body: unknown): MerchantAccount[] | null {
  if (!Array.isArray(body)) {
    const single = accountOf(body)
    return single === null ? null : [single]
  }
  const accounts: MerchantAccount[] = []
  for (const entry of body as unknown[]) {
    const account = accountOf(entry)
    if (account !== null) accounts.push(account)
  }
  return accounts
}

function accountOf(entry: unknown): MerchantAccount | null {
  const merchant = fieldOf(entry, 'merchant')
  const id = fieldOf(merchant, 'id')
  if (typeof id !== 'number' || !Number.isInteger(id) || Math.abs(id) > MAX_INT32) return null
  const connection = fieldOf(entry, 'connection')
  const scopes = fieldOf(connection, 'scopes')
  const lastAction = fieldOf(entry, 'last_user_action')
  return {
    merchant_id: id,
    merchant_name: textOf(fieldOf(merchant, 'name')),
    connected: fieldOf(connection, 'status') === 'connected',
    update_card: Array.isArray(scopes) && scopes.some(scope => fieldOf(scope, 'type') === 'update_card'),
    last_action_at: timeOf(fieldOf(lastAction, 'attempted_at')),
    last_action_status: textOf(fieldOf(lastAction, 'status')),
  }
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value.slice(0, MAX_TEXT) : null
}

/** An ISO time, or a Unix time in milliseconds or (by magnitude) seconds. */
function timeOf(value: unknown): number | null {
  if (typeof value === 'string') {
    const parsed = Date.parse(value)
    return Number.isNaN(parsed) ? null : parsed
  }
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) return null
  return value < 100_000_000_000 ? value * 1000 : value
}
