import type { PushSignal } from './pushSignal.ts'

/**
 * A permit that is not given back (its task was lost between two effects, or the commit between them is in doubt for long)
 * frees itself after this.
 */
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
  #lease: NodeJS.Timeout
  #signal: PushSignal | null = null
  #held = true

  constructor(trials: Trials, giveBack: (signal: PushSignal | null) => void) {
    this.trials = trials
    this.#giveBack = giveBack
    this.#lease = this.#leased()
  }

  /**
   * The lease begins anew. `atItsEnd`: lets go of what is held under this permit, before anybody else gets it. False: it
   * has ended already, and nothing may be held.
   */
  renew(atItsEnd?: () => void): boolean {
    if (!this.#held) return false
    clearTimeout(this.#lease)
    this.#lease = this.#leased(atItsEnd)
    return true
  }

  #leased(atItsEnd?: () => void): NodeJS.Timeout {
    const end = () => {
      atItsEnd?.()
      this.release()
    }
    return setTimeout(end, LEASE_MS).unref()
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
