import { commandOfAttempt, newAttempt } from './attemptParts.ts'
import { hardTimer, softTimer, switchTimer } from './deadlines.ts'
import type { DecisionDraft, OutcomeDetails, OutcomeSubject } from './decisionDraft.ts'
import { obstacleOf } from './holders.ts'
import { resolveLate } from './lateResults.ts'
import { discoverMerchant } from './merchantDiscover.ts'
import type { Attempt, EndedAttempt, MerchantState, Work } from './merchantState.ts'
import { callBack } from './callBack.ts'
import { callOffReconcile } from './reconcileCommands.ts'
import type { OutcomeStatus, SourcePosition } from './records.ts'
import { nextTry } from './repeats.ts'
import { suppressionOf } from './suppressionRules.ts'

/** A wait that an attempt inherits: the account was busy a moment ago. */
export interface InheritedWait {
  readonly untilMs: number
  readonly busyCount: number
}

/** The final statuses with which an attempt can end. */
export type EndStatus = Exclude<OutcomeStatus, 'UNKNOWN' | 'ACCEPTED' | 'RETRY_SCHEDULED' | 'HELD' | 'EXTERNAL'>

export function attemptSubject(merchant: MerchantState, attempt: Attempt): OutcomeSubject {
  return {
    card_ref: attempt.card_ref,
    card_version: attempt.card_version,
    merchant_id: merchant.merchant_id,
    merchant_name: merchant.merchant_name,
    attempt: attempt.number,
    command_id: attempt.command_id,
  }
}

/**
 * A version shall go to a merchant: at once, after the gap, or behind the attempt that is open there. One attempt is open
 * per (user, merchant); the newest version wins over whatever has not reached Knot.
 */
export function openAttempt(draft: DecisionDraft, merchant: MerchantState, work: Work): void {
  const open = merchant.attempt
  if (open === null) {
    beginAttempt(draft, merchant, work, null, nextTry(merchant, work))
  } else if (open.phase === 'SCHEDULED' || open.phase === 'DISCOVERING') {
    draft.emit('CANCELLED', 'superseded', attemptSubject(merchant, open), work.source, open.origin)
    if (open.phase === 'SCHEDULED') draft.timer(switchTimer(merchant.merchant_id), null)
    beginAttempt(draft, merchant, work, null, nextTry(merchant, work))
  } else {
    queueBehind(draft, merchant, open, work)
  }
}

/** An attempt of a version, the first one unless `retry` says otherwise. `inherited`: a wait of the one before. */
export function beginAttempt(
  draft: DecisionDraft,
  merchant: MerchantState,
  work: Work,
  inherited: InheritedWait | null,
  retry: Pick<Attempt, 'number' | 'retry_after'> = { number: 1, retry_after: null },
): void {
  const gapEndMs = gapEnd(draft, merchant)
  const dueAtMs = Math.max(draft.now, gapEndMs, inherited?.untilMs ?? 0)
  const attempt: Attempt = {
    ...newAttempt(work, 'SCHEDULED', dueAtMs + draft.policy.resultHardMs, retry),
    busy_count: inherited?.busyCount ?? 0,
  }
  draft.timer(hardTimer(merchant.merchant_id), attempt.hard_at)
  if (dueAtMs <= draft.now) {
    issueSwitch(draft, merchant, attempt)
  } else {
    const reason = inherited !== null && inherited.untilMs > gapEndMs ? 'ongoing_operation' : 'min_gap'
    scheduleAttempt(draft, merchant, attempt, dueAtMs, reason)
  }
}

/** Until then no push may follow the last one that Knot accepted; 0 where there was none. */
export function gapEnd({ policy }: DecisionDraft, merchant: MerchantState): number {
  return merchant.last_accepted_at === null ? 0 : merchant.last_accepted_at + policy.minGapMs
}

export function scheduleAttempt(
  draft: DecisionDraft,
  merchant: MerchantState,
  attempt: Attempt,
  dueAtMs: number,
  reason: 'min_gap' | 'ongoing_operation',
): void {
  draft.emit('RETRY_SCHEDULED', reason, attemptSubject(merchant, attempt), attempt.source, attempt.origin, {
    nextAttemptAt: dueAtMs,
    rawReason: null,
    occurredAt: null,
  })
  draft.timer(switchTimer(merchant.merchant_id), dueAtMs)
  draft.putMerchant({ ...merchant, attempt: { ...attempt, phase: 'SCHEDULED', next_at: dueAtMs } })
}

/** Writes the SWITCH. After the attempt's hard deadline PROVISION must not start it. */
export function issueSwitch(draft: DecisionDraft, merchant: MerchantState, attempt: Attempt): void {
  const commandId = commandOfAttempt(draft, 'SWITCH', merchant, attempt)
  draft.putMerchant({
    ...merchant,
    awaiting_relink: null,
    attempt: { ...attempt, phase: 'ISSUED', command_id: commandId, issued_at: draft.now, next_at: null },
  })
}

/**
 * What has waited goes on. Time has passed: it is asked again what stops it, and which card the merchant holds, because the
 * user may have put another one on file meanwhile.
 */
export function resumeAttempt(draft: DecisionDraft, merchant: MerchantState, attempt: Attempt): void {
  const stopped = stoppedBy(draft, merchant, attempt)
  if (stopped !== null) {
    endAttempt(draft, merchant, attempt, stopped.status, stopped.reason, attempt.source)
  } else if (attempt.retry_after !== null && attempt.command_id === null) {
    discoverMerchant(draft, merchant, attempt)
  } else {
    issueSwitch(draft, merchant, attempt)
  }
}

/**
 * Ends the open attempt with its final outcome, judges the webhooks that were kept for it, and lets the queued version
 * go. `source` is the record that ends it; the origin is the attempt's own.
 */
export function endAttempt(
  draft: DecisionDraft,
  merchant: MerchantState,
  attempt: Attempt,
  status: EndStatus,
  reason: string,
  source: SourcePosition,
  details?: OutcomeDetails,
  inherited: InheritedWait | null = null,
): void {
  draft.emit(status, reason, attemptSubject(merchant, attempt), source, attempt.origin, details)
  draft.timer(hardTimer(merchant.merchant_id), null)
  if (attempt.started_at !== null) draft.timer(softTimer(merchant.merchant_id), null)
  if (attempt.phase === 'SCHEDULED') draft.timer(switchTimer(merchant.merchant_id), null)
  callOffReconcile(draft, merchant, attempt)
  const ended: MerchantState = {
    ...merchant,
    attempt: null,
    last: endedAttempt(attempt, status, reason) ?? merchant.last,
    awaiting_relink:
      status === 'NEEDS_USER_ACTION' || reason === 'not_connected'
        ? { card_ref: attempt.card_ref, card_version: attempt.card_version }
        : merchant.awaiting_relink,
    queued: null,
    kept: [],
  }
  draft.putMerchant(ended)
  for (const webhook of merchant.kept) resolveLate(draft, merchant, webhook)
  if (merchant.queued !== null) startQueued(draft, merchant.merchant_id, merchant.queued, inherited)
}

/** The queued version, taken from the queue or thrown out of it. */
function startQueued(draft: DecisionDraft, merchantId: number, work: Work, inherited: InheritedWait | null): void {
  const merchant = draft.merchant(merchantId)!
  const stopped = stoppedBy(draft, merchant, work)
  if (stopped !== null) dropWork(draft, merchant, work, stopped.status, stopped.reason, work.source)
  else if (isConfirmed(merchant, work)) dropWork(draft, merchant, work, 'SKIPPED', 'already_current', work.source)
  else beginAttempt(draft, merchant, work, inherited, nextTry(merchant, work))
}

/** Why what has waited must not be pushed now; null: it may. */
function stoppedBy(
  draft: DecisionDraft,
  merchant: MerchantState,
  { card_ref }: Work,
): { readonly status: 'CANCELLED' | 'SKIPPED'; readonly reason: string } | null {
  const suppression = suppressionOf(draft.user, card_ref, merchant.merchant_id, draft.now)
  if (suppression !== undefined) return { status: 'CANCELLED', reason: suppression.reason }
  const obstacle = obstacleOf(draft.user, card_ref, merchant, draft.policy)
  return obstacle === null ? null : { status: 'SKIPPED', reason: obstacle }
}

/** The merchant has confirmed exactly this vault version of this card. */
export function isConfirmed({ holder }: MerchantState, { card_ref, vault_version }: Work): boolean {
  return holder?.card_ref === card_ref && vault_version !== null && holder.vault_version === vault_version
}

/** The outcome of a version that never became an attempt here. */
export function dropWork(
  draft: DecisionDraft,
  merchant: Pick<MerchantState, 'merchant_id' | 'merchant_name'>,
  work: Work,
  status: 'CANCELLED' | 'SKIPPED' | 'REJECTED' | 'SUPPRESSED',
  reason: string,
  source: SourcePosition,
): void {
  const subject: OutcomeSubject = {
    card_ref: work.card_ref,
    card_version: work.card_version,
    merchant_id: merchant.merchant_id,
    merchant_name: merchant.merchant_name,
    attempt: 0,
    command_id: null,
  }
  draft.emit(status, reason, subject, source, work.origin)
}

/**
 * Behind an attempt that may have reached Knot. A SWITCH that has not started yet is called back; one that Knot has, and of
 * which a RECONCILE found no sign, is waited for no longer.
 */
function queueBehind(draft: DecisionDraft, merchant: MerchantState, open: Attempt, work: Work): void {
  if (merchant.queued !== null) dropWork(draft, merchant, merchant.queued, 'CANCELLED', 'superseded', work.source)
  let attempt = open
  if (open.phase === 'ISSUED' && open.stop === null) {
    attempt = { ...open, stop: { reason: 'superseded', source: work.source } }
    callBack(draft, merchant, open, open.command_id, 'superseded', work)
  }
  const waiting: MerchantState = { ...merchant, attempt, queued: work }
  if (open.reconciled_at === null) draft.putMerchant(waiting)
  else endAttempt(draft, waiting, open, 'NO_RESULT', 'superseded', work.source)
}

/** What is remembered of an attempt that may have reached the merchant; null where it certainly did not. */
export function endedAttempt(attempt: Attempt, status: EndStatus, reason: string): EndedAttempt | null {
  if (status !== 'UPDATED' && status !== 'FAILED' && status !== 'NEEDS_USER_ACTION' && status !== 'NO_RESULT') {
    return null
  }
  if (attempt.started_at === null && (status !== 'NO_RESULT' || attempt.phase !== 'ISSUED')) return null
  return {
    card_ref: attempt.card_ref,
    card_version: attempt.card_version,
    number: attempt.number,
    command_id: attempt.command_id,
    vault_version: attempt.vault_version,
    origin: attempt.origin,
    status,
    reason,
    started_at: attempt.started_at,
  }
}
