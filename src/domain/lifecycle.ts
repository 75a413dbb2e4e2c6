import { evictCard, hasRoomForCard } from './cardLimit.ts'
import type { DecisionDraft, OutcomeSubject } from './decisionDraft.ts'
import { endDiscovery, startDiscovery } from './discovery.ts'
import { isStale, laterStamp, lifecycleType, stampOf } from './eventOrder.ts'
import type { LifecycleType } from './eventOrder.ts'
import { eventIdentity } from './ids.ts'
import { fingerprint, recall, remember } from './memory.ts'
import type { Lifecycle, OutcomeStatus, SourcePosition, UserEvent } from './records.ts'
import { stopCard } from './stops.ts'
import { liftCard, suppressCard, suppressionOf } from './suppressionRules.ts'
import { newCard } from './userState.ts'
import type { CardState, EventStamp } from './userState.ts'

/** An account-updater event, judged in the order of contract.md 2: duplicate, uid conflict, stale, suppression, hold, vault. */
export function onLifecycle(draft: DecisionDraft, { source }: UserEvent, event: Lifecycle): void {
  const identity = eventIdentity(event.event_uid, source)
  const print = fingerprint(event)
  const seen = recall(draft.user.events, identity)
  if (seen !== undefined) {
    if (seen.print === print) tell(draft, event, 'SKIPPED', 'duplicate', source)
    else tell(draft, event, 'REJECTED', 'uid_conflict', source)
    return
  }
  draft.putEvents(remember(draft.user.events, identity, print, draft.now))
  const type = lifecycleType(event)
  const known = draft.card(event.card_ref)
  if (known === undefined && !makeRoom(draft, type, source)) {
    tell(draft, event, 'REJECTED', 'limit', source)
    return
  }
  const card = known ?? newCard(event.card_ref)
  const stamp = stampOf(type, event.updated_at, identity)
  if (isOvertaken(card, type, stamp)) {
    tell(draft, event, 'SKIPPED', 'stale', source)
    return
  }
  const current = applied(card, type, stamp)
  if (type === 'updated' || type === 'expired') {
    onTrigger(draft, event, current, source)
    return
  }
  draft.putCard(current)
  switch (type) {
    case 'closed':
    case 'opt_out':
      suppressCard(draft, event.card_ref, type, event.updated_at, source)
      tell(draft, event, 'SUPPRESSED', type, source)
      stopCard(draft, event.card_ref, type, source)
      return
    case 'contact_cardholder_advice':
      suppressCard(draft, event.card_ref, 'contact_cardholder', event.updated_at, source)
      tell(draft, event, 'HELD', 'contact_cardholder', source)
      stopCard(draft, event.card_ref, 'contact_cardholder', source)
      return
    case 'enrolled':
    case 'unknown':
    case 'no_participating':
    case 'unknown_type':
      tell(draft, event, 'SKIPPED', type, source)
  }
}

/**
 * A new version of the card. A hold ends with it. An opt_out or an operator's order stands; a card that is only closed is
 * looked up, because the vault may know that it lives again.
 */
function onTrigger(draft: DecisionDraft, event: Lifecycle, before: CardState, source: SourcePosition): void {
  if (before.discovery !== null) endDiscovery(draft, before, before.discovery, 'CANCELLED', 'superseded', source)
  const card: CardState = { ...before, version: before.version + 1, discovery: null }
  liftCard(draft, card.card_ref, 'contact_cardholder', 'newer_card_event', source)
  const suppression = suppressionOf(draft.user, card.card_ref, null, draft.now)
  if (suppression === undefined || suppression.reason === 'closed') {
    startDiscovery(draft, card, event.type, source)
  } else {
    draft.putCard(card)
    tell(draft, event, 'SUPPRESSED', suppression.reason, source, card.version)
  }
}

/** Stale; of an opt_out only when an operator has lifted a newer one. */
function isOvertaken(card: CardState, type: LifecycleType, stamp: EventStamp): boolean {
  if (type !== 'opt_out') return isStale(card, type, stamp)
  return card.opt_out_lifted_at !== null && stamp.updated_at <= card.opt_out_lifted_at
}

function applied(card: CardState, type: LifecycleType, stamp: EventStamp): CardState {
  if (type === 'unknown_type') return card
  const renews = type === 'updated' || type === 'expired' || type === 'closed'
  return {
    ...card,
    applied: laterStamp(card.applied, stamp),
    renewed_at: renews ? Math.max(card.renewed_at ?? stamp.updated_at, stamp.updated_at) : card.renewed_at,
  }
}

/** False where there is no room for one more card. A stop is never turned away. */
function makeRoom(draft: DecisionDraft, type: LifecycleType, source: SourcePosition): boolean {
  if (hasRoomForCard(draft)) return true
  if (type !== 'closed' && type !== 'opt_out') return false
  evictCard(draft, source)
  return true
}

/** The outcome of the event itself. */
function tell(
  draft: DecisionDraft,
  event: Lifecycle,
  status: OutcomeStatus,
  reason: string,
  source: SourcePosition,
  cardVersion: number | null = null,
): void {
  const subject: OutcomeSubject = {
    card_ref: event.card_ref,
    card_version: cardVersion,
    merchant_id: null,
    merchant_name: null,
    attempt: 0,
    command_id: null,
  }
  draft.emit(status, reason, subject, source, source)
}
