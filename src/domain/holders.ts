import type { Holder, MerchantState } from './merchantState.ts'
import type { Policy } from './policy.ts'
import { isLive } from './suppressionRules.ts'
import type { UserState } from './userState.ts'

/**
 * Why a card must not be pushed to a merchant although it is linked there: links belong to users, and another card of
 * this one may be on file (design.md 4). Null: it may.
 *
 * A holder that is closed frees its merchant, for the one live card that is left: which one of several takes its place is
 * the user's choice. An open attempt reserves a merchant for its card. An unknown holder is no obstacle while the user has
 * one live card and the policy says push.
 */
export function obstacleOf(
  user: UserState,
  cardRef: string,
  merchant: MerchantState | undefined,
  policy: Policy,
): 'other_card_on_file' | 'holder_unknown' | null {
  const holder = merchant?.holder ?? null
  if (holder !== null && holder.card_ref !== cardRef && isLive(user, holder.card_ref)) return 'other_card_on_file'
  const pending = merchant?.attempt?.card_ref ?? cardRef
  if (pending !== cardRef && isLive(user, pending)) return holder === null ? 'holder_unknown' : 'other_card_on_file'
  if (holder?.card_ref === cardRef) return null
  return (holder === null && policy.unknownHolder === 'skip') || hasOtherLiveCard(user, cardRef)
    ? 'holder_unknown'
    : null
}

/** The holder after a confirmation with Knot's timestamp `since`: an older one changes nothing. */
export function laterHolder(
  holder: Holder | null,
  cardRef: string,
  vaultVersion: string | null,
  since: number,
): Holder {
  if (holder !== null && holder.since > since) return holder
  return { card_ref: cardRef, vault_version: vaultVersion, since }
}

function hasOtherLiveCard(user: UserState, cardRef: string): boolean {
  for (const card of user.cards) if (card.card_ref !== cardRef && isLive(user, card.card_ref)) return true
  return false
}
