/** What is not used does not come later as a burst: at most a tenth of a second's worth is kept, and never under one. */
const KEPT_SECONDS = 0.1

/** A rate: one token for each thing that may happen. Runs on a clock that no correction of the time moves. */
export class TokenBucket {
  readonly #clockMs: () => number
  #perSecond: number | null
  #tokens = 1
  #atMs: number

  /** @param perSecond null = unlimited */
  constructor(perSecond: number | null, clockMs: () => number) {
    this.#perSecond = perSecond
    this.#clockMs = clockMs
    this.#atMs = clockMs()
  }

  get perSecond(): number | null {
    return this.#perSecond
  }

  /** From now on; what has been kept so far stays. */
  setRate(perSecond: number | null): void {
    this.#refill()
    this.#perSecond = perSecond
  }

  /** Milliseconds until a token is there; 0 = now. */
  waitMs(): number {
    if (this.#perSecond === null) return 0
    this.#refill()
    return this.#tokens >= 1 ? 0 : Math.ceil(((1 - this.#tokens) * 1_000) / this.#perSecond)
  }

  /** Takes the token that `waitMs` found. */
  take(): void {
    if (this.#perSecond !== null) this.#tokens--
  }

  #refill(): void {
    const nowMs = this.#clockMs()
    const perSecond = this.#perSecond ?? 0
    const most = Math.max(1, perSecond * KEPT_SECONDS)
    this.#tokens = Math.min(most, this.#tokens + (Math.max(0, nowMs - this.#atMs) * perSecond) / 1_000)
    this.#atMs = nowMs
  }
}
