import type { Config } from '../../config/config.ts'
import type { MerchantLimit, PushLimits } from '../../processors/provision/limits.ts'

/**
 * `knot.*` and `provision.*` as PROVISION takes them. No merchant gets more than half of the places, unless it is named in
 * `provision.merchants`: one that answers slowly must leave room for the others and for looks, however few places there are.
 */
export function pushLimitsOf({ knot, provision }: Config): PushLimits {
  const concurrency = Math.min(provision.merchantConcurrency, Math.max(1, Math.floor(knot.concurrency / 2)))
  return {
    concurrency: knot.concurrency,
    ratePerSecond: knot.ratePerSecond,
    merchant: { concurrency, ratePerSecond: provision.merchantRatePerSecond },
    merchants: new Map(Object.entries(provision.merchants).map(([id, own]) => [Number(id), limitOf(own)])),
    breakerWaitMs: provision.breakerWait,
  }
}

/** Without the keys that are not set: they must not hide what holds for all. */
function limitOf({ concurrency, ratePerSecond }: Config['provision']['merchants'][string]): Partial<MerchantLimit> {
  return {
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(ratePerSecond === undefined ? {} : { ratePerSecond }),
  }
}
