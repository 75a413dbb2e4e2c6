import { dropWork, isConfirmed, openAttempt } from './attempts.ts'
import type { DecisionDraft } from './decisionDraft.ts'
import { obstacleOf } from './holders.ts'
import { newMerchant } from './merchantState.ts'
import type { MerchantState, Work } from './merchantState.ts'
import type { MerchantAccount } from './records.ts'
import { repeatRefusal } from './repeats.ts'
import { suppressionOf } from './suppressionRules.ts'

/** Why a version does not go to a merchant account. */
export interface Refusal {
  readonly status: 'SKIPPED' | 'REJECTED' | 'SUPPRESSED'
  readonly reason: string
}

/** One answer of DISCOVER against everything that is known: null where the version may go there. */
export function refusalOf(draft: DecisionDraft, account: MerchantAccount, work: Work): Refusal | null {
  if (!account.connected) return skipped('not_connected')
  if (!account.update_card) return skipped('no_scope')
  if (!draft.hasRoomFor(account.merchant_id)) return { status: 'REJECTED', reason: 'limit' }
  const suppression = suppressionOf(draft.user, work.card_ref, account.merchant_id, draft.now)
  if (suppression !== undefined) return { status: 'SUPPRESSED', reason: suppression.reason }
  const merchant = draft.merchant(account.merchant_id)
  const obstacle = obstacleOf(draft.user, work.card_ref, merchant, draft.policy)
  if (obstacle !== null) return skipped(obstacle)
  if (merchant !== undefined && isConfirmed(merchant, work)) return skipped('already_current')
  return null
}

/** One attempt, or one outcome with the reason, per merchant account of the user. */
export function fanOut(draft: DecisionDraft, accounts: readonly MerchantAccount[], work: Work): void {
  for (const account of onePerMerchant(accounts)) {
    const refusal = refusalOf(draft, account, work) ?? repeatRefusal(draft.merchant(account.merchant_id), work)
    if (refusal === null) {
      openAttempt(draft, merchantAt(draft, account), work)
      continue
    }
    dropWork(draft, account, work, refusal.status, refusal.reason, work.source)
    if (refusal.reason === 'not_connected' && draft.hasRoomFor(account.merchant_id)) {
      const awaiting = { card_ref: work.card_ref, card_version: work.card_version }
      draft.putMerchant({ ...merchantAt(draft, account), awaiting_relink: awaiting })
    }
  }
}

/** The merchant as it is known, under the name that Knot gives it now. */
export function merchantAt(draft: DecisionDraft, account: MerchantAccount): MerchantState {
  const merchant = draft.merchant(account.merchant_id)
  if (merchant === undefined) return newMerchant(account.merchant_id, account.merchant_name)
  if (account.merchant_name === null || account.merchant_name === merchant.merchant_name) return merchant
  return { ...merchant, merchant_name: account.merchant_name }
}

/**
 * The account at this merchant; of several (Knot lists what the user has linked, and may list a merchant twice) the one that
 * takes a card.
 */
export function accountAt(accounts: readonly MerchantAccount[], merchantId: number): MerchantAccount | undefined {
  let first: MerchantAccount | undefined
  for (const account of accounts) {
    if (account.merchant_id !== merchantId) continue
    if (account.connected && account.update_card) return account
    first ??= account
  }
  return first
}

/** In the order in which they are listed. */
function onePerMerchant(accounts: readonly MerchantAccount[]): readonly MerchantAccount[] {
  const ids = new Set<number>()
  for (const { merchant_id } of accounts) ids.add(merchant_id)
  return ids.size === accounts.length ? accounts : [...ids].map(id => accountAt(accounts, id)!)
}

function skipped(reason: string): Refusal {
  return { status: 'SKIPPED', reason }
}
