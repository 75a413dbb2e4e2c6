import { endAttempt } from './attempts.ts'
import { NO_SUBJECT } from './decisionDraft.ts'
import type { DecisionDraft } from './decisionDraft.ts'
import { orderIdentity, suppressionKey } from './ids.ts'
import { remember } from './memory.ts'
import { lacksProof } from './operatorProof.ts'
import type { OperatorCommand, OutcomeStatus, SourcePosition, UserEvent } from './records.ts'
import { stopWork } from './stops.ts'
import { isLandedTask } from './taskResults.ts'

/** Webhooks that always have an outcome (contract.md 2). The others concern no card switch, or no attempt. */
const EXPLAINED: ReadonlySet<string> = new Set([
  'CARD_UPDATED',
  'CARD_FAILED',
  'AUTHENTICATED',
  'ACCOUNT_LOGIN_REQUIRED',
])

const WHOLE_USER = { card_ref: null, merchant_id: null }

/**
 * FORGET: the user's request for erasure. What waits is stopped and what is out is called back, as by a CANCEL; an
 * attempt that may have reached Knot ends without a result, because nobody will follow it. Then everything that is known
 * of the user goes: state, timers, and the records in `card-suppressions` (tombstones; nothing is lifted, the user is
 * gone). Erasure is about the whole user: an order for one card or merchant has no effect.
 *
 * What stays, under a pseudonym and without anything about cards or merchants, is that the user was forgotten, when, and
 * the count of decisions. Without it a late webhook or event would bring the user back: a card would be pushed that its
 * holder wanted forgotten, an opt-out would be forgotten and not the user, and ids of public records would be given twice.
 */
export function onForget(draft: DecisionDraft, command: OperatorCommand, source: SourcePosition): void {
  if (command.card_ref !== null || command.merchant_id !== null) {
    const { card_ref, merchant_id } = command
    draft.emit('REJECTED', 'operator', { ...NO_SUBJECT, card_ref, merchant_id }, source, source)
    return
  }
  tell(draft, 'SUPPRESSED', 'forgotten', source)
  stopWork(draft, WHOLE_USER, 'operator', source)
  for (const merchantId of draft.user.merchants) {
    const merchant = draft.merchant(merchantId)
    if (merchant?.attempt) endAttempt(draft, merchant, merchant.attempt, 'NO_RESULT', 'forgotten', source)
  }
  for (const key of new Set(draft.user.suppressions.map(entry => keyOf(draft, entry.card_ref, entry.merchant_id)))) {
    draft.suppressions.push({ key, record: null })
  }
  draft.forget()
}

/**
 * Whatever comes for a user who was erased. It is explained by its position alone, and changes nothing. Only a LIFT for
 * the whole user ends that: the user begins anew, with nothing of what was before but that order itself, to know it again.
 */
export function onForgottenUser(draft: DecisionDraft, { source, body }: UserEvent): void {
  switch (body.kind) {
    case 'lifecycle':
      tell(draft, 'SKIPPED', 'forgotten', source)
      return
    case 'knot':
      if (EXPLAINED.has(body.event)) tell(draft, 'SKIPPED', 'forgotten', source)
      else draft.ignored.push(body.event)
      return
    case 'result':
      // Of a command that was out when the user was erased: nobody waits for it. A task is no command of ours: whoever links
      // anew asks Knot for the card, SWITCHER knows of no erasure, and what then has left the house is told, without a card.
      if (isLandedTask(body)) tell(draft, 'NO_RESULT', 'forgotten', source)
      return
    case 'operator':
      onOrder(draft, body, source)
  }
}

function onOrder(draft: DecisionDraft, command: OperatorCommand, source: SourcePosition): void {
  const { action, card_ref, merchant_id, request_id } = command
  const isAboutUser = card_ref === null && merchant_id === null
  if (lacksProof(command)) {
    tell(draft, 'REJECTED', 'operator', source)
  } else if (action === 'FORGET' && isAboutUser) {
    tell(draft, 'SUPPRESSED', 'forgotten', source)
  } else if (action === 'LIFT' && isAboutUser) {
    tell(draft, 'SKIPPED', 'operator', source)
    draft.beginAnew()
    if (request_id !== '') draft.putEvents(remember([], orderIdentity(request_id), 0, draft.now))
  } else {
    tell(draft, 'REJECTED', 'forgotten', source)
  }
}

function keyOf(draft: DecisionDraft, cardRef: string | null, merchantId: number | null): string {
  return suppressionKey(draft.userId, cardRef, merchantId)
}

function tell(
  draft: DecisionDraft,
  status: OutcomeStatus,
  reason: 'forgotten' | 'operator',
  source: SourcePosition,
): void {
  draft.emit(status, reason, NO_SUBJECT, source, source)
}
