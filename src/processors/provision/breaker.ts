import { CircuitState, CountBreaker, ExponentialBackoff, noJitterGenerator } from 'cockatiel'
import type { IBackoff, IBreaker } from 'cockatiel'

/** `half_open`: one push at a time finds out whether it is over. */
export type BreakerState = 'closed' | 'half_open' | 'open'

export interface BreakerSettings {
  /** Answers before anything is judged. */
  readonly fewest: number
  /** From opening to the first trial; doubles with each trial that fails. */
  readonly firstWaitMs: number
}

/** Opens when more than half of the last so many answers were failures. */
const WINDOW = 20
const SHARE = 0.5
/** As every other back-off. */
export const BREAKER_MAX_WAIT_MS = 300_000

/**
 * Holds pushes back from something that fails. When to open and how long to wait is cockatiel's; the states are kept here,
 * because a push is let through long before its answer is known (a commit lies between), because most answers say neither
 * yes nor no, and because this must not follow the wall clock.
 */
export class Breaker {
  readonly #settings: BreakerSettings
  readonly #clockMs: () => number
  readonly #onOpened: () => void
  #judge: IBreaker
  #waits: IBackoff<unknown> | null = null
  #state: BreakerState = 'closed'
  #trialAtMs = 0
  #trialRuns = false

  /** @param clockMs monotonic */
  constructor(settings: BreakerSettings, clockMs: () => number, onOpened: () => void) {
    this.#settings = settings
    this.#clockMs = clockMs
    this.#onOpened = onOpened
    this.#judge = this.#newJudge()
  }

  get state(): BreakerState {
    return this.#state
  }

  /** Milliseconds until it lets one through; 0 = now, Infinity = when the trial that runs has ended. */
  waitMs(): number {
    if (this.#state === 'closed') return 0
    if (this.#trialRuns) return Number.POSITIVE_INFINITY
    return Math.max(0, Math.ceil(this.#trialAtMs - this.#clockMs()))
  }

  /** The same for a reader: 0 where a trial runs. */
  get trialInMs(): number {
    const waitMs = this.waitMs()
    return waitMs === Number.POSITIVE_INFINITY ? 0 : waitMs
  }

  /** One goes through. True: it is the trial, and its end must be told with `trial`. */
  enter(): boolean {
    if (this.#state === 'closed') return false
    this.#state = 'half_open'
    this.#trialRuns = true
    return true
  }

  /** A push that is no trial has succeeded or failed. What began before the breaker opened says nothing any more. */
  answered(good: boolean, atLeastMs = 0): void {
    if (this.#state !== 'closed') return
    if (good) this.#judge.success(CircuitState.Closed)
    else if (this.#judge.failure(CircuitState.Closed)) this.#open(atLeastMs)
  }

  /** The trial has ended. Null: it showed nothing, the next one may go at once. */
  trial(good: boolean | null, atLeastMs = 0): void {
    this.#trialRuns = false
    if (this.#state !== 'half_open') return
    if (good === true) this.#close()
    else if (good === false) this.#open(atLeastMs)
  }

  /** Somebody says that it is down: opens it as failures would. An open one stays as it is. */
  hintDown(): void {
    if (this.#state === 'closed') this.#open(0)
  }

  /** Somebody says that it is up again: the trial need not wait. */
  hintUp(): void {
    if (this.#state === 'open') this.#trialAtMs = this.#clockMs()
  }

  #open(atLeastMs: number): void {
    const wasClosed = this.#state === 'closed'
    this.#waits = this.#waits === null ? this.#firstWait() : this.#waits.next(undefined)
    this.#trialAtMs = this.#clockMs() + Math.max(this.#waits.duration, Math.min(BREAKER_MAX_WAIT_MS, atLeastMs))
    this.#state = 'open'
    if (wasClosed) this.#onOpened()
  }

  #close(): void {
    this.#state = 'closed'
    this.#waits = null
    this.#judge = this.#newJudge()
  }

  #newJudge(): IBreaker {
    return new CountBreaker({ threshold: SHARE, size: WINDOW, minimumNumberOfCalls: this.#settings.fewest })
  }

  #firstWait(): IBackoff<unknown> {
    return new ExponentialBackoff({
      generator: noJitterGenerator,
      initialDelay: this.#settings.firstWaitMs,
      maxDelay: BREAKER_MAX_WAIT_MS,
    }).next()
  }
}
