import { readFileSync } from 'node:fs'
import { Command, CommanderError, InvalidArgumentError } from 'commander'
import type { Config } from '../config/config.ts'
import { loadConfig } from '../config/load.ts'
import type { Purpose } from '../config/rules.ts'
import { scrub } from '../telemetry/scrub.ts'
import { check } from './check.ts'
import { configPrint } from './configPrint.ts'
import { EXIT } from './exitCodes.ts'
import type { ExitCode } from './exitCodes.ts'
import { exitCodeOfError } from './failure.ts'
import type { Terminal } from './report.ts'
import { schemasCheck, schemasRegister } from './schemas.ts'
import { topicsApply, topicsPlan } from './topics.ts'
import type { ConnectTopicAdmin } from './topics.ts'

/** What the program is made of; main.ts puts in the real ones. */
export interface ProgramParts {
  /** `onfile run`: runs the roles until the process is told to stop. */
  readonly run: (config: Config) => Promise<ExitCode>
  readonly connectTopicAdmin: ConnectTopicAdmin
  readonly environment: NodeJS.ProcessEnv
  readonly terminal: Terminal
  /** After it a one-shot command gives up. */
  readonly oneShotDeadlineMs: number
}

interface SettingFlags {
  readonly config?: string
  readonly set: ReadonlyMap<string, string>
  readonly roles?: string
  readonly logLevel?: string
  readonly pretty?: boolean
}

/** Version of this release, from its package.json. */
export function releaseVersion(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}

/** Runs one command line (without `node` and the script) and gives its exit code. Nothing here throws. */
export async function runProgram(commandLine: readonly string[], parts: ProgramParts): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.done
  const program = buildProgram(parts, code => {
    exitCode = code
  })
  try {
    await program.parseAsync(commandLine, { from: 'user' })
    return exitCode
  } catch (error) {
    // Help and version come as errors too, with exit code 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage
    parts.terminal.err(scrub(error instanceof Error ? error.message : String(error)))
    return exitCodeOfError(error)
  }
}

function buildProgram(parts: ProgramParts, ended: (code: ExitCode) => void): Command {
  const { terminal, oneShotDeadlineMs: deadlineMs, connectTopicAdmin: connect } = parts
  const program = new Command('onfile')
    .description('Keeps cards on file current at merchants, from the events on an issuer’s Kafka bus.')
    .version(releaseVersion())
  const topics = program.command('topics').description('the topics that onfile needs')
  const schemas = program.command('schemas').description('the schemas of what onfile writes')
  const config = program.command('config').description('the settings')

  const define = (
    parent: Command,
    name: string,
    about: string,
    purpose: Purpose,
    act: (config: Config) => Promise<ExitCode>,
  ) => {
    withSettings(parent.command(name).description(about)).action(async (flags: SettingFlags) => {
      ended(await act(readConfig(flags, parts, purpose)))
    })
  }
  define(program, 'run', 'run the roles until told to stop', 'run', parts.run)
  define(program, 'check', 'look at everything that the roles need, one line each', 'run', settings =>
    check(settings, terminal, deadlineMs, connect),
  )
  define(topics, 'plan', 'show the differences; changes nothing', 'topics', settings =>
    topicsPlan(settings, terminal, deadlineMs, connect),
  )
  define(topics, 'apply', 'create what is missing; never deletes or changes a topic', 'topics', settings =>
    topicsApply(settings, terminal, deadlineMs, connect),
  )
  define(schemas, 'check', 'compare the registry with this release; changes nothing', 'schemas', settings =>
    schemasCheck(settings, terminal, deadlineMs),
  )
  define(schemas, 'register', 'register the schemas of this release; safe to repeat', 'schemas', settings =>
    schemasRegister(settings, terminal, deadlineMs),
  )
  define(config, 'print', 'show the settings in force, without secrets', 'print', settings =>
    Promise.resolve(configPrint(settings, terminal)),
  )
  for (const command of [program, ...descendants(program)]) {
    command
      .exitOverride()
      .configureOutput({
        writeOut: text => terminal.out(text.trimEnd()),
        writeErr: text => terminal.err(text.trimEnd()),
      })
      .addHelpText('after', command === program ? `\n${EXIT_CODES_TEXT}` : '')
  }
  return program
}

const EXIT_CODES_TEXT =
  'Exit codes: 0 done, 1 failed, 64 wrong usage, 69 something needed is unreachable, 78 configuration, topics, schemas or state directory wrong.'

function descendants(command: Command): Command[] {
  return command.commands.flatMap(child => [child, ...descendants(child)])
}

function withSettings(command: Command): Command {
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

function readConfig(flags: SettingFlags, parts: ProgramParts, purpose: Purpose): Config {
  const settings = new Map(flags.set)
  if (flags.roles !== undefined) settings.set('roles', flags.roles)
  if (flags.logLevel !== undefined) settings.set('log.level', flags.logLevel)
  if (flags.pretty === true) settings.set('log.pretty', 'true')
  return loadConfig({ file: flags.config, environment: parts.environment, flags: settings }, purpose)
}
