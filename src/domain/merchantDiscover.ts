import { commandOfAttempt } from './attemptParts.ts'
import { hardTimer } from './deadlines.ts'
import type { DecisionDraft } from './decisionDraft.ts'
import type { Attempt, MerchantState } from './merchantState.ts'

/**
 * Begins an attempt with a DISCOVER for its merchant alone: much may have changed since the last look. It does not outlive
 * the attempt: nobody could call it back after the hard deadline.
 */
export function discoverMerchant(draft: DecisionDraft, merchant: MerchantState, attempt: Attempt): void {
  const commandId = commandOfAttempt(draft, 'DISCOVER', merchant, attempt)
  draft.timer(hardTimer(merchant.merchant_id), attempt.hard_at)
  const discovering: Attempt = { ...attempt, phase: 'DISCOVERING', command_id: commandId, next_at: null }
  draft.putMerchant({ ...merchant, awaiting_relink: null, attempt: discovering })
}
