import { endAttempt } from './attempts.ts'
import type { DecisionDraft } from './decisionDraft.ts'
import { laterHolder } from './holders.ts'
import { RESULT_SKEW_MS } from './lateResults.ts'
import type { Attempt, MerchantState } from './merchantState.ts'
import { normalisedReason } from './reasons.ts'
import type { CommandResult } from './records.ts'
import { askAgain, isOut } from './reconcileCommands.ts'

/**
 * The answer to a RECONCILE (contract.md 3). It can say that the push is done; it never says that nothing landed. So
 * without a sign the attempt waits on, for its webhook or its hard deadline, but it holds up a newer version no longer:
 * that is no repetition, and Knot refuses it itself while the older push still runs.
 */
export function onReconciled(draft: DecisionDraft, result: CommandResult): void {
  const merchant = result.merchant_id === null ? undefined : draft.merchant(result.merchant_id)
  const attempt = merchant?.attempt
  if (merchant === undefined || !attempt || !isOut(attempt) || attempt.reconcile_id !== result.command_id) return
  const answered: Attempt = { ...attempt, reconciled_at: draft.now }
  const doneAtMs = doneAt(draft, merchant, attempt, result)
  if (doneAtMs !== null) {
    const holder = laterHolder(merchant.holder, attempt.card_ref, attempt.vault_version, doneAtMs)
    const details = { nextAttemptAt: null, rawReason: null, occurredAt: draft.past(doneAtMs) }
    const confirmed = { ...merchant, holder, awaiting_relink: null }
    endAttempt(draft, confirmed, answered, 'UPDATED', 'reconciled', attempt.source, details)
  } else if (merchant.queued !== null) {
    endAttempt(draft, merchant, answered, 'NO_RESULT', 'superseded', merchant.queued.source)
  } else {
    draft.putMerchant({ ...merchant, attempt: answered })
  }
}

/** A CANCEL removed a RECONCILE. Where its attempt is still open, the question stands. */
export function onReconcileRemoved(draft: DecisionDraft, merchantId: number, commandId: string): void {
  const merchant = draft.merchant(merchantId)
  const attempt = merchant?.attempt
  if (merchant === undefined || !attempt || !isOut(attempt) || attempt.reconcile_id !== commandId) return
  askAgain(draft, merchant, attempt)
}

/** Knot's time of the switch that the account shows, where it can only be this attempt's; null: no sign of one. */
function doneAt(
  { policy }: DecisionDraft,
  { merchant_id }: MerchantState,
  { started_at }: Attempt,
  { accounts }: CommandResult,
): number | null {
  if (started_at === null) return null
  for (const { merchant_id: id, last_action_at: at, last_action_status: status } of accounts) {
    if (id !== merchant_id || at === null || status === null || at < started_at - RESULT_SKEW_MS) continue
    if (policy.reconcileDone.has(normalisedReason(status))) return at
  }
  return null
}
