import { LRUCache } from 'lru-cache'

export interface CallLimitOptions {
  /** Calls at once after a time of silence. */
  readonly burst: number
  /** One more after each of these. */
  readonly everyMs: number
}

/** How many calls may come: a bucket of them that fills again, on the monotonic clock. */
export class CallLimit {
  readonly #options: CallLimitOptions
  readonly #nowMs: () => number
  #calls: number
  #countedAtMs: number

  constructor(options: CallLimitOptions, nowMs: () => number = () => performance.now()) {
    this.#options = options
    this.#nowMs = nowMs
    this.#calls = options.burst
    this.#countedAtMs = nowMs()
  }

  /** Takes one. False: none was left. */
  take(): boolean {
    if (this.waitMs() > 0) return false
    this.#calls--
    return true
  }

  /** Until one is left. 0: now. */
  waitMs(): number {
    const { burst, everyMs } = this.#options
    const nowMs = this.#nowMs()
    this.#calls = Math.min(burst, this.#calls + (nowMs - this.#countedAtMs) / everyMs)
    this.#countedAtMs = nowMs
    return this.#calls >= 1 ? 0 : (1 - this.#calls) * everyMs
  }
}

/** A limit for each address, for as many as are remembered. */
export class LimitPerAddress {
  readonly #options: CallLimitOptions
  readonly #nowMs: () => number
  readonly #limits: LRUCache<string, CallLimit>

  constructor(options: CallLimitOptions, addresses: number, nowMs: () => number = () => performance.now()) {
    this.#options = options
    this.#nowMs = nowMs
    this.#limits = new LRUCache({ max: addresses })
  }

  take(address: string): void {
    let limit = this.#limits.get(address)
    if (limit === undefined) {
      limit = new CallLimit(this.#options, this.#nowMs)
      this.#limits.set(address, limit)
    }
    limit.take()
  }

  /** Until the address has one left. 0: now, as for an address that took none. */
  waitMs(address: string): number {
    return this.#limits.get(address)?.waitMs() ?? 0
  }
}
