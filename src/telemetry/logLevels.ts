import type { Logger } from 'pino'
import type { LogLevel } from './log.ts'

const FIRST_SWEEP = 100

/**
 * The level of the log and of all its children, changed while it runs: a child of pino's keeps the level that it was
 * made with. Children that nobody else holds any more are forgotten.
 */
export class LogLevels {
  readonly #children = new Set<WeakRef<Logger>>()
  #level: LogLevel
  #root: Logger | null = null
  #sweepAt = FIRST_SWEEP

  constructor(level: LogLevel) {
    this.#level = level
  }

  get level(): LogLevel {
    return this.#level
  }

  /** For `createLog`: the log itself, before it has children. */
  root(log: Logger): void {
    this.#root = log
  }

  /** For `createLog`: called with each child. */
  child(log: Logger): void {
    if (log.level !== this.#level) log.level = this.#level
    this.#children.add(new WeakRef(log))
    // A task has a child of its own, and tasks come and go.
    if (this.#children.size >= this.#sweepAt) this.#sweep()
  }

  set(level: LogLevel): void {
    this.#level = level
    if (this.#root !== null) this.#root.level = level
    this.#sweep()
    for (const reference of this.#children) {
      const log = reference.deref()
      if (log !== undefined) log.level = level
    }
  }

  #sweep(): void {
    for (const reference of this.#children) if (reference.deref() === undefined) this.#children.delete(reference)
    this.#sweepAt = 2 * this.#children.size + FIRST_SWEEP
  }
}
