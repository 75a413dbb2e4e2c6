import type { BreakerState } from './breaker.ts'
import type { WorkKind } from './rolePause.ts'

/** How a merchant stands, for metrics and `/readyz`. */
export interface MerchantView {
  readonly merchantId: number | null
  readonly waiting: number
  readonly inUse: number
  readonly breaker: BreakerState
  /** Until its breaker tries again; 0 = at once, and where it is closed or a trial is under way. */
  readonly breakerWaitMs: number
  /** This process's part of its limits. Rate: null = unlimited. */
  readonly places: number
  readonly perSecond: number | null
}

/** What the limits do at this moment. */
export interface PacingView {
  readonly inUse: number
  readonly waiting: Readonly<Record<WorkKind, number>>
  readonly knotBreaker: BreakerState
  readonly knotBreakerWaitMs: number
  /** This process's part of the limits. Rates: null = unlimited. */
  readonly places: number
  readonly perSecond: number | null
  /** Merchants with something waiting or under way, or with a breaker that is not closed. */
  readonly merchants: readonly MerchantView[]
}
