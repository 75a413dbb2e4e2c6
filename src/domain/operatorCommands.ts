import { orderEndTimer } from './deadlines.ts'
import type { OrderEnd } from './deadlines.ts'
import type { DecisionDraft } from './decisionDraft.ts'
import { orderIdentity } from './ids.ts'
import { recall, remember } from './memory.ts'
import { onForget } from './operatorForget.ts'
import { actorOf, isRefusedUnproven, lacksProof, shortens } from './operatorProof.ts'
import { onRetry } from './operatorRetry.ts'
import type { OperatorCommand, OutcomeStatus, SourcePosition, UserEvent } from './records.ts'
import { stopWork } from './stops.ts'
import { entryOf, lift, liftAll, suppress } from './suppressionRules.ts'
import { SUPPRESSION_LIMIT } from './userState.ts'

/** `print` of an order that had no effect. Other orders have 0. */
const REFUSED = 1

/**
 * An operator's order about one user: a card or all of them, at a merchant or at all of them. Each has one outcome of its
 * own with the status of its effect and the reason `operator`; `REJECTED` where it has none, lacks what it needs, or is not
 * known here. A second one with the same `request_id` is the same order, written again by somebody who had no answer: it
 * changes nothing, and is told as what the first one was, done or refused.
 */
export function onOperatorCommand(draft: DecisionDraft, { source }: UserEvent, command: OperatorCommand): void {
  const { request_id } = command
  const identity = orderIdentity(request_id)
  const first = request_id === '' ? undefined : recall(draft.user.events, identity)
  if (first !== undefined) {
    tell(draft, command, first.print === REFUSED ? 'REJECTED' : 'SKIPPED', source, 'duplicate')
    return
  }
  carryOut(draft, command, source)
  // Of an erased user nothing is kept. Memory: among the events, as long as those, and as many.
  if (request_id === '' || draft.isForgotten) return
  const isRefused = draft.outcomes.some(({ status, origin }) => status === 'REJECTED' && origin === source)
  if (isRefused && isRefusedUnproven(command)) return
  draft.putEvents(remember(draft.user.events, identity, isRefused ? REFUSED : 0, draft.now))
}

function carryOut(draft: DecisionDraft, command: OperatorCommand, source: SourcePosition): void {
  if (lacksProof(command)) {
    tell(draft, command, 'REJECTED', source)
    return
  }
  switch (command.action) {
    case 'SUPPRESS':
      onSuppress(draft, command, source)
      return
    case 'LIFT':
      onLift(draft, command, source)
      return
    case 'CANCEL':
      onCancel(draft, command, source)
      return
    case 'FORGET':
      onForget(draft, command, source)
      return
    case 'RETRY':
      onRetry(draft, command, source)
      return
    case 'KILL_SWITCH':
    default:
      // An order of a newer release reads as UNKNOWN: it must not go without an answer.
      tell(draft, command, 'REJECTED', source)
  }
}

/**
 * The timer of an order's end (`deadlines.ts`). Orders may have been lifted or replaced meanwhile: only one whose time is
 * over ends, and its record names the order that set the timer.
 */
export function onOrderEnd(draft: DecisionDraft, { scope, source }: OrderEnd): void {
  const until = entryOf(draft.user, scope, 'operator')?.until
  if (until != null && until <= draft.now) lift(draft, scope, 'operator', 'expired', source)
}

/** Comes into force at once and stops what waits, as an opt_out does. An order whose end has passed has no effect. */
function onSuppress(draft: DecisionDraft, command: OperatorCommand, source: SourcePosition): void {
  const { card_ref, merchant_id, until } = command
  const actor = actorOf(command)
  const known = entryOf(draft.user, command, 'operator')
  if ((until !== null && until <= draft.now) || shortens(command, known)) {
    tell(draft, command, 'REJECTED', source)
    return
  }
  if (known === undefined && draft.user.suppressions.length >= SUPPRESSION_LIMIT) {
    tell(draft, command, 'REJECTED', source, 'limit')
    return
  }
  const since = known?.since ?? draft.past(draft.occurredAt)
  suppress(draft, { card_ref, merchant_id, reason: 'operator', since, until, actor }, source)
  if (until !== null) draft.timer(orderEndTimer({ scope: { card_ref, merchant_id }, source }), until)
  tell(draft, command, 'SUPPRESSED', source)
  stopWork(draft, command, 'operator', source)
}

/**
 * Ends every reason that is in force for exactly this scope, also an opt_out; a wider or narrower one stays. `SKIPPED`,
 * because nothing is pushed by it: the next trigger is. Knows an opt_out that is not newer than this as stale from now on.
 */
function onLift(draft: DecisionDraft, command: OperatorCommand, source: SourcePosition): void {
  const lifted = liftAll(draft, command, command.actor, source)
  for (const { card_ref, reason, since } of lifted) {
    const card = card_ref === null || reason !== 'opt_out' ? undefined : draft.card(card_ref)
    if (card === undefined) continue
    const liftedAt = Math.max(card.opt_out_lifted_at ?? 0, since, draft.past(draft.occurredAt))
    draft.putCard({ ...card, opt_out_lifted_at: liftedAt })
  }
  tell(draft, command, lifted.length === 0 ? 'REJECTED' : 'SKIPPED', source)
}

/** Stops what waits and leaves the future alone: the next trigger goes its usual way. */
function onCancel(draft: DecisionDraft, command: OperatorCommand, source: SourcePosition): void {
  tell(draft, command, stopWork(draft, command, 'operator', source) ? 'CANCELLED' : 'REJECTED', source)
}

/** The outcome of the order itself. */
function tell(
  draft: DecisionDraft,
  command: OperatorCommand,
  status: OutcomeStatus,
  source: SourcePosition,
  reason: 'operator' | 'limit' | 'duplicate' = 'operator',
): void {
  const subject = {
    card_ref: command.card_ref,
    card_version: null,
    merchant_id: command.merchant_id,
    merchant_name: null,
    attempt: 0,
    command_id: null,
  }
  draft.emit(status, reason, subject, source, source)
}
