import type { Config } from '../../config/config.ts'
import type { MerchantLimit, PushLimits } from '../../processors/provision/limits.ts'

/** `knot.*` and `provision.*` as PROVISION takes them. */
export function pushLimitsOf({ knot, provision }: Config): PushLimits {
  return {
    concurrency: knot.concurrency,
    ratePerSecond: knot.ratePerSecond,
    merchant: { concurrency: provision.merchantConcurrency, ratePerSecond: provision.merchantRatePerSecond },
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
