import { hardTimer } from './deadlines.ts'
import type { DecisionDraft } from './decisionDraft.ts'
import type { Attempt, MerchantState } from './merchantState.ts'

/**
 * Begins an attempt with a DISCOVER for its merchant alone: much may have changed since the last look. It does not outlive
 * the attempt: nobody could call it back after the hard deadline.
 */
export function discoverMerchant(draft: DecisionDraft, merchant: MerchantState, attempt: Attempt): void {
  const commandId = draft.command({
    kind: 'DISCOVER',
    card_ref: attempt.card_ref,
    card_version: attempt.card_version,
    merchant_id: merchant.merchant_id,
    merchant_name: merchant.merchant_name,
    attempt: attempt.number,
    not_after: attempt.hard_at,
    cancels: null,
    reason: attempt.reason,
    source: attempt.source,
    origin: attempt.origin,
  })
  draft.timer(hardTimer(merchant.merchant_id), attempt.hard_at)
  const discovering: Attempt = { ...attempt, phase: 'DISCOVERING', command_id: commandId, next_at: null }
  draft.putMerchant({ ...merchant, awaiting_relink: null, attempt: discovering })
}
