import { newAttempt } from './attemptParts.ts'
import { attemptSubject, endAttempt } from './attempts.ts'
import type { EndStatus } from './attempts.ts'
import { knowCard } from './cardLimit.ts'
import { hardTimer, softTimer } from './deadlines.ts'
import type { DecisionDraft } from './decisionDraft.ts'
import { newMerchant, TASK_REASON } from './merchantState.ts'
import type { Attempt, MerchantState, Work } from './merchantState.ts'
import type { CommandResult, SourcePosition } from './records.ts'
import { suppressionOf } from './suppressionRules.ts'

/** `reason` of the report that comes before the push of a task: from now on it may have reached Knot. */
export const TASK_STARTED = 'task_started'

/** SWITCHER's report on one task (CardSwitcher flow): DECIDE has written no command for it. */
export function isTaskResult(result: CommandResult): boolean {
  return result.command_kind === 'SWITCH' && result.decision_seq === 0
}

/** SWITCHER's report that the push of a task has ended, and that Knot has the card or may have it. */
export function isLandedTask(result: CommandResult): boolean {
  return isTaskResult(result) && result.reason !== TASK_STARTED && isAccepted(result)
}

/**
 * What SWITCHER reports, in this order: that it starts, then how that ended; or only that nothing was sent. The start
 * opens an attempt, so that a webhook, a look or the hard deadline ends it, also where SWITCHER dies in between. `source`
 * is the AUTHENTICATED webhook.
 */
export function onTaskResult(draft: DecisionDraft, source: SourcePosition, result: CommandResult): void {
  const { merchant_id, card_ref, command_id } = result
  if (merchant_id === null) return
  const merchant = draft.merchant(merchant_id)
  const attempt = merchant?.attempt
  if (result.reason === TASK_STARTED) {
    if (card_ref !== null && draft.hasRoomFor(merchant_id)) {
      openTask(draft, merchant ?? newMerchant(merchant_id, null), card_ref, source, result)
    }
  } else if (merchant !== undefined && attempt?.command_id === command_id) {
    endOfPush(draft, merchant, attempt, source, result)
  } else if (merchant?.last?.command_id === command_id) {
    rememberAccepted(draft, merchant, result)
  } else {
    const { status, reason } = isAccepted(result)
      ? ({ status: 'NO_RESULT', reason: 'under_way' } as const)
      : refusalOf(draft, result)
    const subject = { card_ref, card_version: null, merchant_id, merchant_name: merchant?.merchant_name ?? null }
    draft.emit(status, reason, { ...subject, attempt: 0, command_id }, source, source)
  }
}

/** What waits for this merchant gives way: the user has chosen a card. What may have reached Knot already does not. */
function openTask(
  draft: DecisionDraft,
  known: MerchantState,
  cardRef: string,
  source: SourcePosition,
  result: CommandResult,
): void {
  const open = known.attempt
  if (open !== null) {
    if (open.phase !== 'SCHEDULED' && open.phase !== 'DISCOVERING') return
    endAttempt(draft, known, open, 'CANCELLED', 'superseded', source)
  }
  // The user puts it on file here: no reissue of another card may take its place.
  knowCard(draft, cardRef, source)
  const merchant = open === null ? known : draft.merchant(known.merchant_id)!
  const startedAt = draft.past(result.started_at ?? draft.occurredAt)
  const work: Work = {
    card_ref: cardRef,
    card_version: draft.card(cardRef)?.version ?? 0,
    reason: TASK_REASON,
    vault_version: null,
    source,
    origin: source,
  }
  const attempt: Attempt = {
    ...newAttempt(work, 'SCHEDULED', startedAt + draft.policy.resultHardMs),
    phase: 'AMBIGUOUS',
    command_id: result.command_id,
    started_at: startedAt,
  }
  setDeadlines(draft, merchant, attempt, startedAt)
  draft.putMerchant({ ...merchant, awaiting_relink: null, attempt })
}

function endOfPush(
  draft: DecisionDraft,
  merchant: MerchantState,
  started: Attempt,
  source: SourcePosition,
  result: CommandResult,
): void {
  if (!isAccepted(result)) {
    const { status, reason } = refusalOf(draft, result)
    endAttempt(draft, merchant, started, status, reason, source)
    return
  }
  const answeredAt = draft.past(result.answered_at ?? draft.occurredAt)
  const attempt: Attempt = {
    ...started,
    phase: result.result === 'ACCEPTED' ? 'ACCEPTED' : 'AMBIGUOUS',
    vault_version: result.vault_version,
    hard_at: answeredAt + draft.policy.resultHardMs,
    started_at: result.started_at ?? started.started_at,
  }
  const reason = result.result === 'ACCEPTED' ? 'accepted' : 'ambiguous'
  draft.emit('ACCEPTED', reason, attemptSubject(merchant, attempt), source, attempt.origin)
  setDeadlines(draft, merchant, attempt, answeredAt)
  draft.putMerchant({ ...merchant, attempt, last_accepted_at: answeredAt })
}

function setDeadlines(draft: DecisionDraft, { merchant_id }: MerchantState, attempt: Attempt, sinceMs: number): void {
  draft.timer(softTimer(merchant_id), sinceMs + draft.policy.resultSoftMs)
  draft.timer(hardTimer(merchant_id), attempt.hard_at)
}

/** Knot's webhook was faster than the report. */
function rememberAccepted(draft: DecisionDraft, merchant: MerchantState, result: CommandResult): void {
  if (!isAccepted(result)) return
  const answeredAt = draft.past(result.answered_at ?? draft.occurredAt)
  draft.putMerchant({ ...merchant, last_accepted_at: Math.max(merchant.last_accepted_at ?? 0, answeredAt) })
}

function isAccepted({ result }: CommandResult): boolean {
  return result === 'ACCEPTED' || result === 'AMBIGUOUS'
}

/** The final outcome where Knot certainly has no card. */
function refusalOf(draft: DecisionDraft, result: CommandResult): { status: EndStatus; reason: string } {
  const { reason } = result
  switch (result.result) {
    case 'INVALID_CARD':
      return { status: 'REJECTED', reason: 'invalid_card_data' }
    case 'REJECTED':
      if (reason === 'not_linked') return { status: 'SKIPPED', reason }
      if (reason === 'relink') return { status: 'NEEDS_USER_ACTION', reason }
      if (reason === 'invalid_field' || reason === 'invalid_jwe') return { status: 'REJECTED', reason }
      return { status: 'REJECTED', reason: 'unknown_error' }
    case 'NOT_SENT':
      if (reason === 'card_unknown' || reason === 'inactive_card' || reason === 'unsupported_region') {
        return { status: 'SKIPPED', reason }
      }
      if (reason === 'suppressed') return { status: 'SUPPRESSED', reason: suppressedBy(draft, result) }
      return { status: 'CANCELLED', reason: 'window_missed' }
    default:
      return { status: 'CANCELLED', reason: 'window_missed' }
  }
}

/** `operator` where it has been lifted since. */
function suppressedBy(draft: DecisionDraft, { card_ref, merchant_id }: CommandResult): string {
  const suppression =
    card_ref === null || merchant_id === null ? undefined : suppressionOf(draft.user, card_ref, merchant_id, draft.now)
  return suppression?.reason ?? 'operator'
}
