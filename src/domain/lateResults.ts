import { callBack, CONFIRMED } from './callBack.ts'
import type { DecisionDraft, OutcomeDetails, OutcomeSubject } from './decisionDraft.ts'
import { hardTimer, switchTimer } from './deadlines.ts'
import { laterHolder, obstacleOf } from './holders.ts'
import { newMerchant } from './merchantState.ts'
import type { Attempt, EndedAttempt, Holder, KeptWebhook, MerchantState } from './merchantState.ts'
import { failureOf } from './reasons.ts'
import type { SourcePosition } from './records.ts'
import { isSameVersion } from './repeats.ts'
import { isLive } from './suppressionRules.ts'

/** Knot's clock may be behind ours by so much when a result is measured against the start of an attempt. */
export const RESULT_SKEW_MS = 2_000

/** Which merchant a webhook names. */
export type NamedMerchant = Pick<MerchantState, 'merchant_name'> & { readonly merchant_id: number | null }

/**
 * A webhook that is not of the open attempt: it corrects or contradicts the last one, or somebody else pushed (the user
 * in Knot's SDK). Success wins over a contradicting failure. What changes nothing has itself as origin, so that it never
 * hides a result.
 */
export function resolveLate(draft: DecisionDraft, named: NamedMerchant, webhook: KeptWebhook): void {
  if (webhook.event === 'CARD_UPDATING') {
    draft.ignored.push(webhook.event)
    return
  }
  const merchant = named.merchant_id === null ? undefined : draft.merchant(named.merchant_id)
  const last = merchant?.last ?? null
  if (merchant !== undefined && last !== null && belongsTo(draft, last, webhook.timestamp)) {
    if (webhook.event === 'CARD_UPDATED') {
      if (last.status !== 'UPDATED' && !isOfAnotherCard(draft, last, webhook)) {
        return correct(draft, merchant, last, webhook)
      }
      if (last.reason === 'reconciled') return changeNothing(draft, merchant, last, 'duplicate', webhook)
    } else {
      if (last.status === 'UPDATED') return changeNothing(draft, merchant, last, 'contradicts_success', webhook)
      if (last.status === 'NO_RESULT') return failLate(draft, merchant, last, webhook)
    }
  }
  external(draft, named, merchant, webhook)
}

/** A result is the attempt's if it is not older than its start; a contradiction must come within the hard deadline. */
function belongsTo({ policy }: DecisionDraft, last: EndedAttempt, timestamp: number): boolean {
  if (last.started_at === null || timestamp < last.started_at - RESULT_SKEW_MS) return false
  return last.status === 'NO_RESULT' || timestamp <= last.started_at + policy.resultHardMs
}

/**
 * Knot has told the failure already, and now another live card of the user: the user has chosen it in Knot's SDK. Where
 * nothing was told yet the name says nothing: Knot may name the card of the session in which the account was linked.
 */
function isOfAnotherCard(
  { user }: DecisionDraft,
  { status, card_ref }: EndedAttempt,
  { card_id }: KeptWebhook,
): boolean {
  return status !== 'NO_RESULT' && card_id !== null && card_id !== card_ref && isLive(user, card_id)
}

function correct(draft: DecisionDraft, merchant: MerchantState, last: EndedAttempt, webhook: KeptWebhook): void {
  const subject = lastSubject(merchant, last)
  draft.emit('UPDATED', 'corrected', subject, webhook.source, last.origin, detailsOf(webhook, null))
  draft.putMerchant({
    ...merchant,
    attempt: withoutRetryOf(draft, merchant, last, webhook.source),
    last: { ...last, status: 'UPDATED', reason: 'corrected' },
    holder: laterHolder(merchant.holder, last.card_ref, last.vault_version, webhook.timestamp),
    awaiting_relink: null,
  })
}

/**
 * The open attempt, unless it is of the version that has succeeded after all, a retry or one that the user has made begin
 * anew: that one is needless. What waits is dropped; a SWITCH is called back, and if it was too late for that, its own
 * result is told. A retry of our own does that under the webhook as its origin, so that it never hides the success; that of
 * an operator or of a login has an origin that hides nothing.
 */
function withoutRetryOf(
  draft: DecisionDraft,
  merchant: MerchantState,
  last: EndedAttempt,
  source: SourcePosition,
): Attempt | null {
  const { attempt, merchant_id } = merchant
  if (attempt === null || !isSameVersion(attempt, last)) return attempt
  const isOwn = isSamePosition(attempt.origin, last.origin)
  if (attempt.phase === 'SCHEDULED' || attempt.phase === 'DISCOVERING') {
    draft.timer(hardTimer(merchant_id), null)
    if (attempt.phase === 'SCHEDULED') draft.timer(switchTimer(merchant_id), null)
    if (!isOwn) draft.emit('CANCELLED', 'corrected', lastSubject(merchant, attempt), source, attempt.origin)
    return null
  }
  if (attempt.phase === 'ISSUED' && attempt.stop === null) {
    callBack(draft, merchant, attempt, attempt.command_id, 'corrected', { source, origin: source })
  }
  const stopped: Attempt = { ...attempt, stop: attempt.stop ?? { reason: 'corrected', source } }
  return isOwn ? { ...stopped, source, origin: source } : stopped
}

/** After NO_RESULT a failure is told, but nothing is tried again. */
function failLate(draft: DecisionDraft, merchant: MerchantState, last: EndedAttempt, webhook: KeptWebhook): void {
  const { code, rawReason } = failureOf(draft.policy.reasons, webhook.reason)
  const subject = lastSubject(merchant, last)
  draft.emit('FAILED', code, subject, webhook.source, last.origin, detailsOf(webhook, rawReason))
  draft.putMerchant({ ...merchant, last: { ...last, status: 'FAILED', reason: code } })
}

function changeNothing(
  draft: DecisionDraft,
  merchant: MerchantState,
  last: EndedAttempt,
  reason: 'duplicate' | 'contradicts_success',
  webhook: KeptWebhook,
): void {
  const subject = lastSubject(merchant, last)
  draft.emit('SKIPPED', reason, subject, webhook.source, webhook.source, detailsOf(webhook, null))
}

/**
 * Without an attempt. A card that it names and that we know is what the merchant holds from now on; after one that we do
 * not know nobody knows what it holds.
 */
function external(
  draft: DecisionDraft,
  named: NamedMerchant,
  merchant: MerchantState | undefined,
  webhook: KeptWebhook,
): void {
  const cardRef = webhook.card_id !== null && draft.card(webhook.card_id) !== undefined ? webhook.card_id : null
  const subject: OutcomeSubject = {
    card_ref: cardRef,
    card_version: null,
    merchant_id: named.merchant_id,
    merchant_name: named.merchant_name,
    attempt: 0,
    command_id: null,
  }
  const { source } = webhook
  if (webhook.event === 'CARD_FAILED') {
    const { code, rawReason } = failureOf(draft.policy.reasons, webhook.reason)
    draft.emit('EXTERNAL', code, subject, source, source, detailsOf(webhook, rawReason))
    return
  }
  draft.emit('EXTERNAL', 'updated', subject, source, source, detailsOf(webhook, null))
  if (named.merchant_id === null || (cardRef === null && merchant === undefined)) return
  if (!draft.hasRoomFor(named.merchant_id)) return
  const state = merchant ?? newMerchant(named.merchant_id, named.merchant_name)
  const changed = { ...state, holder: holderAfter(state.holder, webhook, cardRef), awaiting_relink: null }
  draft.putMerchant(changed)
  callBackOvertaken(draft, changed, source)
}

/** A SWITCH that is out and would take the place of the card that the merchant holds by now gets a second look. */
function callBackOvertaken(draft: DecisionDraft, merchant: MerchantState, source: SourcePosition): void {
  const { attempt } = merchant
  if (attempt?.phase !== 'ISSUED' || attempt.stop !== null) return
  if (obstacleOf(draft.user, attempt.card_ref, merchant, draft.policy) === null) return
  callBack(draft, merchant, attempt, attempt.command_id, CONFIRMED, { source, origin: source })
}

function holderAfter(
  holder: Holder | null,
  { card_id, timestamp }: KeptWebhook,
  cardRef: string | null,
): Holder | null {
  if (cardRef !== null) return laterHolder(holder, cardRef, null, timestamp)
  return card_id === null || card_id === '' || (holder !== null && holder.since > timestamp) ? holder : null
}

function lastSubject(merchant: MerchantState, last: EndedAttempt | Attempt): OutcomeSubject {
  return {
    card_ref: last.card_ref,
    card_version: last.card_version,
    merchant_id: merchant.merchant_id,
    merchant_name: merchant.merchant_name,
    attempt: last.number,
    command_id: last.command_id,
  }
}

/** Of the outcome that a webhook causes: its own time, also where it was kept for a while. */
export function detailsOf(webhook: KeptWebhook, rawReason: string | null): OutcomeDetails {
  return { nextAttemptAt: null, rawReason, occurredAt: webhook.timestamp }
}

function isSamePosition(a: SourcePosition, b: SourcePosition): boolean {
  return a.offset === b.offset && a.partition === b.partition && a.topic === b.topic
}
