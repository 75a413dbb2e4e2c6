import type { DecisionDraft } from './decisionDraft.ts'
import type { Attempt, MerchantState, Work } from './merchantState.ts'

/** A new attempt of a version that waits for its first command: every field of one that has not begun, in one place. */
export function newAttempt(
  work: Work,
  phase: 'SCHEDULED' | 'DISCOVERING',
  hardAtMs: number,
  retry: Pick<Attempt, 'number' | 'retry_after'> = { number: 1, retry_after: null },
): Attempt {
  return {
    card_ref: work.card_ref,
    card_version: work.card_version,
    reason: work.reason,
    vault_version: work.vault_version,
    source: work.source,
    origin: work.origin,
    phase,
    number: retry.number,
    command_id: null,
    issued_at: null,
    busy_count: 0,
    next_at: null,
    hard_at: hardAtMs,
    started_at: null,
    stop: null,
    retry_after: retry.retry_after,
    reconcile_id: null,
    reconciled_at: null,
  }
}

/** Writes a command of an attempt and returns its id. It does not outlive the attempt. */
export function commandOfAttempt(
  draft: DecisionDraft,
  kind: 'SWITCH' | 'DISCOVER' | 'RECONCILE',
  { merchant_id, merchant_name }: MerchantState,
  attempt: Attempt,
): string {
  return draft.command({
    kind,
    card_ref: attempt.card_ref,
    card_version: attempt.card_version,
    merchant_id,
    merchant_name,
    attempt: attempt.number,
    not_after: attempt.hard_at,
    cancels: null,
    reason: attempt.reason,
    source: attempt.source,
    origin: attempt.origin,
  })
}
