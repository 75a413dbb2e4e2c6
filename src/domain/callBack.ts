import type { DecisionDraft } from './decisionDraft.ts'
import type { Attempt, MerchantState, Work } from './merchantState.ts'

/**
 * `reason` of a CANCEL: Knot has confirmed something while the command waited. A command of which a request may have
 * landed is answered as started by that one (AMBIGUOUS); any other is removed.
 */
export const CONFIRMED = 'confirmed'

/**
 * Calls back one command of an attempt, if PROVISION has not started it. `cause`: the record that makes it needless, and
 * what that one belongs to.
 */
export function callBack(
  draft: DecisionDraft,
  { merchant_id, merchant_name }: MerchantState,
  { card_ref }: Attempt,
  commandId: string | null,
  reason: 'superseded' | 'answered' | 'corrected' | typeof CONFIRMED,
  { source, origin }: Pick<Work, 'source' | 'origin'>,
): void {
  draft.command({
    kind: 'CANCEL',
    card_ref,
    card_version: null,
    merchant_id,
    merchant_name,
    attempt: 0,
    not_after: null,
    cancels: { card_ref, merchant_id, command_id: commandId },
    reason,
    source,
    origin,
  })
}
