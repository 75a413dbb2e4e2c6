import type { SourcePosition, SuppressionReason } from './records.ts'

/** Bounds of one user's state (design.md 2): what goes beyond is `REJECTED/limit`, or the oldest gives way. */
export const CARD_LIMIT = 64
export const MERCHANT_LIMIT = 1_000
/** Above it no operator's order comes into force; what an event asks for always does. */
export const SUPPRESSION_LIMIT = 512

/** The events and webhooks that are remembered, to know them again. */
export interface SeenRecord {
  /** Identity of the event, or dedupe key of the webhook. */
  readonly key: string
  /** Fingerprint of the content, up to 2^52; 0 for a webhook, whose key says it all. */
  readonly print: number
  /** When it was processed, milliseconds. */
  readonly at: number
}

/** Place of an event in the order of its card's events (domain.md 6.1). */
export interface EventStamp {
  readonly updated_at: number
  /** Precedence among events of the same time, see `eventOrder.ts`. */
  readonly rank: number
  /** Decides between events of the same time and rank. */
  readonly identity: string
}

/** The search for the merchants of a new version: a DISCOVER that is out, or one that waits for the vault. */
export interface Discovery {
  /** The DISCOVER that is out; null while waiting for the next look. */
  readonly command_id: string | null
  readonly card_version: number
  /** The lifecycle type that asked for it. */
  readonly reason: string
  /** What the vault answered before the event; null if it was never asked. */
  readonly vault_version_before: string | null
  /** Looks at the vault that were not good enough. */
  readonly looks: number
  /** When the vault is looked at again; null while a DISCOVER is out. */
  readonly next_at: number | null
  readonly source: SourcePosition
  readonly origin: SourcePosition
}

/** One card of a user. */
export interface CardState {
  readonly card_ref: string
  /** Raised by each provisioning trigger; 0 before the first one. */
  readonly version: number
  /** The newest event that counted, of any of the eight types. */
  readonly applied: EventStamp | null
  /** Time of the newest updated, expired or closed: an older `closed` than that is stale. */
  readonly renewed_at: number | null
  /** The vault's version of the card at the last DISCOVER. */
  readonly vault_version: string | null
  /** When an operator lifted an opt_out: an opt_out that is not newer is stale. */
  readonly opt_out_lifted_at: number | null
  readonly discovery: Discovery | null
}

/** One reason for which something must not be pushed. One key (card, merchant) may have several. */
export interface SuppressionEntry {
  /** Null: all cards. */
  readonly card_ref: string | null
  /** Null: all merchants. */
  readonly merchant_id: number | null
  readonly reason: SuppressionReason
  readonly since: number
  readonly until: number | null
  readonly actor: string | null
}

/**
 * What is left of a user who was erased, under a pseudonym (`operatorForget.ts`). Field for field
 * `schemas/state/forgotten-user.avsc`.
 */
export interface ForgottenUser {
  /** Goes on counting: no id of a public record is given twice. */
  readonly decision_seq: number
  /** When the order to erase was carried out, milliseconds. */
  readonly forgotten_at: number
}

/** Everything that is known of one user but for the merchants. Field for field `schemas/state/user-state.avsc`. */
export interface UserState {
  /** The last one that was given to a public record. */
  readonly decision_seq: number
  /** In the order in which they were first named. */
  readonly cards: readonly CardState[]
  readonly suppressions: readonly SuppressionEntry[]
  /** Merchants of which there is a record. */
  readonly merchants: readonly number[]
  /** Oldest first. */
  readonly events: readonly SeenRecord[]
  /** Oldest first. */
  readonly webhooks: readonly SeenRecord[]
}

/** A user of whom nothing was heard yet. */
export const NEW_USER: UserState = {
  decision_seq: 0,
  cards: [],
  suppressions: [],
  merchants: [],
  events: [],
  webhooks: [],
}

export function newCard(cardRef: string): CardState {
  return {
    card_ref: cardRef,
    version: 0,
    applied: null,
    renewed_at: null,
    vault_version: null,
    opt_out_lifted_at: null,
    discovery: null,
  }
}

export function cardOf(user: UserState, cardRef: string): CardState | undefined {
  for (const card of user.cards) if (card.card_ref === cardRef) return card
  return undefined
}
