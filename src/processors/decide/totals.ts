import type { SuppressionReason } from '../../domain/records.ts'
import type { SuppressionEntry } from '../../domain/userState.ts'

/**
 * Suppressions in force over all users of a partition, by reason. Kept in the state, so that it is exact over restarts
 * without reading every user. A state that is older than it starts at 0 and never goes below.
 */
export type Totals = Readonly<Record<SuppressionReason, number>>

/** Key of the one entry of its table. */
export const TOTALS_KEY = 'suppressions'

export const NO_TOTALS: Totals = { opt_out: 0, operator: 0, closed: 0, contact_cardholder: 0 }

/** The totals when a user's suppressions have changed from `before` to `after`; null where none is more or less. */
export function changedTotals(
  totals: Totals,
  before: readonly SuppressionEntry[],
  after: readonly SuppressionEntry[],
): Totals | null {
  if (before === after || (before.length === 0 && after.length === 0)) return null
  const next = { ...totals }
  for (const { reason } of after) next[reason]++
  for (const { reason } of before) next[reason]--
  let isChanged = false
  for (const reason of Object.keys(next) as SuppressionReason[]) {
    if (next[reason] !== totals[reason]) isChanged = true
    if (next[reason] < 0) next[reason] = 0
  }
  return isChanged ? next : null
}
