import type { Logger } from 'pino'
import type { LogLevel } from '../telemetry/log.ts'
import type { LogLevels } from '../telemetry/logLevels.ts'

/** The level of the log now, and what it goes back to. Wall clock, milliseconds. */
export interface LogLevelAnswer {
  readonly level: LogLevel
  readonly configured: LogLevel
  /** When it goes back by itself; null while it is the configured one. */
  readonly untilMs: number | null
}

/** `log.level`, changed for a while. Back at the configured one when the time is over, or the process. */
export class LogLevelSwitch {
  readonly #levels: LogLevels
  readonly #configured: LogLevel
  readonly #log: Logger
  #timer: NodeJS.Timeout | undefined
  #untilMs: number | null = null

  constructor(levels: LogLevels, log: Logger) {
    this.#levels = levels
    this.#configured = levels.level
    this.#log = log
  }

  get(): LogLevelAnswer {
    return { level: this.#levels.level, configured: this.#configured, untilMs: this.#untilMs }
  }

  set(level: LogLevel, forMs: number): LogLevelAnswer {
    this.close()
    this.#levels.set(level)
    if (level !== this.#configured) {
      this.#untilMs = Date.now() + forMs
      this.#timer = setTimeout(() => this.#reset(), forMs).unref()
    }
    return this.get()
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#untilMs = null
  }

  #reset(): void {
    const level = this.#levels.level
    this.close()
    this.#levels.set(this.#configured)
    this.#log.info({ before: level, level: this.#configured }, 'the level of the log is the configured one again')
  }
}
