import type { Attempt, MerchantState, Work } from './merchantState.ts'

/** Attempts per (user, merchant, card version), whatever the table of reasons or an operator says (contract.md 3). */
export const MAX_ATTEMPTS = 3

/** `reason` of work that an operator's RETRY started. */
export const RETRY = 'retry'

/** What a RETRY finds where an attempt of the same version is open. */
export const UNDER_WAY = { status: 'SKIPPED', reason: 'under_way' } as const

/** Why a version that is tried again does not go to a merchant; null where it may. Everything else goes for the first time. */
export function repeatRefusal(
  merchant: MerchantState | undefined,
  work: Work,
): typeof UNDER_WAY | { readonly status: 'REJECTED'; readonly reason: 'limit' } | null {
  if (merchant === undefined || work.reason !== RETRY) return null
  const { attempt, queued } = merchant
  if (attempt !== null && isSameVersion(attempt, work)) return UNDER_WAY
  if (queued !== null && isSameVersion(queued, work)) return UNDER_WAY
  return nextTry(merchant, work).number > MAX_ATTEMPTS ? { status: 'REJECTED', reason: 'limit' } : null
}

/** The count of attempts goes on where the last one was of the same version. */
export function nextTry({ last }: MerchantState, work: Work): Pick<Attempt, 'number' | 'retry_after'> {
  if (work.reason !== RETRY || last === null || !isSameVersion(last, work)) return { number: 1, retry_after: null }
  return { number: last.number + 1, retry_after: last.reason }
}

export function isSameVersion(
  a: Pick<Work, 'card_ref' | 'card_version'>,
  b: Pick<Work, 'card_ref' | 'card_version'>,
): boolean {
  return a.card_ref === b.card_ref && a.card_version === b.card_version
}
