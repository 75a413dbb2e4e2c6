import { InvalidArgumentError } from 'commander'
import type { Command } from 'commander'
import type { Config } from '../config/config.ts'
import { loadConfig } from '../config/load.ts'
import type { Purpose } from '../config/rules.ts'

/** What they parse to. */
export interface SettingFlags {
  readonly config?: string
  readonly set: ReadonlyMap<string, string>
  readonly roles?: string
  readonly logLevel?: string
  readonly pretty?: boolean
}

/** The options that every command with settings takes. */
export function withSettings(command: Command): Command {
  return command
    .option('--config <file>', 'settings file (default: $ONFILE_CONFIG, else onfile.yaml if there is one)')
    .option(
      '--set <key=value>',
      'one setting, such as kafka.brokers=localhost:9092; may be repeated',
      addSetting,
      new Map(),
    )
    .option('--roles <list>', 'short for --set roles=<list>')
    .option('--log-level <level>', 'short for --set log.level=<level>')
    .option('--pretty', 'short for --set log.pretty=true')
}

function addSetting(text: string, before: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const separator = text.indexOf('=')
  if (separator < 1) throw new InvalidArgumentError('It must be <key>=<value>.')
  return new Map([...before, [text.slice(0, separator), text.slice(separator + 1)]])
}

/**
 * The settings of one command line: file, environment, options.
 * @throws ConfigError
 */
export function readConfig(flags: SettingFlags, environment: NodeJS.ProcessEnv, purpose: Purpose): Config {
  const settings = new Map(flags.set)
  if (flags.roles !== undefined) settings.set('roles', flags.roles)
  if (flags.logLevel !== undefined) settings.set('log.level', flags.logLevel)
  if (flags.pretty === true) settings.set('log.pretty', 'true')
  return loadConfig({ file: flags.config, environment, flags: settings }, purpose)
}
