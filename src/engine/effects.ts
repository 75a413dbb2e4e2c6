import type { EffectOutcome } from './processor.ts'

export interface FinishedEffect<Effect, Result> {
  readonly effect: Effect
  readonly outcome: EffectOutcome<Result>
}

/**
 * Step 6 and the way back: runs effects after their cycle has committed, and look-ups before, many at once, and keeps their
 * results until a cycle takes them. How many may run at once is the processor's business.
 */
export class EffectRunner<Effect, Result> {
  inFlight = 0
  private readonly perform: (effect: Effect, signal: AbortSignal) => Promise<Result>
  private readonly signal: AbortSignal
  private readonly wake: () => void
  private finished: FinishedEffect<Effect, Result>[] = []

  constructor(
    perform: (effect: Effect, signal: AbortSignal) => Promise<Result>,
    signal: AbortSignal,
    wake: () => void,
  ) {
    this.perform = perform
    this.signal = signal
    this.wake = wake
  }

  get finishedCount(): number {
    return this.finished.length
  }

  start(effects: readonly Effect[]): void {
    for (const effect of effects) void this.run(effect)
  }

  /** Counts from now on, and runs when the callback that asks for it has ended. */
  startSoon(effect: Effect): void {
    this.inFlight++
    queueMicrotask(() => {
      this.inFlight--
      void this.run(effect)
    })
  }

  /** Finished effects in the order in which they finished; taken once. */
  takeFinished(): FinishedEffect<Effect, Result> | undefined {
    return this.finished.shift()
  }

  private async run(effect: Effect): Promise<void> {
    this.inFlight++
    let outcome: EffectOutcome<Result>
    try {
      outcome = { ok: true, value: await this.perform(effect, this.signal) }
    } catch (error) {
      outcome = { ok: false, error: error instanceof Error ? error : new Error(String(error)) }
    }
    this.inFlight--
    this.finished.push({ effect, outcome })
    this.wake()
  }
}
