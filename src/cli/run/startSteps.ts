import type { Logger } from 'pino'
import { Backoff, sleep } from '../../engine/backoff.ts'
import { EXIT } from '../exitCodes.ts'
import { codeOf, exitCodeOfError } from '../failure.ts'

/**
 * The steps of a start, each of which ends when the process shall stop: a request to brokers that swallow everything
 * takes longer than anybody waits for a process that has done nothing yet.
 */
export class StartSteps {
  readonly #stop: AbortSignal
  readonly #log: Logger
  #leftBehind = false
  #waitingFor: readonly string[] = ['starting']

  constructor(stop: AbortSignal, log: Logger) {
    this.#stop = stop
    this.#log = log
  }

  /** What the start waits for, in words; empty when it is over. */
  get waitingFor(): readonly string[] {
    return this.#waitingFor
  }

  /** A step was left while it ran: what it does may hold the process for long. */
  get leftBehind(): boolean {
    return this.#leftBehind
  }

  done(): void {
    this.#waitingFor = []
  }

  /** `work`, or null as soon as the process shall stop. */
  async orStopped<T>(work: Promise<T>): Promise<T | null> {
    const { promise: stopped, resolve } = Promise.withResolvers<null>()
    const leave = () => {
      this.#leftBehind = true
      resolve(null)
    }
    if (this.#stop.aborted) leave()
    else this.#stop.addEventListener('abort', leave, { once: true })
    // Nobody waits for its failure once it was left.
    work.catch(() => undefined)
    try {
      return await Promise.race([work, stopped])
    } finally {
      this.#stop.removeEventListener('abort', leave)
    }
  }

  /** Tries again until it works; null when told to stop. Errors that waiting cannot mend are thrown. */
  async waitFor<T>(what: string, work: () => Promise<T>): Promise<T | null> {
    const backoff = new Backoff(500, 15_000)
    while (!this.#stop.aborted) {
      try {
        return await this.orStopped(work())
      } catch (error) {
        if (exitCodeOfError(error) === EXIT.wrong) throw error
        const detail = error instanceof Error ? error.message : String(error)
        this.#waitingFor = [`waits for ${what}: ${detail}`]
        this.#log.warn({ err: error, code: codeOf(error) ?? undefined }, `waiting for ${what}`)
        await sleep(backoff.nextMs(), this.#stop)
      }
    }
    return null
  }
}

/** Resolves when the signal aborts. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
