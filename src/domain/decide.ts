import { endAttempt, resumeAttempt } from './attempts.ts'
import { timerOf } from './deadlines.ts'
import type { Decision, StateView } from './decision.ts'
import { DecisionDraft } from './decisionDraft.ts'
import { onCardDiscovered, onVaultTimer } from './discovery.ts'
import { onKnotEvent } from './knotEvents.ts'
import { onLifecycle } from './lifecycle.ts'
import { onOperatorCommand, onOrderEnd } from './operatorCommands.ts'
import { onForgottenUser } from './operatorForget.ts'
import type { Policy } from './policy.ts'
import { onReconciled } from './reconcile.ts'
import { askForResult } from './reconcileCommands.ts'
import type { CommandResult, UserEvent } from './records.ts'
import { onMerchantDiscovered } from './rediscovery.ts'
import { onCancelled, onSwitchResult } from './switchResults.ts'
import { isTaskResult, onTaskResult } from './taskResults.ts'

/**
 * What follows from one record of `onfile-user-events` (design.md 4). Pure: the same history at the same times gives the
 * same decisions, ids included. The decision is valid for the state that `view` shows now; nothing of it is applied here.
 *
 * @param now wall clock, milliseconds
 */
export function decide(view: StateView, event: UserEvent, now: number, policy: Policy): Decision {
  const draft = new DecisionDraft(view, event.user_id, event.occurred_at, now, policy)
  const { body } = event
  if (draft.isForgotten) {
    onForgottenUser(draft, event)
    return draft
  }
  switch (body.kind) {
    case 'lifecycle':
      onLifecycle(draft, event, body)
      break
    case 'knot':
      onKnotEvent(draft, event, body)
      break
    case 'result':
      onResult(draft, event, body)
      break
    case 'operator':
      onOperatorCommand(draft, event, body)
  }
  return draft
}

/**
 * What follows from a timer that is due (`deadlines.ts`). One that its attempt has outlived decides nothing.
 *
 * @param name the timer's name, as a decision of this user gave it
 */
export function decideTimer(view: StateView, userId: string, name: string, now: number, policy: Policy): Decision {
  const draft = new DecisionDraft(view, userId, now, now, policy)
  const timer = timerOf(name)
  if (timer === undefined) return draft
  if (timer.kind === 'vault') {
    onVaultTimer(draft, timer.cardRef)
    return draft
  }
  if (timer.kind === 'until') {
    onOrderEnd(draft, timer)
    return draft
  }
  const merchant = draft.merchant(timer.merchantId)
  const attempt = merchant?.attempt
  if (merchant === undefined || !attempt) return draft
  switch (timer.kind) {
    case 'switch':
      if (attempt.phase === 'SCHEDULED') resumeAttempt(draft, merchant, attempt)
      break
    case 'hard':
      if (attempt.hard_at <= now) endAttempt(draft, merchant, attempt, 'NO_RESULT', 'no_result', attempt.source)
      break
    case 'soft':
      askForResult(draft, merchant, attempt)
  }
  return draft
}

/** What PROVISION and SWITCHER report. An answer to a command that nobody waits for any more decides nothing. */
function onResult(draft: DecisionDraft, { source }: UserEvent, result: CommandResult): void {
  switch (result.command_kind) {
    case 'DISCOVER':
      if (result.merchant_id === null) onCardDiscovered(draft, result)
      else onMerchantDiscovered(draft, result)
      return
    case 'SWITCH':
      if (isTaskResult(result)) onTaskResult(draft, source, result)
      else onSwitchResult(draft, result)
      return
    case 'CANCEL':
      onCancelled(draft, result)
      return
    case 'RECONCILE':
      onReconciled(draft, result)
  }
}
