import { attemptSubject, endAttempt } from './attempts.ts'
import { callBack, CONFIRMED } from './callBack.ts'
import type { DecisionDraft } from './decisionDraft.ts'
import { laterHolder } from './holders.ts'
import { detailsOf, RESULT_SKEW_MS, resolveLate } from './lateResults.ts'
import type { NamedMerchant } from './lateResults.ts'
import { KEPT_LIMIT } from './merchantState.ts'
import type { Attempt, KeptWebhook, MerchantState } from './merchantState.ts'
import { failureOf } from './reasons.ts'
import { retryWaitMs, scheduleRetry } from './retries.ts'

/**
 * CARD_UPDATING, CARD_UPDATED or CARD_FAILED. Knot names no attempt: it is the one that is open at the merchant, if the
 * webhook is not older than its start. Before the command of the attempt is answered nobody knows that start, so the
 * webhook is kept until then, unless it is older than the command itself.
 */
export function judgeCardResult(draft: DecisionDraft, named: NamedMerchant, webhook: KeptWebhook): void {
  const merchant = named.merchant_id === null ? undefined : draft.merchant(named.merchant_id)
  const attempt = merchant?.attempt
  if (merchant !== undefined && attempt?.phase === 'ISSUED' && mayBeOf(attempt, webhook))
    keep(draft, merchant, attempt, webhook)
  else if (merchant !== undefined && attempt && isOf(attempt, webhook)) settle(draft, merchant, attempt, webhook)
  else resolveLate(draft, named, webhook)
}

/** The webhook is a result of this attempt, whose start is known. */
export function isOf({ started_at }: Attempt, webhook: KeptWebhook): boolean {
  return started_at !== null && webhook.timestamp >= started_at - RESULT_SKEW_MS
}

function mayBeOf({ issued_at }: Attempt, webhook: KeptWebhook): boolean {
  return issued_at === null || webhook.timestamp >= issued_at - RESULT_SKEW_MS
}

/**
 * A success while the command is out: it is this attempt's, if a request that seemed not accepted has landed, or another
 * one's, who may have put another card on file. Either way what still waits must not go out without a second look. That
 * holds for a command of a moment ago too: nobody knows how long it will wait, and where its answer is on its way already
 * the CANCEL finds nothing.
 */
function keep(draft: DecisionDraft, merchant: MerchantState, attempt: Attempt, webhook: KeptWebhook): void {
  if (merchant.kept.length >= KEPT_LIMIT) {
    const subject = { ...attemptSubject(merchant, attempt), command_id: null }
    draft.emit('REJECTED', 'limit', subject, webhook.source, webhook.source)
    return
  }
  const isFirst = webhook.event === 'CARD_UPDATED' && !merchant.kept.some(({ event }) => event === 'CARD_UPDATED')
  if (isFirst && attempt.stop === null) {
    const { source } = webhook
    callBack(draft, merchant, attempt, attempt.command_id, CONFIRMED, { source, origin: source })
  }
  draft.putMerchant({ ...merchant, kept: [...merchant.kept, webhook] })
}

function settle(draft: DecisionDraft, merchant: MerchantState, attempt: Attempt, webhook: KeptWebhook): void {
  switch (webhook.event) {
    case 'CARD_UPDATING': {
      const subject = attemptSubject(merchant, attempt)
      draft.emit('ACCEPTED', 'in_progress', subject, webhook.source, attempt.origin, detailsOf(webhook, null))
      return
    }
    case 'CARD_UPDATED': {
      const holder = laterHolder(merchant.holder, attempt.card_ref, attempt.vault_version, webhook.timestamp)
      const confirmed = { ...merchant, holder, awaiting_relink: null }
      endAttempt(draft, confirmed, attempt, 'UPDATED', 'updated', webhook.source, detailsOf(webhook, null))
      return
    }
    case 'CARD_FAILED': {
      const failure = failureOf(draft.policy.reasons, webhook.reason)
      const status = failure.class === 'user_action' ? 'NEEDS_USER_ACTION' : 'FAILED'
      const details = detailsOf(webhook, failure.rawReason)
      const waitMs = retryWaitMs(draft, merchant, attempt, failure)
      if (waitMs === null) endAttempt(draft, merchant, attempt, status, failure.code, webhook.source, details)
      else scheduleRetry(draft, merchant, attempt, failure.code, waitMs, webhook.source, details)
    }
  }
}
