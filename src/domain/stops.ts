import { attemptSubject, dropWork, endAttempt } from './attempts.ts'
import type { DecisionDraft } from './decisionDraft.ts'
import { endDiscovery } from './discovery.ts'
import type { Attempt, MerchantState } from './merchantState.ts'
import type { SourcePosition } from './records.ts'

/** What can stop the work for a card. */
export type CardStop = 'closed' | 'opt_out' | 'contact_cardholder'

/**
 * Stops everything that is waiting or under way for a card. What waits here ends at once. A SWITCH that is out ends when
 * PROVISION has answered the CANCEL, because only PROVISION knows whether it started. What Knot has accepted cannot be
 * called back: that is said. The CANCEL is written only where a command of the card is not answered yet.
 */
export function stopCard(draft: DecisionDraft, cardRef: string, reason: CardStop, source: SourcePosition): void {
  let mustCancel = false
  const card = draft.card(cardRef)
  const discovery = card?.discovery
  if (card !== undefined && discovery) {
    mustCancel = discovery.command_id !== null
    endDiscovery(draft, card, discovery, 'CANCELLED', reason, source)
  }
  for (const merchantId of draft.user.merchants) {
    if (stopAt(draft, merchantId, cardRef, reason, source)) mustCancel = true
  }
  if (mustCancel) {
    draft.command({
      kind: 'CANCEL',
      card_ref: cardRef,
      card_version: null,
      merchant_id: null,
      merchant_name: null,
      attempt: 0,
      not_after: null,
      cancels: { card_ref: cardRef, merchant_id: null, command_id: null },
      reason,
      source,
      origin: source,
    })
  }
}

/** True where a command of the card is out. */
function stopAt(
  draft: DecisionDraft,
  merchantId: number,
  cardRef: string,
  reason: CardStop,
  source: SourcePosition,
): boolean {
  let merchant = draft.merchant(merchantId)
  if (merchant === undefined) return false
  if (merchant.queued?.card_ref === cardRef) {
    dropWork(draft, merchant, merchant.queued, 'CANCELLED', reason, source)
    merchant = { ...merchant, queued: null }
    draft.putMerchant(merchant)
  }
  const { attempt } = merchant
  if (attempt?.card_ref !== cardRef) return false
  switch (attempt.phase) {
    case 'SCHEDULED':
    case 'DISCOVERING':
      endAttempt(draft, merchant, attempt, 'CANCELLED', reason, source)
      return attempt.phase === 'DISCOVERING'
    case 'ISSUED':
      if (attempt.stop === null || attempt.stop.reason === 'superseded') {
        draft.putMerchant({ ...merchant, attempt: { ...attempt, stop: { reason, source } } })
      }
      return true
    case 'ACCEPTED':
    case 'AMBIGUOUS':
      if (reason !== 'contact_cardholder') tellAccepted(draft, merchant, attempt, reason, source)
      return false
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
