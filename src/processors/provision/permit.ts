import type { PushSignal } from './pushSignal.ts'

/** A permit that was never given back (its task was lost between two effects) frees itself after this. */
const LEASE_MS = 120_000

/** Which of the things that stop pushes this permit tries out. */
export interface Trials {
  readonly pause: boolean
  readonly knot: boolean
  readonly merchant: boolean
}

/** The right to use the vault and Knot for one command. Give it back exactly where the work ends; twice does no harm. */
export class Permit {
  readonly trials: Trials
  readonly #giveBack: (signal: PushSignal | null) => void
  readonly #lease: NodeJS.Timeout
  #signal: PushSignal | null = null
  #held = true

  constructor(trials: Trials, giveBack: (signal: PushSignal | null) => void) {
    this.trials = trials
    this.#giveBack = giveBack
    this.#lease = setTimeout(() => this.release(), LEASE_MS)
    this.#lease.unref()
  }

  /** What the push under this permit showed; told to the breakers when the permit is given back. */
  learned(signal: PushSignal): void {
    this.#signal = signal
  }

  release(): void {
    if (!this.#held) return
    this.#held = false
    clearTimeout(this.#lease)
    this.#giveBack(this.#signal)
  }
}
