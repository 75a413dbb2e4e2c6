import { attemptSubject, endAttempt, gapEnd, resumeAttempt, scheduleAttempt } from './attempts.ts'
import { isOf, judgeCardResult } from './cardResults.ts'
import { hardTimer, softTimer } from './deadlines.ts'
import type { DecisionDraft } from './decisionDraft.ts'
import { resolveLate } from './lateResults.ts'
import type { Attempt, MerchantState } from './merchantState.ts'
import { busyWaitMs } from './policy.ts'
import { onReconcileRemoved } from './reconcile.ts'
import type { CommandResult } from './records.ts'

/** The answer to a SWITCH. One whose attempt has ended meanwhile writes nothing. */
export function onSwitchResult(draft: DecisionDraft, result: CommandResult): void {
  const merchant = result.merchant_id === null ? undefined : draft.merchant(result.merchant_id)
  if (merchant === undefined) return
  const { attempt } = merchant
  if (attempt?.phase !== 'ISSUED' || attempt.command_id !== result.command_id) {
    rememberStart(draft, merchant, result)
    return
  }
  switch (result.result) {
    case 'ACCEPTED':
    case 'AMBIGUOUS':
      onStarted(draft, merchant, attempt, result, result.result)
      return
    case 'BUSY':
      onBusy(draft, merchant, attempt)
      return
    case 'NOT_SENT':
      onNotSent(draft, merchant, attempt, result.reason)
      return
    case 'INVALID_CARD':
      endAttempt(draft, merchant, attempt, 'REJECTED', 'invalid_card_data', attempt.source)
      return
    case 'REJECTED':
      onRejected(draft, merchant, attempt, result.reason)
      return
    default:
      endAttempt(draft, merchant, attempt, 'REJECTED', 'unknown_error', attempt.source)
  }
}

/** A command that a CANCEL removed before it started: only now it is certain that nothing was pushed. */
export function onCancelled(draft: DecisionDraft, result: CommandResult): void {
  for (const removed of result.removed) {
    if (removed.kind === 'RECONCILE' && removed.merchant_id !== null) {
      onReconcileRemoved(draft, removed.merchant_id, removed.command_id)
      continue
    }
    const merchant = removed.merchant_id === null ? undefined : draft.merchant(removed.merchant_id)
    const attempt = merchant?.attempt
    if (merchant === undefined || attempt?.command_id !== removed.command_id) continue
    if (attempt.phase === 'ISSUED') onRemoved(draft, merchant, attempt)
  }
}

/** Knot has the request, or may have it: the webhook decides, or the deadlines. */
function onStarted(
  draft: DecisionDraft,
  merchant: MerchantState,
  issued: Attempt,
  result: CommandResult,
  phase: 'ACCEPTED' | 'AMBIGUOUS',
): void {
  const answeredAt = draft.past(result.answered_at ?? draft.occurredAt)
  const attempt: Attempt = {
    ...issued,
    phase,
    vault_version: result.vault_version ?? issued.vault_version,
    hard_at: answeredAt + draft.policy.resultHardMs,
    started_at: result.started_at ?? answeredAt,
  }
  const isSettled = merchant.kept.some(webhook => webhook.event !== 'CARD_UPDATING' && isOf(attempt, webhook))
  const stop = issued.stop?.reason
  const isStopped = stop === 'closed' || stop === 'opt_out'
  const subject = attemptSubject(merchant, attempt)
  if (!isSettled && (phase === 'AMBIGUOUS' || !isStopped)) {
    const reason = phase === 'ACCEPTED' ? 'accepted' : 'ambiguous'
    draft.emit('ACCEPTED', reason, subject, attempt.source, attempt.origin)
  }
  if (isStopped) draft.emit('ACCEPTED', `accepted_before_${stop}`, subject, issued.stop!.source, attempt.origin)
  if (!isSettled) {
    draft.timer(softTimer(merchant.merchant_id), answeredAt + draft.policy.resultSoftMs)
    draft.timer(hardTimer(merchant.merchant_id), attempt.hard_at)
  }
  const started = { ...merchant, attempt, last_accepted_at: answeredAt, kept: [] }
  draft.putMerchant(started)
  for (const webhook of merchant.kept) judgeCardResult(draft, started, webhook)
  if (!isSettled && isOverdue(draft, issued, result)) endOverdue(draft, merchant.merchant_id, attempt)
}

/** The command has met its hard deadline in PROVISION, after a 503 that may have landed: no later request has an answer. */
function isOverdue(
  draft: DecisionDraft,
  { hard_at }: Attempt,
  { result, reason, answered_at }: CommandResult,
): boolean {
  if (result !== 'AMBIGUOUS' || reason !== 'server_error' || answered_at !== null) return false
  return draft.past(draft.occurredAt) >= hard_at
}

/** As the deadline's own timer, which may come a moment later, would have ended it; but its start is known now. */
function endOverdue(draft: DecisionDraft, merchantId: number, { command_id, source }: Attempt): void {
  const merchant = draft.merchant(merchantId)!
  const { attempt } = merchant
  if (attempt?.command_id === command_id) endAttempt(draft, merchant, attempt, 'NO_RESULT', 'no_result', source)
}

/** Another operation runs on the account. Not accepted, so the same attempt again; but a newer version takes its place. */
function onBusy(draft: DecisionDraft, merchant: MerchantState, attempt: Attempt): void {
  if (attempt.stop !== null && attempt.stop.reason !== 'superseded') {
    endStopped(draft, merchant, attempt)
    return
  }
  const busyCount = attempt.busy_count + 1
  const untilMs = Math.max(draft.now, draft.past(draft.occurredAt) + busyWaitMs(draft.policy, busyCount))
  if (merchant.queued !== null) {
    const inherited = { untilMs, busyCount }
    endAttempt(draft, merchant, attempt, 'CANCELLED', 'superseded', merchant.queued.source, undefined, inherited)
    return
  }
  const dueAtMs = Math.max(untilMs, gapEnd(draft, merchant))
  const waiting = { ...attempt, busy_count: busyCount }
  scheduleAttempt(draft, { ...merchant, kept: [] }, waiting, dueAtMs, 'ongoing_operation')
  for (const webhook of merchant.kept) resolveLate(draft, merchant, webhook)
}

/** Nothing went on the wire. */
function onNotSent(draft: DecisionDraft, merchant: MerchantState, attempt: Attempt, reason: string | null): void {
  if (attempt.stop !== null) {
    endStopped(draft, merchant, attempt)
    return
  }
  switch (reason) {
    case 'send_by':
    case 'ownership':
      sendAgain(draft, merchant, attempt)
      return
    case 'not_after':
      endAttempt(draft, merchant, attempt, 'NO_RESULT', 'no_result', attempt.source)
      return
    case 'card_unknown':
    case 'inactive_card':
    case 'unsupported_region':
      endAttempt(draft, merchant, attempt, 'SKIPPED', reason, attempt.source)
      return
    case 'suppressed':
      sendAgain(draft, merchant, attempt)
      return
    default:
      endAttempt(draft, merchant, attempt, 'REJECTED', 'unknown_error', attempt.source)
  }
}

/** Called back before it started. Where nothing stops the attempt, a confirmation of another one's made that needful. */
function onRemoved(draft: DecisionDraft, merchant: MerchantState, attempt: Attempt): void {
  if (attempt.stop === null) sendAgain(draft, merchant, attempt)
  else endStopped(draft, merchant, attempt)
}

/**
 * Again, if nothing speaks against it by now: what was kept was another one's, who may have put another card on file, and
 * the answer of a push that its deadline overtook may have come: the gap counts from that one too.
 */
function sendAgain(draft: DecisionDraft, merchant: MerchantState, attempt: Attempt): void {
  const id = merchant.merchant_id
  draft.putMerchant({ ...merchant, attempt: { ...attempt, phase: 'SCHEDULED', next_at: draft.now }, kept: [] })
  for (const webhook of merchant.kept) resolveLate(draft, merchant, webhook)
  const current = draft.merchant(id)!
  if (current.attempt === null) return
  const dueAtMs = gapEnd(draft, current)
  if (dueAtMs <= draft.now) resumeAttempt(draft, current, current.attempt)
  else scheduleAttempt(draft, current, current.attempt, dueAtMs, 'min_gap')
}

/** Knot has refused the request for good. */
function onRejected(draft: DecisionDraft, merchant: MerchantState, attempt: Attempt, reason: string | null): void {
  switch (reason) {
    case 'not_linked':
      endAttempt(draft, merchant, attempt, 'SKIPPED', 'not_linked', attempt.source)
      return
    case 'relink':
      endAttempt(draft, merchant, attempt, 'NEEDS_USER_ACTION', 'relink', attempt.source)
      return
    case 'invalid_field':
    case 'invalid_jwe':
      endAttempt(draft, merchant, attempt, 'REJECTED', reason, attempt.source)
      return
    default:
      endAttempt(draft, merchant, attempt, 'REJECTED', 'unknown_error', attempt.source)
  }
}

/** `operator` where no record of the user's own stopped it. */
function endStopped(draft: DecisionDraft, merchant: MerchantState, attempt: Attempt): void {
  const { reason, source } = attempt.stop ?? { reason: 'operator', source: attempt.source }
  endAttempt(draft, merchant, attempt, 'CANCELLED', reason, source)
}

/**
 * The answer to a push that its hard deadline overtook: the gap counts from it, and what comes from Knot now can be
 * measured against its start.
 */
function rememberStart(draft: DecisionDraft, merchant: MerchantState, result: CommandResult): void {
  if (result.result !== 'ACCEPTED' && result.result !== 'AMBIGUOUS') return
  const { last } = merchant
  const answeredAt = draft.past(result.answered_at ?? draft.occurredAt)
  const isLast = last?.command_id === result.command_id && last.started_at === null
  draft.putMerchant({
    ...merchant,
    last: isLast ? { ...last, started_at: result.started_at ?? answeredAt, vault_version: result.vault_version } : last,
    last_accepted_at: Math.max(merchant.last_accepted_at ?? 0, answeredAt),
  })
}
