import type { DecisionDraft } from './decisionDraft.ts'
import type { OperatorCommand, OutcomeStatus, SourcePosition, UserEvent } from './records.ts'
import { stopWork } from './stops.ts'
import { entryOf, suppress } from './suppressionRules.ts'
import { SUPPRESSION_LIMIT } from './userState.ts'

/**
 * An operator's order about one user: a card or all of them, at a merchant or at all of them. Each has one outcome of its
 * own with the status of its effect and the reason `operator`; `REJECTED` where it has none, or is not built yet.
 */
export function onOperatorCommand(draft: DecisionDraft, { source }: UserEvent, command: OperatorCommand): void {
  switch (command.action) {
    case 'SUPPRESS':
      onSuppress(draft, command, source)
      return
    case 'LIFT':
    case 'CANCEL':
    case 'RETRY':
    case 'FORGET':
    case 'KILL_SWITCH':
      tell(draft, command, 'REJECTED', source)
  }
}

/** Comes into force at once and stops what waits, as an opt_out does. An order whose end has passed has no effect. */
function onSuppress(draft: DecisionDraft, command: OperatorCommand, source: SourcePosition): void {
  const { card_ref, merchant_id, actor, until } = command
  if (until !== null && until <= draft.now) {
    tell(draft, command, 'REJECTED', source)
    return
  }
  const known = entryOf(draft.user, command, 'operator')
  if (known === undefined && draft.user.suppressions.length >= SUPPRESSION_LIMIT) {
    tell(draft, command, 'REJECTED', source, 'limit')
    return
  }
  const since = known?.since ?? draft.past(draft.occurredAt)
  suppress(draft, { card_ref, merchant_id, reason: 'operator', since, until, actor }, source)
  tell(draft, command, 'SUPPRESSED', source)
  stopWork(draft, command, 'operator', source)
}

/** The outcome of the order itself. */
function tell(
  draft: DecisionDraft,
  command: OperatorCommand,
  status: OutcomeStatus,
  source: SourcePosition,
  reason: 'operator' | 'limit' = 'operator',
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
