import { attemptSubject, dropWork, endAttempt } from './attempts.ts'
import type { DecisionDraft } from './decisionDraft.ts'
import { endDiscovery } from './discovery.ts'
import type { Attempt, MerchantState } from './merchantState.ts'
import type { SourcePosition } from './records.ts'
import type { Scope } from './suppressionRules.ts'

/** What can stop work. */
export type StopReason = 'closed' | 'opt_out' | 'contact_cardholder' | 'operator'

/** What one look at the work has found. */
interface Found {
  /** Something was waiting, or a command is out. */
  isStopped: boolean
  /** A command is out and not answered. */
  mustCancel: boolean
}

/** Stops everything that is waiting or under way for a card, as `stopWork` does. */
export function stopCard(draft: DecisionDraft, cardRef: string, reason: StopReason, source: SourcePosition): void {
  stopWork(draft, { card_ref: cardRef, merchant_id: null }, reason, source)
}

/**
 * Stops everything of a scope that is waiting or under way. What waits here ends at once. A SWITCH that is out ends when
 * PROVISION has answered the CANCEL, because only PROVISION knows whether it started. What Knot has accepted cannot be
 * called back: after `closed` and `opt_out` that is said. The CANCEL is written only where a command of the scope is not
 * answered yet. The search for a card's merchants is about all of them: a scope with a merchant leaves it alone.
 *
 * @returns whether there was anything to stop
 */
export function stopWork(draft: DecisionDraft, scope: Scope, reason: StopReason, source: SourcePosition): boolean {
  const found: Found = { isStopped: false, mustCancel: false }
  if (scope.merchant_id === null) stopDiscoveries(draft, scope.card_ref, reason, source, found)
  for (const merchantId of draft.user.merchants) {
    if (scope.merchant_id === null || scope.merchant_id === merchantId) {
      stopAt(draft, merchantId, scope.card_ref, reason, source, found)
    }
  }
  if (found.mustCancel) {
    draft.command({
      kind: 'CANCEL',
      card_ref: scope.card_ref,
      card_version: null,
      merchant_id: scope.merchant_id,
      merchant_name: null,
      attempt: 0,
      not_after: null,
      cancels: { card_ref: scope.card_ref, merchant_id: scope.merchant_id, command_id: null },
      reason,
      source,
      origin: source,
    })
  }
  return found.isStopped
}

function stopDiscoveries(
  draft: DecisionDraft,
  cardRef: string | null,
  reason: StopReason,
  source: SourcePosition,
  found: Found,
): void {
  for (const card of draft.user.cards) {
    const { discovery } = card
    if (discovery === null || (cardRef !== null && cardRef !== card.card_ref)) continue
    found.isStopped = true
    if (discovery.command_id !== null) found.mustCancel = true
    endDiscovery(draft, card, discovery, 'CANCELLED', reason, source)
  }
}

function stopAt(
  draft: DecisionDraft,
  merchantId: number,
  cardRef: string | null,
  reason: StopReason,
  source: SourcePosition,
  found: Found,
): void {
  let merchant = draft.merchant(merchantId)
  if (merchant === undefined) return
  if (merchant.queued !== null && (cardRef === null || merchant.queued.card_ref === cardRef)) {
    found.isStopped = true
    dropWork(draft, merchant, merchant.queued, 'CANCELLED', reason, source)
    merchant = { ...merchant, queued: null }
    draft.putMerchant(merchant)
  }
  const { attempt } = merchant
  if (attempt === null || (cardRef !== null && attempt.card_ref !== cardRef)) return
  switch (attempt.phase) {
    case 'SCHEDULED':
    case 'DISCOVERING':
      found.isStopped = true
      if (attempt.phase === 'DISCOVERING') found.mustCancel = true
      endAttempt(draft, merchant, attempt, 'CANCELLED', reason, source)
      return
    case 'ISSUED':
      found.isStopped = true
      found.mustCancel = true
      if (attempt.stop === null || attempt.stop.reason === 'superseded') {
        draft.putMerchant({ ...merchant, attempt: { ...attempt, stop: { reason, source } } })
      }
      return
    case 'ACCEPTED':
    case 'AMBIGUOUS':
      if (reason === 'closed' || reason === 'opt_out') tellAccepted(draft, merchant, attempt, reason, source)
  }
}

/** Once per reason. */
function tellAccepted(
  draft: DecisionDraft,
  merchant: MerchantState,
  attempt: Attempt,
  reason: 'closed' | 'opt_out',
  source: SourcePosition,
): void {
  if (attempt.stop?.reason === reason) return
  const subject = attemptSubject(merchant, attempt)
  draft.emit('ACCEPTED', `accepted_before_${reason}`, subject, source, attempt.origin)
  draft.putMerchant({ ...merchant, attempt: { ...attempt, stop: { reason, source } } })
}
