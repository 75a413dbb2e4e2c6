import { Breaker } from './breaker.ts'
import { placesOf, rateOf } from './limits.ts'
import type { MerchantLimit } from './limits.ts'
import type { MerchantView } from './pacingView.ts'
import { TokenBucket } from './tokenBucket.ts'
import { WaitingLine } from './waitingLine.ts'
import type { InLine } from './waitingLine.ts'

/** So many answers before a merchant's breaker is judged: a merchant with few users must be able to open it. */
const FEWEST_ANSWERS = 5

export interface MerchantGateOptions {
  /** Null: pushes that name a task of Knot's and no merchant. */
  readonly merchantId: number | null
  readonly limit: MerchantLimit
  readonly breakerWaitMs: number
  readonly share: number
  readonly clockMs: () => number
  readonly onBreakerOpened: (merchantId: number | null) => void
}

/** The pushes to one merchant: who waits for it, how many are under way, how fast they may go, and whether it answers. */
export class MerchantGate<T extends InLine> {
  readonly merchantId: number | null
  readonly line = new WaitingLine<T>()
  readonly breaker: Breaker
  inUse = 0
  /** Looked at again then, or when a push to it has ended; set by whoever asks for turns. */
  timer: NodeJS.Timeout | undefined
  readonly #limit: MerchantLimit
  readonly #bucket: TokenBucket
  #places: number

  constructor(options: MerchantGateOptions) {
    const { merchantId, limit, share, clockMs } = options
    this.merchantId = merchantId
    this.#limit = limit
    this.#places = placesOf(limit.concurrency, share)
    this.#bucket = new TokenBucket(rateOf(limit.ratePerSecond, share), clockMs)
    const settings = { fewest: FEWEST_ANSWERS, firstWaitMs: options.breakerWaitMs }
    this.breaker = new Breaker(settings, clockMs, () => options.onBreakerOpened(merchantId))
  }

  /** How it stands at this moment. */
  view(): MerchantView {
    const { merchantId, line, inUse, breaker } = this
    return {
      merchantId,
      waiting: line.size,
      inUse,
      breaker: breaker.state,
      breakerWaitMs: breaker.trialInMs,
      places: this.#places,
      perSecond: this.#bucket.perSecond,
    }
  }

  setShare(share: number): void {
    this.#places = placesOf(this.#limit.concurrency, share)
    this.#bucket.setRate(rateOf(this.#limit.ratePerSecond, share))
  }

  /** Milliseconds until a push may go; Infinity = not before one that is under way has ended. */
  waitMs(): number {
    if (this.inUse >= this.#places) return Number.POSITIVE_INFINITY
    return Math.max(this.breaker.waitMs(), this.#bucket.waitMs())
  }

  /** One goes. True: it is the breaker's trial. */
  enter(): boolean {
    this.inUse++
    this.#bucket.take()
    return this.breaker.enter()
  }
}
