import type { ReasonTable } from './reasons.ts'
import { FAILURE_REASONS } from './reasons.ts'

/** What an issuer may set (`policy.*`, contract.md 6). Waits and deadlines in milliseconds. */
export interface Policy {
  /** At least so long between two attempts of one (user, merchant) that Knot accepted. Never scaled. */
  readonly minGapMs: number
  /** From *accepted* or *ambiguous* to the look at the account. */
  readonly resultSoftMs: number
  /** From *accepted* or *ambiguous*, or from the first moment at which an attempt might start, to NO_RESULT. */
  readonly resultHardMs: number
  /** Multiplies every wait of the reason table, of `vaultRecheckMs` and of a busy account. */
  readonly retryScale: number
  /** What to do at a merchant of which nobody knows which card it holds. */
  readonly unknownHolder: 'push' | 'skip'
  /** Waits between looks at a card that is not active yet, or at a vault that is behind the event; one look each. */
  readonly vaultRecheckMs: readonly number[]
  /** Values of `last_user_action.status` that prove a switch done, as `normalisedReason` writes them. Knot documents none. */
  readonly reconcileDone: ReadonlySet<string>
  readonly reasons: ReasonTable
}

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

export const DEFAULT_POLICY: Policy = {
  minGapMs: 10 * MINUTE_MS,
  resultSoftMs: 15 * MINUTE_MS,
  resultHardMs: DAY_MS,
  retryScale: 1,
  unknownHolder: 'push',
  vaultRecheckMs: [HOUR_MS, DAY_MS, 3 * DAY_MS, 7 * DAY_MS],
  reconcileDone: new Set(),
  reasons: FAILURE_REASONS,
}

/** Waits before an attempt that found the account busy is made again; the last one from then on. */
const BUSY_WAITS_MS = [30_000, 2 * MINUTE_MS, 10 * MINUTE_MS] as const

const SHORTEST_WAIT_MS = 1_000

/** A wait as it is really waited: scaled, and never shorter than a second. */
export function scaledWaitMs(policy: Policy, waitMs: number): number {
  return Math.max(SHORTEST_WAIT_MS, Math.round(waitMs * policy.retryScale))
}

/** @param busyCount how often the account has been busy in this attempt, from 1 */
export function busyWaitMs(policy: Policy, busyCount: number): number {
  return scaledWaitMs(policy, BUSY_WAITS_MS[Math.min(busyCount, BUSY_WAITS_MS.length) - 1] ?? BUSY_WAITS_MS[0])
}
