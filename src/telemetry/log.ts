import { pino } from 'pino'
import type { DestinationStream, Logger } from 'pino'
import { PinoPretty } from 'pino-pretty'
import { errorFields } from './errorFields.ts'
import type { LogLevels } from './logLevels.ts'
import { scrub, scrubValue } from './scrub.ts'

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const

export type LogLevel = (typeof LOG_LEVELS)[number]

export interface LogOptions {
  readonly level: LogLevel
  /** For people instead of JSON. */
  readonly pretty?: boolean
  /** Standard output unless told. */
  readonly destination?: DestinationStream
  /** Where its level can be changed later. */
  readonly levels?: LogLevels
}

/**
 * The log. One JSON schema for every line: `time` (ISO), `level` (its name), `msg`, and where they apply `role`, `topic`,
 * `partition`, `code` (the stable code of an error) and `err` (`ErrorFields`). Units are in the names (`durationMs`).
 * Each whole line is scrubbed on its way out, so that no field, binding or message can be forgotten.
 */
export function createLog(options: LogOptions): Logger {
  const destination = options.destination ?? pino.destination({ dest: 1, sync: true })
  const { levels } = options
  const log = pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) },
      serializers: { err: errorFields, error: errorFields },
      hooks: { streamWrite: scrubLine },
      ...(levels === undefined ? {} : { onChild: (child: Logger) => levels.child(child) }),
    },
    options.pretty === true ? PinoPretty({ destination, sync: true, ignore: 'pid,hostname' }) : destination,
  )
  levels?.root(log)
  return log
}

/** One line of the log, scrubbed, and still one line of JSON. */
export function scrubLine(line: string): string {
  if (scrub(line) === line) return line
  return `${JSON.stringify(scrubValue(JSON.parse(line)))}\n`
}
