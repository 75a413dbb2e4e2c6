import type { DecisionDraft } from './decisionDraft.ts'
import { suppressionKey } from './ids.ts'
import type { LiftedReason, SourcePosition, SuppressionReason } from './records.ts'
import { cardOf } from './userState.ts'
import type { SuppressionEntry, UserState } from './userState.ts'

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
  for (const entry of user.suppressions) if (entry.reason === reason && isForCard(entry, cardRef)) return true
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
  const entries = draft.user.suppressions
  if (isSuppressed(draft.user, cardRef, reason)) return
  const before = strongestFor(entries, cardRef)
  const entry: SuppressionEntry = { card_ref: cardRef, merchant_id: null, reason, since, until: null, actor: null }
  draft.putSuppressions([...entries, entry])
  if (before === undefined || STRENGTH[reason] > STRENGTH[before.reason]) publish(draft, entry, 'ACTIVE', null, source)
}

/** A reason of a card ends, if it was in force. Published if it was the strongest: the next one, or the end. */
export function liftCard(
  draft: DecisionDraft,
  cardRef: string,
  reason: SuppressionReason,
  liftedReason: LiftedReason,
  source: SourcePosition,
): void {
  const entries = draft.user.suppressions
  const before = strongestFor(entries, cardRef)
  if (before === undefined || !isSuppressed(draft.user, cardRef, reason)) return
  const left = entries.filter(entry => !isForCard(entry, cardRef) || entry.reason !== reason)
  draft.putSuppressions(left)
  const after = strongestFor(left, cardRef)
  if (after === undefined) publish(draft, before, 'LIFTED', liftedReason, source)
  else if (after.reason !== before.reason) publish(draft, after, 'ACTIVE', null, source)
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
    scope: 'CARD',
    state,
    reason: entry.reason,
    lifted_reason: liftedReason,
    since: entry.since,
    until: entry.until,
    actor: entry.actor,
    source,
  })
}

function strongestFor(entries: readonly SuppressionEntry[], cardRef: string): SuppressionEntry | undefined {
  let strongest: SuppressionEntry | undefined
  for (const entry of entries) {
    if (!isForCard(entry, cardRef)) continue
    if (strongest === undefined || STRENGTH[entry.reason] > STRENGTH[strongest.reason]) strongest = entry
  }
  return strongest
}

/** The entry is about the card as a whole. */
function isForCard(entry: SuppressionEntry, cardRef: string): boolean {
  return entry.card_ref === cardRef && entry.merchant_id === null
}
