import type { DecisionDraft } from './decisionDraft.ts'
import { suppressionKey } from './ids.ts'
import type { LiftedReason, SourcePosition, SuppressionReason, SuppressionScope } from './records.ts'
import { cardOf } from './userState.ts'
import type { SuppressionEntry, UserState } from './userState.ts'

/** What an order is about: a card or all of them (null), at a merchant or at all of them (null). */
export type Scope = Pick<SuppressionEntry, 'card_ref' | 'merchant_id'>

/** Which of several reasons of one key is published: the highest (contract.md 5). */
const STRENGTH: Readonly<Record<SuppressionReason, number>> = {
  opt_out: 4,
  operator: 3,
  closed: 2,
  contact_cardholder: 1,
}

/**
 * The strongest reason for which this card must not be pushed to this merchant now; undefined if there is none.
 * `merchantId` null asks about the card as a whole.
 */
export function suppressionOf(
  user: UserState,
  cardRef: string,
  merchantId: number | null,
  now: number,
): SuppressionEntry | undefined {
  let strongest: SuppressionEntry | undefined
  for (const entry of user.suppressions) {
    if (entry.card_ref !== null && entry.card_ref !== cardRef) continue
    if (entry.merchant_id !== null && entry.merchant_id !== merchantId) continue
    if (entry.until !== null && entry.until <= now) continue
    if (strongest === undefined || STRENGTH[entry.reason] > STRENGTH[strongest.reason]) strongest = entry
  }
  return strongest
}

/** A card is live when an event named it and it is not closed (contract.md 9). */
export function isLive(user: UserState, cardRef: string): boolean {
  return cardOf(user, cardRef) !== undefined && !isSuppressed(user, cardRef, 'closed')
}

/** This very reason is in force for the card as a whole. */
export function isSuppressed(user: UserState, cardRef: string, reason: SuppressionReason): boolean {
  const scope = cardScope(cardRef)
  for (const entry of user.suppressions) if (entry.reason === reason && isFor(entry, scope)) return true
  return false
}

/** A reason comes into force for a card; it keeps its `since` where it was already. Published if it is the strongest now. */
export function suppressCard(
  draft: DecisionDraft,
  cardRef: string,
  reason: SuppressionReason,
  since: number,
  source: SourcePosition,
): void {
  if (isSuppressed(draft.user, cardRef, reason)) return
  suppress(draft, { ...cardScope(cardRef), reason, since, until: null, actor: null }, source)
}

/**
 * A reason comes into force for its scope, or takes the place of the same reason there: with another actor or end.
 * Published unless a stronger one is in force.
 */
export function suppress(draft: DecisionDraft, entry: SuppressionEntry, source: SourcePosition): void {
  const others = draft.user.suppressions.filter(other => !isFor(other, entry) || other.reason !== entry.reason)
  const strongest = strongestFor(others, entry)
  draft.putSuppressions([...others, entry])
  if (strongest === undefined || STRENGTH[entry.reason] > STRENGTH[strongest.reason]) {
    publish(draft, entry, 'ACTIVE', null, source)
  }
}

/** A reason of a card ends, if it was in force. Published if it was the strongest: the next one, or the end. */
export function liftCard(
  draft: DecisionDraft,
  cardRef: string,
  reason: SuppressionReason,
  liftedReason: LiftedReason,
  source: SourcePosition,
): void {
  lift(draft, cardScope(cardRef), reason, liftedReason, source)
}

/** As `liftCard`, for any scope. */
export function lift(
  draft: DecisionDraft,
  scope: Scope,
  reason: SuppressionReason,
  liftedReason: LiftedReason,
  source: SourcePosition,
): void {
  const entries = draft.user.suppressions
  const before = strongestFor(entries, scope)
  const left = entries.filter(entry => !isFor(entry, scope) || entry.reason !== reason)
  if (before === undefined || left.length === entries.length) return
  draft.putSuppressions(left)
  const after = strongestFor(left, scope)
  if (after === undefined) publish(draft, before, 'LIFTED', liftedReason, source)
  else if (after.reason !== before.reason) publish(draft, after, 'ACTIVE', null, source)
}

/**
 * Ends every reason of exactly this scope by an operator's order, whose actor the record then names. Returns what ended;
 * empty where nothing was in force.
 */
export function liftAll(
  draft: DecisionDraft,
  scope: Scope,
  actor: string,
  source: SourcePosition,
): readonly SuppressionEntry[] {
  const entries = draft.user.suppressions
  const strongest = strongestFor(entries, scope)
  if (strongest === undefined) return []
  draft.putSuppressions(entries.filter(entry => !isFor(entry, scope)))
  publish(draft, { ...strongest, actor }, 'LIFTED', 'operator', source)
  return entries.filter(entry => isFor(entry, scope))
}

/** The reason of exactly this scope, whether its time is over or not. */
export function entryOf(user: UserState, scope: Scope, reason: SuppressionReason): SuppressionEntry | undefined {
  for (const entry of user.suppressions) if (entry.reason === reason && isFor(entry, scope)) return entry
  return undefined
}

function publish(
  draft: DecisionDraft,
  entry: SuppressionEntry,
  state: 'ACTIVE' | 'LIFTED',
  liftedReason: LiftedReason | null,
  source: SourcePosition,
): void {
  draft.suppression(suppressionKey(draft.userId, entry.card_ref, entry.merchant_id), {
    card_ref: entry.card_ref,
    merchant_id: entry.merchant_id,
    scope: scopeName(entry),
    state,
    reason: entry.reason,
    lifted_reason: liftedReason,
    since: entry.since,
    until: entry.until,
    actor: entry.actor,
    source,
  })
}

function strongestFor(entries: readonly SuppressionEntry[], scope: Scope): SuppressionEntry | undefined {
  let strongest: SuppressionEntry | undefined
  for (const entry of entries) {
    if (!isFor(entry, scope)) continue
    if (strongest === undefined || STRENGTH[entry.reason] > STRENGTH[strongest.reason]) strongest = entry
  }
  return strongest
}

/** The entry is about exactly this scope, not about a wider or narrower one. */
function isFor(entry: Scope, scope: Scope): boolean {
  return entry.card_ref === scope.card_ref && entry.merchant_id === scope.merchant_id
}

function cardScope(cardRef: string): Scope {
  return { card_ref: cardRef, merchant_id: null }
}

function scopeName({ card_ref, merchant_id }: Scope): SuppressionScope {
  if (card_ref === null) return merchant_id === null ? 'USER' : 'MERCHANT'
  return merchant_id === null ? 'CARD' : 'CARD_AT_MERCHANT'
}
