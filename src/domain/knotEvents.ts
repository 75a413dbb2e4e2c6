import { judgeCardResult } from './cardResults.ts'
import type { DecisionDraft } from './decisionDraft.ts'
import { recall, remember } from './memory.ts'
import { newMerchant } from './merchantState.ts'
import type { MerchantState } from './merchantState.ts'
import type { KnotEvent, OutcomeStatus, SourcePosition, UserEvent } from './records.ts'
import { restartRelinked } from './rediscovery.ts'

/** A webhook of Knot. Kinds without a row in contract.md 2 are ignored; so is CARD_UPDATING without an attempt. */
export function onKnotEvent(draft: DecisionDraft, { source }: UserEvent, event: KnotEvent): void {
  switch (event.event) {
    case 'CARD_UPDATING':
    case 'CARD_UPDATED':
    case 'CARD_FAILED': {
      if (isRepeated(draft, event, source)) return
      const { event: kind, card_id, reason, timestamp } = event
      judgeCardResult(draft, event, { event: kind, card_id, reason, timestamp, source })
      return
    }
    case 'AUTHENTICATED':
      if (!isRepeated(draft, event, source)) onAuthenticated(draft, event, source)
      return
    case 'ACCOUNT_LOGIN_REQUIRED':
      if (!isRepeated(draft, event, source)) onLoginRequired(draft, event, source)
      return
    default:
      draft.ignored.push(event.event)
  }
}

/** Knot delivers a webhook up to three times. The first time it is remembered. */
function isRepeated(draft: DecisionDraft, event: KnotEvent, source: SourcePosition): boolean {
  if (recall(draft.user.webhooks, event.dedupe_key) !== undefined) {
    tell(draft, event, 'SKIPPED', 'duplicate', source)
    return true
  }
  draft.putWebhooks(remember(draft.user.webhooks, event.dedupe_key, 0, draft.now))
  return false
}

/** The user has logged in at the merchant. With `send_card` the link itself sends the card, and nothing is started here. */
function onAuthenticated(draft: DecisionDraft, event: KnotEvent, source: SourcePosition): void {
  tell(draft, event, 'SKIPPED', 'relinked', source)
  const merchant = event.merchant_id === null ? undefined : draft.merchant(event.merchant_id)
  if (merchant === undefined || isOvertaken(merchant, event)) return
  const linked: MerchantState = { ...merchant, needs_relink: false, link_changed_at: event.timestamp }
  draft.putMerchant(linked)
  if (event.send_card !== true) restartRelinked(draft, linked, source)
}

/** Knot has lost the login. */
function onLoginRequired(draft: DecisionDraft, event: KnotEvent, source: SourcePosition): void {
  tell(draft, event, 'NEEDS_USER_ACTION', 'relink', source)
  if (event.merchant_id === null || !draft.hasRoomFor(event.merchant_id)) return
  const merchant = draft.merchant(event.merchant_id) ?? newMerchant(event.merchant_id, event.merchant_name)
  if (isOvertaken(merchant, event)) return
  draft.putMerchant({ ...merchant, needs_relink: true, link_changed_at: event.timestamp })
}

function isOvertaken({ link_changed_at }: MerchantState, { timestamp }: KnotEvent): boolean {
  return link_changed_at !== null && timestamp < link_changed_at
}

/** The outcome of a webhook that is about the account, not about an attempt: its origin is itself. */
function tell(
  draft: DecisionDraft,
  event: KnotEvent,
  status: OutcomeStatus,
  reason: string,
  source: SourcePosition,
): void {
  const subject = {
    card_ref: null,
    card_version: null,
    merchant_id: event.merchant_id,
    merchant_name: event.merchant_name,
    attempt: 0,
    command_id: null,
  }
  draft.emit(status, reason, subject, source, source)
}
