import { commandOfAttempt } from './attemptParts.ts'
import { callBack } from './callBack.ts'
import type { DecisionDraft } from './decisionDraft.ts'
import type { Attempt, MerchantState } from './merchantState.ts'

/**
 * The soft deadline of an attempt that Knot has, or may have: its webhook is overdue, so the account is looked at. Once per
 * attempt. The look does not outlive the attempt.
 */
export function askForResult(draft: DecisionDraft, merchant: MerchantState, attempt: Attempt): void {
  if (attempt.phase !== 'ACCEPTED' && attempt.phase !== 'AMBIGUOUS') return
  if (attempt.reconcile_id !== null || attempt.hard_at <= draft.now) return
  issueReconcile(draft, merchant, attempt)
}

/** A CANCEL of wider scope took the look away before it was made: once more, behind that CANCEL. */
export function askAgain(draft: DecisionDraft, merchant: MerchantState, attempt: Attempt): void {
  if (attempt.hard_at > draft.now) issueReconcile(draft, merchant, attempt)
}

/**
 * The attempt ends while its look is out. Called off, because it would hold up the next push at that merchant; after the
 * hard deadline PROVISION drops it by itself.
 */
export function callOffReconcile(draft: DecisionDraft, merchant: MerchantState, attempt: Attempt): void {
  if (!isOut(attempt) || attempt.hard_at <= draft.now) return
  callBack(draft, merchant, attempt, attempt.reconcile_id, 'answered', attempt)
}

/** The look has been asked for and is not answered. */
export function isOut(attempt: Attempt): boolean {
  return attempt.reconcile_id !== null && attempt.reconciled_at === null
}

function issueReconcile(draft: DecisionDraft, merchant: MerchantState, attempt: Attempt): void {
  const commandId = commandOfAttempt(draft, 'RECONCILE', merchant, attempt)
  draft.putMerchant({ ...merchant, attempt: { ...attempt, reconcile_id: commandId } })
}
