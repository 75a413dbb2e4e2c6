import type { Attempt, MerchantState } from '../../domain/merchantState.ts'
import type { CardState, SuppressionEntry, UserState } from '../../domain/userState.ts'
import { suppressionOf } from '../../domain/suppressionRules.ts'
import { momentText, untilText } from './clock.ts'

/** A line about how things stand: what it is about, and the rest. */
export interface PresentRow {
  readonly subject: string
  readonly text: string
}

/** Why an operator wanted it, in the order's own words; null where they are not known. */
export type ReasonOf = (entry: SuppressionEntry) => string | null

/** Cards, merchants and suppressions of a user as DECIDE's state has them. */
export function presentOf(user: UserState, merchants: readonly MerchantState[], reasonOf: ReasonOf): PresentRow[] {
  return [
    ...user.cards.map(card => ({ subject: card.card_ref, text: cardText(card, user.suppressions, reasonOf) })),
    ...merchants.map(merchant => ({ subject: nameOf(merchant), text: merchantText(merchant) })),
    ...user.suppressions
      .filter(entry => !isToldWithCard(entry, user))
      .map(entry => suppressionRow(entry, merchants, reasonOf)),
  ]
}

/**
 * What comes next by itself, soonest first, and what somebody else must do first. Empty: nothing, until the next event.
 *
 * @param nowMs when the state was read
 */
export function comingOf(user: UserState, merchants: readonly MerchantState[], nowMs: number): PresentRow[] {
  const timed: { atMs: number; row: PresentRow }[] = []
  const waiting: PresentRow[] = []
  const at = (atMs: number, subject: string, text: string): void => {
    timed.push({ atMs, row: { subject, text: `${momentText(atMs)} (${untilText(atMs, nowMs)}): ${text}` } })
  }
  for (const { card_ref, discovery } of user.cards) {
    if (discovery === null) continue
    if (discovery.next_at !== null) at(discovery.next_at, card_ref, 'the vault is asked again for the card')
    else waiting.push({ subject: card_ref, text: "under way: the card is looked up, and the user's merchants" })
  }
  for (const merchant of merchants) {
    const { attempt, queued, awaiting_relink } = merchant
    const subject = nameOf(merchant)
    if (attempt !== null) {
      if (attempt.phase === 'SCHEDULED' && attempt.next_at !== null) at(attempt.next_at, subject, resumeText(attempt))
      else waiting.push({ subject, text: phaseText(attempt) })
      if (attempt.phase !== 'SCHEDULED')
        at(attempt.hard_at, subject, 'without a result by then the attempt ends as NO_RESULT')
    }
    if (queued !== null) waiting.push({ subject, text: `then: version ${queued.card_version} of ${queued.card_ref}` })
    if (awaiting_relink !== null) {
      waiting.push({
        subject,
        text: relinkText(user, awaiting_relink.card_ref, merchant.merchant_id, nowMs),
      })
    }
  }
  for (const entry of user.suppressions) {
    if (entry.until !== null) at(entry.until, scopeName(entry, merchants), `no longer suppressed (${entry.reason})`)
  }
  return [...waiting, ...timed.sort((a, b) => a.atMs - b.atMs).map(({ row }) => row)]
}

function cardText(
  { card_ref, version }: CardState,
  suppressions: readonly SuppressionEntry[],
  reasonOf: ReasonOf,
): string {
  const reasons = suppressions.filter(entry => entry.merchant_id === null && (entry.card_ref ?? card_ref) === card_ref)
  const stopped = reasons.map(entry => whyText(entry, reasonOf)).join('; ')
  const versionText = version === 0 ? 'no new version yet' : `version ${version}`
  return `${versionText}, ${stopped === '' ? 'may be pushed' : `not pushed: ${stopped}`}`
}

function merchantText({ holder, needs_relink, last, attempt }: MerchantState): string {
  const onFile =
    holder === null
      ? 'which card is on file there is not known'
      : `${holder.card_ref} on file since ${momentText(holder.since)}`
  const link = needs_relink ? ', the user is logged out there' : ''
  const ended =
    last === null || last.status === 'UPDATED'
      ? ''
      : `, last attempt ${last.status} (${last.reason.replaceAll('_', ' ')})`
  const open = attempt === null ? '' : `, attempt ${attempt.number} is open`
  return `${onFile}${link}${ended}${open}`
}

/** What stops a card everywhere stands beside the card. */
function isToldWithCard({ card_ref, merchant_id }: SuppressionEntry, user: UserState): boolean {
  return card_ref !== null && merchant_id === null && user.cards.some(card => card.card_ref === card_ref)
}

function suppressionRow(entry: SuppressionEntry, merchants: readonly MerchantState[], reasonOf: ReasonOf): PresentRow {
  const { card_ref, merchant_id } = entry
  const what = merchant_id === null ? '' : ` of ${card_ref ?? 'any card'}`
  return { subject: scopeName(entry, merchants), text: `no push${what}: ${whyText(entry, reasonOf)}` }
}

/** `operator jo since 2026-11-28 04:38:47 UTC (cardholder called)`. */
function whyText(entry: SuppressionEntry, reasonOf: ReasonOf): string {
  const { reason, actor, since } = entry
  const why = reasonOf(entry)
  return `${reason}${actor === null ? '' : ` ${actor}`} since ${momentText(since)}${why === null ? '' : ` (${why})`}`
}

/** Merchant, else card, else all of the user. */
function scopeName({ card_ref, merchant_id }: SuppressionEntry, merchants: readonly MerchantState[]): string {
  if (merchant_id === null) return card_ref ?? 'all cards'
  const merchant = merchants.find(one => one.merchant_id === merchant_id)
  return merchant === undefined ? `merchant ${merchant_id}` : nameOf(merchant)
}

function relinkText(user: UserState, cardRef: string, merchantId: number, nowMs: number): string {
  const suppression = suppressionOf(user, cardRef, merchantId, nowMs)
  const then =
    suppression === undefined
      ? `${cardRef} is pushed by itself`
      : `nothing, while it is suppressed (${suppression.reason})`
  return `waits for the user: when they log in there again, ${then}`
}

function resumeText({ number, retry_after }: Attempt): string {
  if (retry_after !== null) return `attempt ${number}, after "${retry_after.replaceAll('_', ' ')}"`
  return `attempt ${number}: its turn comes (gap between two pushes, or the account was busy)`
}

function phaseText({ phase, number }: Attempt): string {
  switch (phase) {
    case 'DISCOVERING':
      return `under way: attempt ${number} looks whether the account is still linked`
    case 'ISSUED':
      return `under way: attempt ${number} is with PROVISION`
    case 'ACCEPTED':
      return `under way: Knot has attempt ${number}, its result is awaited`
    case 'AMBIGUOUS':
      return `under way: attempt ${number} may have reached Knot; it is never sent again, its result is awaited`
    case 'SCHEDULED':
      return `attempt ${number} waits`
  }
}

function nameOf({ merchant_id, merchant_name }: MerchantState): string {
  return merchant_name ?? `merchant ${merchant_id}`
}
