import { attemptSubject, endedAttempt, gapEnd } from './attempts.ts'
import { hardTimer, softTimer, switchTimer } from './deadlines.ts'
import type { DecisionDraft, OutcomeDetails } from './decisionDraft.ts'
import { TASK_REASON } from './merchantState.ts'
import type { Attempt, MerchantState } from './merchantState.ts'
import { scaledWaitMs } from './policy.ts'
import type { Failure } from './reasons.ts'
import { callOffReconcile } from './reconcileCommands.ts'
import { MAX_ATTEMPTS } from './repeats.ts'
import type { SourcePosition } from './records.ts'
import { suppressionOf } from './suppressionRules.ts'

/**
 * The wait before the next attempt after a failure, milliseconds; null where there is none: the row has no retry left,
 * the work has been stopped, or a newer version waits.
 */
export function retryWaitMs(
  draft: DecisionDraft,
  merchant: MerchantState,
  attempt: Attempt,
  failure: Failure,
): number | null {
  if (attempt.stop !== null || merchant.queued !== null || attempt.number >= MAX_ATTEMPTS) return null
  if (attempt.reason === TASK_REASON) return null
  if (suppressionOf(draft.user, attempt.card_ref, merchant.merchant_id, draft.now) !== undefined) return null
  const { policy } = draft
  if (attempt.number <= failure.retries) {
    return scaledWaitMs(policy, failure.waitsMs[attempt.number - 1] ?? failure.waitsMs.at(-1) ?? 0)
  }
  if (failure.class !== 'fix_data' || attempt.number > 1) return null
  const known = draft.card(attempt.card_ref)?.vault_version ?? null
  return known !== null && attempt.vault_version !== null && known !== attempt.vault_version ? 0 : null
}

/**
 * The attempt has failed and the next one waits for its timer. The failed one is remembered: a success of it that comes
 * late still wins. Never earlier than the gap.
 *
 * @param waitMs from the result that says so, as `retryWaitMs` gives it
 */
export function scheduleRetry(
  draft: DecisionDraft,
  merchant: MerchantState,
  attempt: Attempt,
  code: string,
  waitMs: number,
  source: SourcePosition,
  details: OutcomeDetails,
): void {
  const id = merchant.merchant_id
  const failedAtMs = draft.past(details.occurredAt ?? draft.occurredAt)
  const dueAtMs = Math.max(draft.now, failedAtMs + waitMs, gapEnd(draft, merchant))
  const subject = attemptSubject(merchant, attempt)
  draft.emit('RETRY_SCHEDULED', code, subject, source, attempt.origin, { ...details, nextAttemptAt: dueAtMs })
  const next: Attempt = {
    ...attempt,
    phase: 'SCHEDULED',
    number: attempt.number + 1,
    command_id: null,
    issued_at: null,
    busy_count: 0,
    next_at: dueAtMs,
    hard_at: dueAtMs + draft.policy.resultHardMs,
    started_at: null,
    retry_after: code,
    reconcile_id: null,
    reconciled_at: null,
  }
  callOffReconcile(draft, merchant, attempt)
  draft.timer(softTimer(id), null)
  draft.timer(hardTimer(id), next.hard_at)
  draft.timer(switchTimer(id), dueAtMs)
  draft.putMerchant({ ...merchant, attempt: next, last: endedAttempt(attempt, 'FAILED', code) ?? merchant.last })
}
