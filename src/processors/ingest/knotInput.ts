import { createHmac } from 'node:crypto'
import { z } from 'zod'
import { UNUSABLE, idOf, textOf } from './ids.ts'
import { instantMs } from './instant.ts'
import { rejected } from './rejection.ts'
import type { Rejection } from './rejection.ts'

/** A readable Knot webhook that concerns a card switch or a merchant account of one user. */
export interface KnotInput {
  readonly kind: 'knot'
  readonly event: string
  readonly userId: string
  readonly merchantId: number
  readonly merchantName: string | null
  readonly taskId: string | null
  readonly sessionId: string | null
  readonly cardId: string | null
  readonly reason: string | null
  readonly sendCard: boolean | null
  /** Milliseconds; null where it is missing. */
  readonly timestamp: number | null
}

/** A webhook that concerns no card switch, or names no user by nature: counted by `event`, nothing else. */
export interface IgnoredKnotInput {
  readonly kind: 'ignored'
  readonly event: string
  /** MERCHANT_STATUS_UPDATE of the card switcher: no outcome follows, but PROVISION's breaker of the merchant hears of it. */
  readonly hint?: MerchantStatus
}

/** What Knot says of a merchant; milliseconds, null where it says no time. */
export interface MerchantStatus {
  readonly merchantId: number
  readonly up: boolean
  readonly timestamp: number | null
}

const USER_EVENTS = new Set(['CARD_UPDATING', 'CARD_UPDATED', 'CARD_FAILED', 'AUTHENTICATED', 'ACCOUNT_LOGIN_REQUIRED'])

/** The rest of Knot's catalogue (domain.md 2.8). Names outside of it are counted as `other`. */
const IGNORED_EVENTS = new Set([
  'MERCHANT_STATUS_UPDATE',
  'CREDENTIALS_FAILED',
  'OTP_REQUIRED',
  'OTP_FAILED',
  'QUESTIONS_REQUIRED',
  'QUESTIONS_FAILED',
  'LICENSE_REQUIRED',
  'LICENSE_FAILED',
  'ZIP_REQUIRED',
  'ZIP_FAILED',
  'LOGIN_APPROVAL',
  'ACCOUNTS_RETRIEVED',
  'NEW_TRANSACTIONS_AVAILABLE',
  'UPDATED_TRANSACTIONS_AVAILABLE',
  'SYNC_CART_SUCCEEDED',
  'SYNC_CART_FAILED',
  'CHECKOUT_SUCCEEDED',
  'CHECKOUT_FAILED',
  'VAULTING_SUCCEEDED',
  'VAULTING_FAILED',
])

const MAX_TEXT_LENGTH = 255
const MAX_MERCHANT_ID = 2 ** 31 - 1

const anything = z.unknown().optional()
const optionalText = z.string().nullish()
const textOrNumber = z.union([z.string(), z.number()]).nullish()
const eventSchema = z.object({ event: z.string() })
const userEventSchema = z.object({
  session_id: anything,
  task_id: textOrNumber,
  external_user_id: z.string(),
  merchant: z.object({ id: z.union([z.number(), z.string().regex(/^\s*\d{1,10}\s*$/)]), name: optionalText }),
  data: z.object({ card_id: textOrNumber, reason: optionalText, send_card: z.boolean().nullish() }).nullish(),
  timestamp: anything,
})

const merchantStatusSchema = z.object({
  merchant: z.object({ id: z.union([z.int().min(0), z.string().regex(/^\s*\d{1,10}\s*$/)]) }),
  data: z.object({ type: z.literal('card_switcher'), status: z.enum(['UP', 'DOWN']) }),
  timestamp: anything,
})

/** Validates and normalises a decoded Knot webhook (seed 003), JSON and Avro alike. */
export function knotInput(value: unknown): KnotInput | IgnoredKnotInput | Rejection {
  const named = eventSchema.safeParse(value)
  const event = named.success ? named.data.event.trim() : ''
  if (event === '') return rejected('schema_violation')
  if (event === 'MERCHANT_STATUS_UPDATE') return { kind: 'ignored', event, ...hintOf(value) }
  if (!USER_EVENTS.has(event)) return { kind: 'ignored', event: IGNORED_EVENTS.has(event) ? event : 'other' }
  const parsed = userEventSchema.safeParse(value)
  if (!parsed.success) return rejected('schema_violation')
  return userEvent(event, parsed.data)
}

/** Per product and platform (seed 003): the platforms of one product are not told apart, it is a hint at most. */
function hintOf(value: unknown): Pick<IgnoredKnotInput, 'hint'> {
  const parsed = merchantStatusSchema.safeParse(value)
  if (!parsed.success) return {}
  const { merchant, data, timestamp } = parsed.data
  const merchantId = Number(merchant.id)
  const time = instantMs(timestamp)
  if (merchantId > MAX_MERCHANT_ID || time === 'unusable') return {}
  return { hint: { merchantId, up: data.status === 'UP', timestamp: time } }
}

/**
 * Equal for repeated deliveries of one webhook, and no way back to the session: keyed hash over everything that makes a
 * webhook that webhook (domain.md 6.1.7).
 */
export function dedupeKey(input: KnotInput, secret: string | Buffer): string {
  const identity = [
    input.event,
    input.userId,
    input.merchantId,
    input.taskId,
    input.sessionId,
    input.timestamp,
    input.reason,
  ]
  return createHmac('sha256', secret).update(JSON.stringify(identity)).digest().toString('base64url', 0, 16)
}

/** Knot's time, or the record's where it is missing. Too far ahead it would hold back every later result. */
export function knotTime(
  input: KnotInput,
  recordTimestampMs: number,
  nowMs: number,
  futureSkewMs: number,
): number | Rejection {
  const time = input.timestamp ?? (recordTimestampMs > 0 ? recordTimestampMs : nowMs)
  return time <= nowMs + futureSkewMs ? time : rejected('future_timestamp')
}

function userEvent(event: string, body: z.infer<typeof userEventSchema>): KnotInput | Rejection {
  const userId = idOf(body.external_user_id)
  const merchantId = Number(body.merchant.id)
  const taskId = idOf(asText(body.task_id))
  const cardId = idOf(asText(body.data?.card_id))
  const timestamp = instantMs(body.timestamp)
  if (userId === null || userId === UNUSABLE || taskId === UNUSABLE || cardId === UNUSABLE) {
    return rejected('schema_violation')
  }
  if (!Number.isInteger(merchantId) || merchantId < 0 || merchantId > MAX_MERCHANT_ID)
    return rejected('schema_violation')
  if (timestamp === 'unusable') return rejected('bad_timestamp')
  return {
    kind: 'knot',
    event,
    userId,
    merchantId,
    merchantName: textOf(body.merchant.name, MAX_TEXT_LENGTH),
    taskId,
    sessionId:
      typeof body.session_id === 'string' || typeof body.session_id === 'number' ? String(body.session_id) : null,
    cardId,
    reason: textOf(body.data?.reason, MAX_TEXT_LENGTH),
    sendCard: body.data?.send_card ?? null,
    timestamp,
  }
}

function asText(value: string | number | null | undefined): string | null {
  return value === null || value === undefined ? null : String(value)
}
