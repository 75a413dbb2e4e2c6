import { newAttempt } from './attemptParts.ts'
import { beginAttempt, endAttempt } from './attempts.ts'
import type { DecisionDraft } from './decisionDraft.ts'
import { accountAt, merchantAt, refusalOf } from './fanOut.ts'
import { discoverMerchant } from './merchantDiscover.ts'
import type { Attempt, MerchantState, Work } from './merchantState.ts'
import type { CommandResult, SourcePosition } from './records.ts'
import { suppressionOf } from './suppressionRules.ts'

/** The failure whose retry makes sense only while the account still says connected (contract.md 8). */
const SESSION_LOST = 'session_not_authenticated'

/**
 * The user has linked the merchant again: the newest version that ended there for want of a link goes once more, as a new
 * attempt 1 with the webhook as its origin, if nothing else is under way. It begins with a DISCOVER for this merchant.
 */
export function restartRelinked(draft: DecisionDraft, merchant: MerchantState, source: SourcePosition): void {
  const awaiting = merchant.awaiting_relink
  if (awaiting === null || merchant.attempt !== null) return
  const card = draft.card(awaiting.card_ref)
  if (card?.version !== awaiting.card_version || card.discovery !== null) return
  if (suppressionOf(draft.user, card.card_ref, merchant.merchant_id, draft.now) !== undefined) return
  const work: Work = {
    card_ref: card.card_ref,
    card_version: card.version,
    reason: 'relinked',
    vault_version: null,
    source,
    origin: source,
  }
  discoverMerchant(draft, merchant, newAttempt(work, 'DISCOVERING', draft.now + draft.policy.resultHardMs))
}

/** The answer to the DISCOVER of one attempt. */
export function onMerchantDiscovered(draft: DecisionDraft, result: CommandResult): void {
  const known = result.merchant_id === null ? undefined : draft.merchant(result.merchant_id)
  const attempt = known?.attempt
  if (known === undefined || attempt?.phase !== 'DISCOVERING' || attempt.command_id !== result.command_id) return
  const { source } = attempt
  if (result.result === 'NOT_SENT' && result.reason === 'not_after') {
    endAttempt(draft, known, attempt, 'NO_RESULT', 'no_result', source)
    return
  }
  if (result.result !== 'DISCOVERED') {
    endAttempt(draft, known, attempt, 'REJECTED', 'unknown_error', source)
    return
  }
  const card = draft.card(attempt.card_ref)
  if (card !== undefined && result.vault_version !== null) {
    draft.putCard({ ...card, vault_version: result.vault_version })
  }
  if (result.vault_status !== null && result.vault_status !== 'active') {
    const reason = result.vault_status === 'unknown' ? 'card_unknown' : 'inactive_card'
    endAttempt(draft, known, attempt, 'SKIPPED', reason, source)
    return
  }
  const account = accountAt(result.accounts, known.merchant_id)
  const isUsable = account?.connected === true && account.update_card
  if (attempt.retry_after === SESSION_LOST && !isUsable) {
    endAttempt(draft, known, attempt, 'NEEDS_USER_ACTION', SESSION_LOST, source)
    return
  }
  if (account === undefined) {
    endAttempt(draft, known, attempt, 'SKIPPED', 'not_linked', source)
    return
  }
  const work = workOf(attempt, result.vault_version)
  const merchant = merchantAt(draft, account)
  const refusal = refusalOf(draft, account, work)
  if (refusal === null) beginAttempt(draft, { ...merchant, attempt: null }, work, null, attempt)
  else endAttempt(draft, merchant, attempt, refusal.status, refusal.reason, source)
}

function workOf(attempt: Attempt, vaultVersion: string | null): Work {
  return {
    card_ref: attempt.card_ref,
    card_version: attempt.card_version,
    reason: attempt.reason,
    vault_version: vaultVersion,
    source: attempt.source,
    origin: attempt.origin,
  }
}
