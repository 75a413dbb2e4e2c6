import { writeSync } from 'node:fs'
import { errorFields } from '../telemetry/errorFields.ts'
import type { ErrorFields } from '../telemetry/errorFields.ts'
import { scrub } from '../telemetry/scrub.ts'
import { EXIT } from './exitCodes.ts'
import { leaveAtOnce } from './leaveAtOnce.ts'

/** Says it before it returns: nothing of this process runs afterwards. */
export type TellUncaught = (error: unknown) => void

let tell: TellUncaught = tellTerminal

/**
 * An error that nobody caught ends the process with exit code 1, as Node has it. But Node prints it as it is, with its own
 * properties, which may hold what was being processed: here it is told as the log tells errors, scrubbed, and nothing else
 * of it. Nothing is waited for, because nobody knows what still holds: the next owner continues from the last commit.
 */
export function endOnUncaught(): void {
  process.on('uncaughtException', end)
  // By itself, whatever `--unhandled-rejections` says: Node would turn what is no Error into a text that shows all of it.
  process.on('unhandledRejection', end)
}

/** From now on `teller` says it instead of the standard error output: the log of `onfile run`. */
export function tellUncaughtBy(teller: TellUncaught): void {
  tell = teller
}

function end(error: unknown): never {
  try {
    tell(error)
  } catch {
    // A closed pipe, a property that throws: Node would print that error, and this one with it.
    tellThatUntold()
  }
  leaveAtOnce(EXIT.failed)
}

/** At least that something was there to be told, where anything can be told. */
function tellThatUntold(): void {
  try {
    writeSync(process.stderr.fd, 'an error that nobody caught, and that cannot be told\n')
  } catch {
    // The standard error output is what is closed.
  }
}

function tellTerminal(error: unknown): void {
  for (let fields: ErrorFields | undefined = errorFields(error); fields !== undefined; fields = fields.cause) {
    writeSync(process.stderr.fd, `${scrub(fields.stack ?? `${fields.class}: ${fields.message}`)}\n`)
  }
}
