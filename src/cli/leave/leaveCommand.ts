import type { Command } from 'commander'
import type { Config } from '../../config/config.ts'
import { withinDeadline } from '../deadline.ts'
import { EXIT } from '../exitCodes.ts'
import type { ExitCode } from '../exitCodes.ts'
import type { Terminal } from '../report.ts'
import { readConfig, withSettings } from '../settingFlags.ts'
import type { SettingFlags } from '../settingFlags.ts'

/** What came of it in one group: whether the instance was a member. */
export interface LeftGroup {
  readonly groupId: string
  readonly removed: boolean
}

/** Takes an instance (`kafka.groupInstanceId`) out of the groups of the configured roles. */
export type LeaveGroups = (config: Config, instanceId: string, signal: AbortSignal) => Promise<readonly LeftGroup[]>

/** What `onfile leave` needs of the program. */
export interface LeaveParts {
  readonly leaveGroups: LeaveGroups
  readonly environment: NodeJS.ProcessEnv
  readonly terminal: Terminal
  readonly oneShotDeadlineMs: number
}

/** `onfile leave`: for an instance that does not come back. Exit 1 where no group has it. */
export function defineLeave(program: Command, parts: LeaveParts, ended: (code: ExitCode) => void): void {
  const command = program
    .command('leave')
    .description('operator: give the partitions of an instance that does not come back to the others at once')
    .requiredOption('--instance <id>', 'its kafka.groupInstanceId: the name of the pod in the chart')
  withSettings(command).action(async (flags: SettingFlags & { readonly instance: string }) => {
    const { terminal, oneShotDeadlineMs } = parts
    const settings = readConfig(flags, parts.environment, 'topics')
    const what = `Kafka at ${settings.kafka.brokers.join(', ')}`
    const leave = (signal: AbortSignal) => parts.leaveGroups(settings, flags.instance, signal)
    const groups = await withinDeadline(what, oneShotDeadlineMs, leave)
    for (const { groupId, removed } of groups) {
      terminal.out(
        removed ? `✓ ${groupId}: ${flags.instance} has left` : `  ${groupId}: ${flags.instance} is no member`,
      )
    }
    if (groups.some(({ removed }) => removed)) return ended(EXIT.done)
    terminal.err(`${flags.instance} is in none of these groups: check --instance, application.id and roles`)
    ended(EXIT.failed)
  })
}
