import type { DecisionDraft } from './decisionDraft.ts'
import type { SourcePosition } from './records.ts'
import { isSuppressed, liftCard } from './suppressionRules.ts'
import { CARD_LIMIT, newCard } from './userState.ts'
import type { CardState, UserState } from './userState.ts'

/** There is room for one more card. */
export function hasRoomForCard({ user }: DecisionDraft): boolean {
  return user.cards.length < CARD_LIMIT
}

/**
 * The oldest closed card without work gives way to another one. Its suppression ends with it, also in
 * `card-suppressions`: a record of which nothing is known here could never be lifted, nor erased with its user.
 *
 * @param source the record that needs the room
 * @returns false where no card can give way
 */
export function evictCard(draft: DecisionDraft, source: SourcePosition): boolean {
  const oldest = oldestDispensable(draft)
  if (oldest === undefined) return false
  liftCard(draft, oldest.card_ref, 'closed', 'expired', source)
  draft.removeCard(oldest.card_ref)
  return true
}

/**
 * A card that no event of the issuer has named, and that is going on file at a merchant all the same: from now on it counts
 * among the live cards of the user. Where there is no room it stays unknown.
 */
export function knowCard(draft: DecisionDraft, cardRef: string, source: SourcePosition): void {
  if (draft.card(cardRef) !== undefined) return
  if (hasRoomForCard(draft) || evictCard(draft, source)) draft.putCard(newCard(cardRef))
}

/** A card that is closed and nothing else, and for which nothing is open. */
function oldestDispensable(draft: DecisionDraft): CardState | undefined {
  const { user } = draft
  let oldest: CardState | undefined
  for (const card of user.cards) {
    if (card.discovery !== null || !isOnlyClosed(user, card.card_ref) || hasWork(draft, card.card_ref)) continue
    if (oldest === undefined || (card.renewed_at ?? 0) < (oldest.renewed_at ?? 0)) oldest = card
  }
  return oldest
}

function isOnlyClosed(user: UserState, cardRef: string): boolean {
  if (!isSuppressed(user, cardRef, 'closed')) return false
  return user.suppressions.every(entry => entry.card_ref !== cardRef || entry.reason === 'closed')
}

function hasWork(draft: DecisionDraft, cardRef: string): boolean {
  return draft.user.merchants.some(merchantId => {
    const merchant = draft.merchant(merchantId)
    return merchant?.attempt?.card_ref === cardRef || merchant?.queued?.card_ref === cardRef
  })
}
