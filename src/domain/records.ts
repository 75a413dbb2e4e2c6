/**
 * The records that roles exchange and that downstream teams read, field for field as in `schemas/*.avsc`
 * (namespace `io.onfile.v1`). Times are milliseconds since the epoch. A nullable field is always present, as null:
 * that keeps the objects monomorphic on the hot path and is what avsc decodes to.
 */

/** Position of a record on the issuer's bus (or of an operator's record), carried through INGEST and dead-letter replay. */
export interface SourcePosition {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** `event_uid` of an account-updater event, null where the record has none. */
  readonly event_id: string | null
}

// ---------------------------------------------------------------------------------------------------- user events

/** An account-updater event (seed 004), validated and normalised by INGEST. */
export interface Lifecycle {
  readonly kind: 'lifecycle'
  readonly event_uid: string | null
  /** `data.id` (or `data.token`, by `ingest.cardRef`): the issuer's stable id of the card, never a card number. */
  readonly card_ref: string
  /** `data.type`, trimmed and lower-cased; `non_participating` is already `no_participating`; any other text is kept. */
  readonly type: string
  /** `data.status`, trimmed and lower-cased, null where absent. */
  readonly status: string | null
  /** `data.updated_at`, or the record's timestamp where that is missing (or, for opt_out and closed, unusable). */
  readonly updated_at: number
  /** `updated_at` is the event's own. False: the timestamp of its record, which differs between copies of one event. */
  readonly own_stamp: boolean
}

/** A Knot webhook that concerns a card switch or a merchant account of one user (seed 003). */
export interface KnotEvent {
  readonly kind: 'knot'
  /** `CARD_UPDATED`, `CARD_FAILED`, `AUTHENTICATED`, ... as Knot wrote it. */
  readonly event: string
  readonly merchant_id: number | null
  readonly merchant_name: string | null
  readonly task_id: string | null
  readonly card_id: string | null
  /** `data.reason` as Knot wrote it. */
  readonly reason: string | null
  readonly send_card: boolean | null
  /** Knot's own `timestamp`. */
  readonly timestamp: number
  /** Keyed hash of (event, user, merchant, task, session, timestamp, reason): equal on Knot's webhook retries. */
  readonly dedupe_key: string
}

export type CommandKind = 'DISCOVER' | 'SWITCH' | 'RECONCILE' | 'CANCEL'

export type CommandResultCode =
  | 'DISCOVERED'
  | 'ACCEPTED'
  | 'AMBIGUOUS'
  | 'NOT_SENT'
  | 'CANCELLED'
  | 'BUSY'
  | 'REJECTED'
  | 'RECONCILED'
  | 'INVALID_CARD'

/** The vault's view of a card; `unknown` = the vault answered 404. */
export type VaultStatus = 'active' | 'inactive' | 'closed' | 'unknown'

/** One merchant account of a user, as `GET /accounts/get` answered it. */
export interface MerchantAccount {
  readonly merchant_id: number
  readonly merchant_name: string | null
  readonly connected: boolean
  /** A scope of type `update_card` is present. */
  readonly update_card: boolean
  readonly last_action_at: number | null
  readonly last_action_status: string | null
}

/** A command that a CANCEL met, and what had become of it. */
export interface CancelledCommand {
  readonly command_id: string
  readonly kind: CommandKind
  readonly card_ref: string | null
  readonly merchant_id: number | null
}

/** What PROVISION reports for one command. */
export interface CommandResult {
  readonly kind: 'result'
  readonly command_id: string
  readonly command_kind: CommandKind
  readonly result: CommandResultCode
  /** `decision_seq` of the command. */
  readonly decision_seq: number
  readonly attempt: number
  readonly card_ref: string | null
  readonly card_version: number | null
  readonly merchant_id: number | null
  /**
   * Why, as a stable code. NOT_SENT: `suppressed`, `not_after`, `send_by`, `ownership`, `card_unknown`, `inactive_card`,
   * `unsupported_region`. INVALID_CARD: `invalid_card_data`. REJECTED: `invalid_field`, `invalid_jwe`, `not_linked`,
   * `relink`, `unknown_error`. AMBIGUOUS: `timeout`, `connection_lost`, `server_error`, `restarted`. Else null.
   */
  readonly reason: string | null
  readonly vault_status: VaultStatus | null
  /** The vault's own version of the card: opaque text, compared for equality only. */
  readonly vault_version: string | null
  /** DISCOVERED and RECONCILED: the user's merchant accounts. Empty = none, or the user is unknown to Knot. */
  readonly accounts: readonly MerchantAccount[]
  /** CANCELLED: commands removed before they started. */
  readonly removed: readonly CancelledCommand[]
  /** CANCELLED: covered commands that had already started. */
  readonly under_way: readonly CancelledCommand[]
  readonly http_status: number | null
  /** Knot's `error_code`. */
  readonly error_code: string | null
  /** When the request went on the wire (SWITCH) or the look-up began. */
  readonly started_at: number | null
  readonly answered_at: number | null
}

export type OperatorAction = 'SUPPRESS' | 'LIFT' | 'RETRY' | 'CANCEL' | 'FORGET' | 'KILL_SWITCH'

/** An operator's order. Its effect is part 3; here every one is explained with an outcome. */
export interface OperatorCommand {
  readonly kind: 'operator'
  readonly request_id: string
  readonly action: OperatorAction
  readonly actor: string
  readonly reason: string
  readonly card_ref: string | null
  readonly merchant_id: number | null
  readonly until: number | null
}

export type UserEventBody = Lifecycle | KnotEvent | CommandResult | OperatorCommand

/** One record of `onfile-user-events`: the ordered stream of everything that concerns one user. Key: user id. */
export interface UserEvent {
  readonly user_id: string
  /** The issuer's record behind this event. For a command result: the record that opened the attempt. */
  readonly source: SourcePosition
  /** The record that opened the attempt; equal to `source` where there is none. */
  readonly origin: SourcePosition
  readonly occurred_at: number
  readonly body: UserEventBody
}

// ------------------------------------------------------------------------------------------------- public records

export type OutcomeStatus =
  | 'UNKNOWN'
  | 'ACCEPTED'
  | 'RETRY_SCHEDULED'
  | 'UPDATED'
  | 'FAILED'
  | 'NEEDS_USER_ACTION'
  | 'SUPPRESSED'
  | 'HELD'
  | 'CANCELLED'
  | 'SKIPPED'
  | 'REJECTED'
  | 'NO_RESULT'
  | 'EXTERNAL'

/** One record of `card-outcomes`: what happened, and why. Key: user id. */
export interface CardOutcome {
  /** `<user id>:<decision_seq>`. */
  readonly outcome_id: string
  readonly user_id: string
  readonly card_ref: string | null
  readonly card_version: number | null
  readonly merchant_id: number | null
  readonly merchant_name: string | null
  readonly status: OutcomeStatus
  /** Nothing more will come without a new input. */
  readonly final: boolean
  readonly reason: string
  /** Knot's own words, scrubbed, where `reason` alone would hide them. */
  readonly raw_reason: string | null
  /** Starts at 1; 0 where there is no attempt. */
  readonly attempt: number
  readonly command_id: string | null
  readonly next_attempt_at: number | null
  readonly decision_seq: number
  readonly source: SourcePosition
  readonly origin: SourcePosition
  /** The cause's own time; for timers the firing time. */
  readonly occurred_at: number
  readonly recorded_at: number
}

/** What a CANCEL covers: every command that matches all non-null fields, has a lower `decision_seq` and has not started. */
export interface Cancels {
  readonly card_ref: string | null
  readonly merchant_id: number | null
  readonly command_id: string | null
}

/** One record of `provisioning-commands`. Carries a card reference, never a card. Key: user id. */
export interface ProvisioningCommand {
  /** `<user id>:<decision_seq>`. */
  readonly command_id: string
  readonly kind: CommandKind
  readonly user_id: string
  readonly card_ref: string | null
  readonly card_version: number | null
  readonly merchant_id: number | null
  readonly merchant_name: string | null
  /** Task flow only (part 3). */
  readonly task_id: string | null
  readonly attempt: number
  /** PROVISION waits until then. */
  readonly not_before: number | null
  /** PROVISION answers NOT_SENT after that. */
  readonly not_after: number | null
  readonly cancels: Cancels | null
  /** Why the command exists: the lifecycle type, `relinked`, `retry`, or what it cancels for. */
  readonly reason: string
  readonly decision_seq: number
  readonly source: SourcePosition
  readonly origin: SourcePosition
  readonly issued_at: number
}

export type SuppressionScope = 'CARD' | 'USER' | 'MERCHANT' | 'CARD_AT_MERCHANT'
export type SuppressionReason = 'closed' | 'opt_out' | 'contact_cardholder' | 'operator'
export type LiftedReason = 'reopened' | 'operator' | 'expired' | 'newer_card_event'

/** One record of `card-suppressions`. Key: `<user>/<card|*>/<merchant|*>`, each part percent-encoded. */
export interface CardSuppression {
  readonly user_id: string
  readonly card_ref: string | null
  readonly merchant_id: number | null
  readonly scope: SuppressionScope
  readonly state: 'ACTIVE' | 'LIFTED'
  /** The strongest reason in force; on LIFTED the last one that was. */
  readonly reason: SuppressionReason
  readonly lifted_reason: LiftedReason | null
  readonly since: number
  readonly until: number | null
  readonly actor: string | null
  readonly decision_seq: number
  readonly source: SourcePosition
  readonly recorded_at: number
}
