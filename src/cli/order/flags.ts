import { parseDuration } from '../../config/durations.ts'
import type { OperatorAction, OperatorCommand } from '../../domain/records.ts'
import { idOf, UNUSABLE } from '../../processors/ingest/ids.ts'
import { instantMs } from '../../processors/ingest/instant.ts'
import { PanFields } from '../../processors/ingest/panFields.ts'
import { holdsPan } from '../../processors/ingest/panScan.ts'
import { UsageError } from './usageError.ts'

/** The orders that have a command of their own. KILL_SWITCH is about all users: `onfile pause`. */
export type OrderAction = Exclude<OperatorAction, 'KILL_SWITCH'>

/** The options of an order as they were typed. */
export interface OrderFlags {
  readonly user: string
  readonly reason: string
  readonly card?: string
  readonly merchant?: string
  readonly until?: string
  readonly actor?: string
  readonly requestId?: string
}

/** What the options are judged by. */
export interface OrderSurroundings {
  readonly now: number
  /** `$USER`: the actor where none is named. */
  readonly loginName: string | undefined
  /** An id of its own for each order. */
  readonly newRequestId: () => string
  /** `ingest.idPattern`: ids of this form are not card numbers. */
  readonly idPattern: string | null
}

/** An order about one user, ready to be written. */
export interface UserOrder {
  readonly userId: string
  readonly command: OperatorCommand
}

const MAX_TEXT = 500
const MAX_MERCHANT_ID = 2_147_483_647

/**
 * Reads the options of an order.
 * @throws UsageError with every problem: a value that is missing, malformed, too long, in the past, or a card number
 */
export function orderOf(action: OrderAction, flags: OrderFlags, surroundings: OrderSurroundings): UserOrder {
  const problems: string[] = []
  const panFields = new PanFields(surroundings.idPattern)
  const id = (option: string, value: string | undefined): string | null => {
    const found = idOf(value)
    if (found === UNUSABLE) problems.push(`${option} must be 1 to 255 bytes of UTF-8`)
    else if (panFields.inId(found)) problems.push(`${option} holds a card number: give the id, never the card`)
    else return found
    return null
  }
  const text = (option: string, value: string | undefined, missing: string): string => {
    const found = value?.trim() ?? ''
    if (found === '') problems.push(missing)
    if (found.length > MAX_TEXT) problems.push(`${option} must be no longer than ${MAX_TEXT} characters`)
    if (holdsPan(found)) problems.push(`${option} holds a card number: it would be kept for as long as the topics are`)
    return found
  }
  const before = problems.length
  const userId = id('--user', flags.user)
  if (userId === null && problems.length === before) problems.push('--user must name a user')
  const actor = text('--actor', flags.actor ?? surroundings.loginName, '--actor is required where $USER is not set')
  const reason = text('--reason', flags.reason, '--reason must say why: it is kept as the proof of this order')
  const command: OperatorCommand = {
    kind: 'operator',
    request_id: id('--request-id', flags.requestId) ?? surroundings.newRequestId(),
    action,
    actor,
    reason,
    card_ref: id('--card', flags.card),
    merchant_id: merchantOf(flags.merchant, problems),
    until: untilOf(flags.until, surroundings.now, problems),
  }
  if (userId === null || problems.length > 0) throw new UsageError(problems)
  return { userId, command }
}

function merchantOf(value: string | undefined, problems: string[]): number | null {
  if (value === undefined) return null
  const merchantId = /^\d{1,10}$/.test(value) ? Number(value) : 0
  if (merchantId >= 1 && merchantId <= MAX_MERCHANT_ID) return merchantId
  problems.push("--merchant must be Knot's merchant id, a whole number such as 16")
  return null
}

function untilOf(value: string | undefined, now: number, problems: string[]): number | null {
  if (value === undefined) return null
  const durationMs = parseDuration(value)
  const until = durationMs === null ? instantMs(value) : now + durationMs
  if (until === null || until === 'unusable') {
    problems.push('--until must be a time such as 2026-12-31T23:59:59Z (UTC without a zone) or a length: 12h, 30d')
    return null
  }
  if (until <= now) problems.push('--until has passed: the order would have no effect')
  return until
}
