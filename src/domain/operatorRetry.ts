import { newAttempt } from './attemptParts.ts'
import { gapEnd, resumeAttempt, scheduleAttempt } from './attempts.ts'
import { switchTimer } from './deadlines.ts'
import { NO_SUBJECT } from './decisionDraft.ts'
import type { DecisionDraft } from './decisionDraft.ts'
import { lookNow, startDiscovery } from './discovery.ts'
import { discoverMerchant } from './merchantDiscover.ts'
import type { Attempt, MerchantState, Work } from './merchantState.ts'
import type { OperatorCommand, SourcePosition } from './records.ts'
import { isSameVersion, MAX_ATTEMPTS, nextTry, RETRY, UNDER_WAY } from './repeats.ts'
import { isLive, suppressionOf } from './suppressionRules.ts'
import type { CardState } from './userState.ts'

/** One thing that an order starts, not started yet: its own outcome comes first. */
type Step = () => void

/**
 * RETRY: the current version of a card once more, now. At a merchant: a new attempt there, which begins with a look. At
 * all of them: a new search for the card's merchants. A retry that waits for its time goes on at once. Nothing that is
 * suppressed is pushed, no attempt is begun beside an open one, none above the third of a version, none within the gap.
 */
export function onRetry(draft: DecisionDraft, command: OperatorCommand, source: SourcePosition): void {
  const steps =
    command.merchant_id === null
      ? stepsOfCards(draft, command.card_ref, source)
      : stepsAt(draft, draft.merchant(command.merchant_id), command.card_ref, source)
  const { card_ref, merchant_id } = command
  const subject = { ...NO_SUBJECT, card_ref, merchant_id }
  if (steps.length === 0) {
    draft.emit('REJECTED', 'operator', subject, source, source)
    return
  }
  const details = { nextAttemptAt: draft.now, rawReason: null, occurredAt: null }
  draft.emit('RETRY_SCHEDULED', 'operator', subject, source, source, details)
  for (const step of steps) step()
}

function stepsOfCards(draft: DecisionDraft, cardRef: string | null, source: SourcePosition): Step[] {
  const steps: Step[] = []
  for (const card of draft.user.cards) {
    if (cardRef !== null && card.card_ref !== cardRef) continue
    if (!mayBePushed(draft, card, null)) continue
    for (const merchantId of draft.user.merchants) {
      const hurry = hurryStep(draft, draft.merchant(merchantId), card)
      if (hurry !== null) steps.push(hurry)
    }
    if (card.discovery === null) steps.push(() => startDiscovery(draft, card, RETRY, source, null))
    else if (card.discovery.command_id === null) steps.push(() => lookNow(draft, card.card_ref))
  }
  return steps
}

function stepsAt(
  draft: DecisionDraft,
  merchant: MerchantState | undefined,
  cardRef: string | null,
  source: SourcePosition,
): Step[] {
  const card = merchant === undefined ? undefined : draft.card(cardRef ?? cardAt(merchant) ?? '')
  if (merchant === undefined || card === undefined || !mayBePushed(draft, card, merchant.merchant_id)) return []
  if (merchant.attempt !== null) {
    const hurry = hurryStep(draft, merchant, card)
    return hurry === null ? [] : [hurry, () => tellUnderWay(draft, merchant, card, source)]
  }
  const attempt = retryAttempt(draft, merchant, card, source)
  if (card.discovery !== null || attempt.number > MAX_ATTEMPTS) return []
  return [() => discoverMerchant(draft, merchant, attempt)]
}

/** The card that an order for a merchant is about where it names none: the last one that there was something with. */
function cardAt({ attempt, awaiting_relink, last, holder }: MerchantState): string | undefined {
  return (attempt ?? awaiting_relink ?? last ?? holder)?.card_ref
}

function mayBePushed(draft: DecisionDraft, card: CardState, merchantId: number | null): boolean {
  if (card.version === 0 || !isLive(draft.user, card.card_ref)) return false
  return suppressionOf(draft.user, card.card_ref, merchantId, draft.now) === undefined
}

/** An attempt of the current version that waits for a later time than it must; null where there is none. */
function hurryStep(draft: DecisionDraft, merchant: MerchantState | undefined, card: CardState): Step | null {
  const attempt = merchant?.attempt
  if (merchant === undefined || attempt?.phase !== 'SCHEDULED') return null
  if (!isSameVersion(attempt, { card_ref: card.card_ref, card_version: card.version })) return null
  if (suppressionOf(draft.user, card.card_ref, merchant.merchant_id, draft.now) !== undefined) return null
  const dueAtMs = Math.max(draft.now, gapEnd(draft, merchant))
  if (attempt.next_at === null || dueAtMs >= attempt.next_at) return null
  return dueAtMs <= draft.now
    ? () => resumeNow(draft, merchant, attempt)
    : () => scheduleAttempt(draft, merchant, attempt, dueAtMs, 'min_gap')
}

function resumeNow(draft: DecisionDraft, merchant: MerchantState, attempt: Attempt): void {
  draft.timer(switchTimer(merchant.merchant_id), null)
  resumeAttempt(draft, merchant, attempt)
}

/** The attempt goes on under its own origin; the order's has this. */
function tellUnderWay(draft: DecisionDraft, merchant: MerchantState, card: CardState, source: SourcePosition): void {
  const { merchant_id, merchant_name } = merchant
  const subject = { ...NO_SUBJECT, card_ref: card.card_ref, card_version: card.version, merchant_id, merchant_name }
  draft.emit(UNDER_WAY.status, UNDER_WAY.reason, subject, source, source)
}

function retryAttempt(draft: DecisionDraft, merchant: MerchantState, card: CardState, source: SourcePosition): Attempt {
  const work: Work = {
    card_ref: card.card_ref,
    card_version: card.version,
    reason: RETRY,
    vault_version: null,
    source,
    origin: source,
  }
  const hardAtMs = draft.now + draft.policy.resultHardMs
  return newAttempt(work, 'DISCOVERING', hardAtMs, nextTry(merchant, work))
}
