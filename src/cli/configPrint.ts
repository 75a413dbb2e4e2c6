import { stringify } from 'yaml'
import type { Config } from '../config/config.ts'
import { redacted } from '../config/redacted.ts'
import { EXIT } from './exitCodes.ts'
import type { ExitCode } from './exitCodes.ts'
import type { Terminal } from './report.ts'

/** `onfile config print`: the settings in force, as YAML, without their secrets. */
export function configPrint(config: Config, terminal: Terminal): ExitCode {
  terminal.out(stringify(redacted(config), { lineWidth: 0 }).trimEnd())
  return EXIT.done
}
