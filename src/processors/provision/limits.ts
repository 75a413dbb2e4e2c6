/** What holds for one merchant. */
export interface MerchantLimit {
  /** Pushes under way at the same time. */
  readonly concurrency: number
  /** Pushes per second; null = unlimited. */
  readonly ratePerSecond: number | null
}

/**
 * How much goes to Knot and to the merchants behind it. The numbers are for all PROVISION processes together: each takes
 * the share of them that its partitions are of all partitions, and at least one push at a time.
 */
export interface PushLimits {
  /** Commands that use the vault or Knot at the same time (`knot.concurrency`). */
  readonly concurrency: number
  /** The same per second; null = unlimited (`knot.ratePerSecond`). */
  readonly ratePerSecond: number | null
  /** `provision.merchantConcurrency`, `provision.merchantRatePerSecond`. */
  readonly merchant: MerchantLimit
  /** Merchants that differ from it, by id (`provision.merchants`). */
  readonly merchants: ReadonlyMap<number, Partial<MerchantLimit>>
  /** From the opening of a breaker to its first trial (`provision.breakerWait`). */
  readonly breakerWaitMs: number
}

export function merchantLimit(limits: PushLimits, merchantId: number | null): MerchantLimit {
  const own = merchantId === null ? undefined : limits.merchants.get(merchantId)
  return { ...limits.merchant, ...own }
}

/** This process's part of a number of places. */
export function placesOf(concurrency: number, share: number): number {
  return Math.max(1, Math.round(concurrency * share))
}

/** This process's part of a rate. */
export function rateOf(perSecond: number | null, share: number): number | null {
  return perSecond === null ? null : perSecond * share
}
