import { InvalidArgumentError } from 'commander'
import type { Command } from 'commander'
import { idOf, UNUSABLE } from '../processors/ingest/ids.ts'
import { PanFields } from '../processors/ingest/panFields.ts'
import { durationOf } from './durationOption.ts'
import type { ExitCode } from './exitCodes.ts'
import { UsageError } from './order/usageError.ts'
import type { Terminal } from './report.ts'
import { readConfig, withSettings } from './settingFlags.ts'
import type { SettingFlags } from './settingFlags.ts'
import { showUser } from './user.ts'
import type { ReadStory } from './user/story.ts'

/** What the command needs of the program. */
export interface UserParts {
  readonly readStory: ReadStory
  readonly environment: NodeJS.ProcessEnv
  readonly terminal: Terminal
}

interface UserFlags extends SettingFlags {
  readonly days: number
  readonly within: number
  readonly json?: boolean
  readonly all?: boolean
}

const DAY_MS = 86_400_000
const DEFAULT_DAYS = 30
const DEFAULT_WITHIN_MS = 60_000

/** Adds `onfile user`. */
export function defineUser(program: Command, parts: UserParts, ended: (code: ExitCode) => void): void {
  const command = program
    .command('user')
    .description('operator: what happened to a user, how things stand, and what comes next; changes nothing')
    .argument('<id>', 'the user, as Knot and the issuer know them')
    .option('--days <n>', 'how far back', daysOf, DEFAULT_DAYS)
    .option('--all', 'also commands, their answers and suppressions')
    .option('--json', 'everything as one JSON object, for machines')
    .option('--within <duration>', 'how long it may read', durationOf, DEFAULT_WITHIN_MS)
  withSettings(command).action(async (id: string, flags: UserFlags) => {
    const settings = readConfig(flags, parts.environment, 'records')
    const question = { userId: userOf(id, settings.ingest.idPattern), sinceMs: Date.now() - flags.days * DAY_MS }
    const options = { json: flags.json === true, everything: flags.all === true, withinMs: flags.within }
    ended(await showUser(settings, parts.terminal, question, options, parts.readStory))
  })
}

function userOf(text: string, idPattern: string | null): string {
  const id = idOf(text)
  if (id === null || id === UNUSABLE) throw new UsageError(['the user id must be 1 to 255 bytes of UTF-8'])
  if (new PanFields(idPattern).inId(id))
    throw new UsageError(['the user id holds a card number: give the id, never the card'])
  return id
}

function daysOf(text: string): number {
  const days = /^\d{1,4}$/.test(text) ? Number(text) : 0
  if (days === 0) throw new InvalidArgumentError('It must be a number of days such as 7.')
  return days
}
