import type { Command } from 'commander'
import type { Config } from '../../config/config.ts'
import type { SourcePosition } from '../../domain/records.ts'
import type { SwitchOrder } from '../../processors/control.ts'
import { holdsPan } from '../../processors/ingest/panScan.ts'
import { STALE_MS } from '../../processors/provision/killSwitch.ts'
import { withinDeadline } from '../deadline.ts'
import { EXIT } from '../exitCodes.ts'
import type { ExitCode } from '../exitCodes.ts'
import { positionText } from '../order/lines.ts'
import { UsageError } from '../order/usageError.ts'
import type { Terminal } from '../report.ts'
import { readConfig, withSettings } from '../settingFlags.ts'
import type { SettingFlags } from '../settingFlags.ts'

/** Writes the switch, once, acknowledged by all in-sync replicas. */
export type WriteSwitch = (config: Config, order: SwitchOrder, signal: AbortSignal) => Promise<SourcePosition>

/** What the switch needs of the program. */
export interface SwitchParts {
  readonly writeSwitch: WriteSwitch
  readonly environment: NodeJS.ProcessEnv
  readonly terminal: Terminal
  readonly oneShotDeadlineMs: number
}

interface SwitchFlags {
  readonly reason: string
  readonly actor?: string
}

const MAX_TEXT = 500
const PAUSED = [
  'Pushes are paused in the whole of this application.id, over restarts, until onfile resume.',
  `No process starts another one: usually within a second, ${STALE_MS / 1_000} s from now at the latest.`,
  'What is on the wire by then ends as it ends. Everything else waits; /readyz and onfile_paused show it.',
  'What waits beyond its hard deadline (policy.resultHard) ends as NO_RESULT: onfile retry tries it again.',
]
const RUNNING = ['Pushes go on: what has waited is sent at the configured rates.']

/** `onfile pause` and `onfile resume`: the global stop of pushes. */
export function defineSwitch(program: Command, parts: SwitchParts, ended: (code: ExitCode) => void): void {
  const define = (name: string, about: string, pushes: SwitchOrder['pushes'], done: readonly string[]): void => {
    const command = program
      .command(name)
      .description(`operator: ${about}`)
      .requiredOption('--reason <text>', 'why; kept with the switch, and shown where it is asked why nothing is pushed')
      .option('--actor <name>', 'who orders it (default: $USER)')
    withSettings(command).action(async (flags: SettingFlags & SwitchFlags) => {
      const settings = readConfig(flags, parts.environment, 'topics')
      const order = { pushes, ...textsOf(flags, parts.environment.USER), atMs: Date.now() }
      const what = `Kafka at ${settings.kafka.brokers.join(', ')}`
      const write = (signal: AbortSignal) => parts.writeSwitch(settings, order, signal)
      const position = await withinDeadline(what, parts.oneShotDeadlineMs, write)
      for (const line of done) parts.terminal.out(line)
      parts.terminal.out(`  switch ${positionText(position)}, by ${order.actor}: ${order.reason}`)
      ended(EXIT.done)
    })
  }
  define('pause', 'stop all pushes of all processes, until resume', 'paused', PAUSED)
  define('resume', 'let pushes go on after a pause', 'running', RUNNING)
}

/** @throws UsageError with every problem */
function textsOf(flags: SwitchFlags, loginName: string | undefined): Pick<SwitchOrder, 'actor' | 'reason'> {
  const actor = (flags.actor ?? loginName ?? '').trim()
  const reason = flags.reason.trim()
  const problems: string[] = []
  if (actor === '') problems.push('--actor is required where $USER is not set')
  if (reason === '') problems.push('--reason must say why: it is kept with the switch')
  for (const [option, text] of [
    ['--actor', actor],
    ['--reason', reason],
  ] as const) {
    if (text.length > MAX_TEXT) problems.push(`${option} must be no longer than ${MAX_TEXT} characters`)
    if (holdsPan(text)) problems.push(`${option} holds a card number: it would be kept for as long as the topic is`)
  }
  if (problems.length > 0) throw new UsageError(problems)
  return { actor, reason }
}
