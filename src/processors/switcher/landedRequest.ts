import type { PushAnswer } from '../../knot/answers.ts'
import { isMaybeTaken } from '../provision/pushVerdict.ts'
import type { TaskEnd } from './taskReport.ts'

/** The requests of one task that Knot may have taken, as the end of the task tells them. */
export interface LandedRequest {
  /** Of the first one: a result is not older than that. */
  readonly startedAtMs: number
  /** The vault's version that they carried; null where it is not one. */
  readonly vaultVersion: string | null
}

/** What may have landed once this answer is there; null: nothing. */
export function landedWith(
  before: LandedRequest | null,
  answer: PushAnswer,
  vaultVersion: string | null,
): LandedRequest | null {
  if (answer.kind !== 'ambiguous' && !isMaybeTaken(answer)) return before
  if (before === null) return { startedAtMs: answer.startedAtMs, vaultVersion }
  return before.vaultVersion === vaultVersion ? before : { ...before, vaultVersion: null }
}

/**
 * The end of a task of which `landed` may have reached Knot. Nobody may be told then that nothing was sent, whatever ended
 * it: its webhook would find no attempt, and what waits for that merchant would push the card a second time at once.
 */
export function endAfter(landed: LandedRequest | null, end: TaskEnd): TaskEnd {
  if (landed === null) return end
  switch (end.result) {
    case 'AMBIGUOUS':
      return { ...end, vaultStatus: 'active', ...landed }
    case 'NOT_SENT':
    case 'INVALID_CARD':
      return { result: 'AMBIGUOUS', reason: 'server_error', vaultStatus: 'active', ...landed }
    default:
      return end
  }
}
