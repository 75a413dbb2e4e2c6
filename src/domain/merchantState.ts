import type { SourcePosition } from './records.ts'

/** Why an open attempt is being stopped, and by which record. */
export interface AttemptStop {
  readonly reason: 'closed' | 'opt_out' | 'contact_cardholder' | 'operator' | 'superseded' | 'corrected'
  readonly source: SourcePosition
}

/**
 * Where an open attempt is.
 *
 * DISCOVERING: a DISCOVER for this merchant alone is out. SCHEDULED: waits for its timer. ISSUED: a SWITCH is out and not
 * answered. ACCEPTED: Knot has it, the webhook is awaited. AMBIGUOUS: the same, but nobody knows whether Knot has it.
 */
export type AttemptPhase = 'DISCOVERING' | 'SCHEDULED' | 'ISSUED' | 'ACCEPTED' | 'AMBIGUOUS'

/** `Work.reason` of a task flow: the user links the account just now and waits, so no later push follows a failure. */
export const TASK_REASON = 'task'

/** A version of a card that shall be pushed to a merchant. */
export interface Work {
  readonly card_ref: string
  readonly card_version: number
  /** Why: the lifecycle type, `relinked` or `retry`. */
  readonly reason: string
  /** The vault's version when it was decided; of an attempt that has started, the one that was sent. */
  readonly vault_version: string | null
  readonly source: SourcePosition
  readonly origin: SourcePosition
}

/** The one attempt that is open at a merchant. */
export interface Attempt extends Work {
  readonly phase: AttemptPhase
  /** From 1. */
  readonly number: number
  /** The command that is out, or that was the last one out; null before the first. */
  readonly command_id: string | null
  /** When that one was written, if it is a SWITCH: a result that is older is another one's. */
  readonly issued_at: number | null
  /** How often the account was busy. */
  readonly busy_count: number
  /** SCHEDULED: when it goes on. */
  readonly next_at: number | null
  /** When it ends without a result. */
  readonly hard_at: number
  /** ACCEPTED, AMBIGUOUS: when the request went on the wire. A result with an older timestamp is another one's. */
  readonly started_at: number | null
  readonly stop: AttemptStop | null
  /** Code of the failure that this attempt repeats; null: it is the first one. */
  readonly retry_after: string | null
  /** The RECONCILE of its soft deadline; null before that. */
  readonly reconcile_id: string | null
  /** When that one was answered without a sign of success. */
  readonly reconciled_at: number | null
}

/** The last attempt that may have reached the merchant: what comes late is measured against it. */
export interface EndedAttempt {
  readonly card_ref: string
  readonly card_version: number
  readonly number: number
  readonly command_id: string | null
  readonly vault_version: string | null
  readonly origin: SourcePosition
  readonly status: 'UPDATED' | 'FAILED' | 'NEEDS_USER_ACTION' | 'NO_RESULT'
  readonly reason: string
  /** Null: ended before anybody knew whether it started. */
  readonly started_at: number | null
}

/** The card that a merchant confirmed last. */
export interface Holder {
  readonly card_ref: string
  /** The vault's version that was confirmed; null where another one pushed it. */
  readonly vault_version: string | null
  /** Knot's timestamp: holders move only forward. */
  readonly since: number
}

/** A webhook that came while the command of its attempt was not answered yet. */
export interface KeptWebhook {
  readonly event: 'CARD_UPDATING' | 'CARD_UPDATED' | 'CARD_FAILED'
  readonly card_id: string | null
  readonly reason: string | null
  readonly timestamp: number
  readonly source: SourcePosition
}

/** A version that ended for want of a link: AUTHENTICATED starts it again. */
export interface AwaitingRelink {
  readonly card_ref: string
  readonly card_version: number
}

/** Everything that is known of one (user, merchant). Field for field `schemas/state/merchant-state.avsc`. */
export interface MerchantState {
  readonly merchant_id: number
  readonly merchant_name: string | null
  readonly attempt: Attempt | null
  /** The newest version that waits for the open attempt's end. */
  readonly queued: Work | null
  readonly last: EndedAttempt | null
  /** When Knot accepted something here for the last time: the gap counts from it. */
  readonly last_accepted_at: number | null
  readonly holder: Holder | null
  readonly needs_relink: boolean
  /** Knot's timestamp of the newest AUTHENTICATED or ACCOUNT_LOGIN_REQUIRED. */
  readonly link_changed_at: number | null
  readonly awaiting_relink: AwaitingRelink | null
  /** In the order in which they came. */
  readonly kept: readonly KeptWebhook[]
}

/** More than these are not kept: one operation has at most three kinds of webhook. */
export const KEPT_LIMIT = 8

export function newMerchant(merchantId: number, merchantName: string | null): MerchantState {
  return {
    merchant_id: merchantId,
    merchant_name: merchantName,
    attempt: null,
    queued: null,
    last: null,
    last_accepted_at: null,
    holder: null,
    needs_relink: false,
    link_changed_at: null,
    awaiting_relink: null,
    kept: [],
  }
}
