import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import type { Config } from '../config/config.ts'
import type { Purpose } from '../config/rules.ts'
import { scrub } from '../telemetry/scrub.ts'
import { check } from './check.ts'
import { configPrint } from './configPrint.ts'
import { EXIT } from './exitCodes.ts'
import type { ExitCode } from './exitCodes.ts'
import { exitCodeOfError } from './failure.ts'
import type { OpenOrderDesk } from './order/desk.ts'
import { defineLeave } from './leave/leaveCommand.ts'
import type { LeaveGroups } from './leave/leaveCommand.ts'
import { defineOrders } from './orderCommands.ts'
import type { Terminal } from './report.ts'
import { readConfig, withSettings } from './settingFlags.ts'
import type { SettingFlags } from './settingFlags.ts'
import { defineSwitch } from './switch/switchCommands.ts'
import type { WriteSwitch } from './switch/switchCommands.ts'
import { schemasCheck, schemasRegister } from './schemas.ts'
import { topicsApply, topicsPlan } from './topics.ts'
import type { ReadStory } from './user/story.ts'
import { defineUser } from './userCommand.ts'
import type { ConnectTopicAdmin } from './topics.ts'

/** What the program is made of; main.ts puts in the real ones. */
export interface ProgramParts {
  /** `onfile run`: runs the roles until the process is told to stop. */
  readonly run: (config: Config) => Promise<ExitCode>
  readonly connectTopicAdmin: ConnectTopicAdmin
  readonly openOrderDesk: OpenOrderDesk
  readonly readStory: ReadStory
  readonly writeSwitch: WriteSwitch
  readonly leaveGroups: LeaveGroups
  readonly environment: NodeJS.ProcessEnv
  readonly terminal: Terminal
  /** After it a one-shot command gives up. */
  readonly oneShotDeadlineMs: number
}

/** Version of this release, from its package.json. */
export function releaseVersion(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}

/** Commit that it was built from, as the image's build writes it beside the code; `unknown` anywhere else. */
export function releaseRevision(file = new URL('../revision', import.meta.url)): string {
  try {
    return /^[\w.-]{1,64}/.exec(readFileSync(file, 'utf8'))?.[0] ?? 'unknown'
  } catch {
    return 'unknown'
  }
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
      ended(await act(readConfig(flags, parts.environment, purpose)))
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
  defineUser(program, parts, ended)
  defineOrders(program, parts, ended)
  defineSwitch(program, parts, ended)
  defineLeave(program, parts, ended)
  for (const command of [program, ...descendants(program)]) {
    command
      .exitOverride()
      .configureOutput({
        writeOut: text => terminal.out(text.trimEnd()),
        // It repeats what was typed.
        writeErr: text => terminal.err(scrub(text.trimEnd())),
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
