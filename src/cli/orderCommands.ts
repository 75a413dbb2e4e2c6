import { randomUUID } from 'node:crypto'
import type { Command } from 'commander'
import { durationOf } from './durationOption.ts'
import type { ExitCode } from './exitCodes.ts'
import { giveOrder } from './order.ts'
import { orderOf } from './order/flags.ts'
import type { OrderAction, OrderFlags } from './order/flags.ts'
import type { OpenOrderDesk } from './order/desk.ts'
import type { Terminal } from './report.ts'
import { readConfig, withSettings } from './settingFlags.ts'
import type { SettingFlags } from './settingFlags.ts'

/** What the orders need of the program. */
export interface OrderParts {
  readonly openOrderDesk: OpenOrderDesk
  readonly environment: NodeJS.ProcessEnv
  readonly terminal: Terminal
  readonly oneShotDeadlineMs: number
}

/** The orders of an operator, and which of the options that narrow an order each takes. */
const ORDERS: readonly { action: OrderAction; about: string; takes: readonly ('card' | 'merchant' | 'until')[] }[] = [
  { action: 'SUPPRESS', about: 'stop pushes of a user, and what waits', takes: ['card', 'merchant', 'until'] },
  {
    action: 'LIFT',
    about: 'end what is suppressed for exactly this scope, an opt-out too',
    takes: ['card', 'merchant'],
  },
  { action: 'RETRY', about: 'try again what has ended without success', takes: ['card', 'merchant'] },
  {
    action: 'CANCEL',
    about: 'stop what waits or is under way; the next event goes its usual way',
    takes: ['card', 'merchant'],
  },
  {
    action: 'FORGET',
    about:
      'erase a user: what waits is stopped, nothing is kept, no event of theirs leads to a push any more. Where the role ' +
      'switcher runs, a user who links a merchant anew is served by that link all the same',
    takes: [],
  },
]

const NARROWING = {
  card: ['--card <ref>', "the issuer's id of the card; left out: all cards of the user"],
  merchant: ['--merchant <id>', "Knot's id of the merchant; left out: all merchants"],
  until: ['--until <time>', 'when it ends by itself: 2026-12-31T23:59:59Z, or 30d from now; left out: never'],
} as const

/** Adds a command for each of the operator's orders. */
export function defineOrders(program: Command, parts: OrderParts, ended: (code: ExitCode) => void): void {
  for (const { action, about, takes } of ORDERS) {
    const command = program.command(action.toLowerCase()).description(`operator: ${about}`)
    command.requiredOption('--user <id>', 'the user, as Knot and the issuer know them')
    for (const option of takes) {
      const [flag, meaning] = NARROWING[option]
      command.option(flag, meaning)
    }
    command
      .requiredOption('--reason <text>', 'why; kept with the order')
      .option('--actor <name>', 'who orders it (default: $USER)')
      .option('--request-id <id>', 'your own id of this order (default: a new one)')
      .option('--wait <duration>', 'how long the outcome is waited for', durationOf, DEFAULT_WAIT_MS)
      .option('--no-wait', 'do not wait for the outcome')
    withSettings(command).action(async (flags: SettingFlags & OrderFlags & { wait: number | false }) => {
      const settings = readConfig(flags, parts.environment, 'records')
      const order = orderOf(action, flags, {
        now: Date.now(),
        loginName: parts.environment.USER,
        newRequestId: randomUUID,
        idPattern: settings.ingest.idPattern,
      })
      const timing = { deadlineMs: parts.oneShotDeadlineMs, waitMs: flags.wait === false ? null : flags.wait }
      ended(await giveOrder(settings, parts.terminal, order, timing, parts.openOrderDesk))
    })
  }
}

const DEFAULT_WAIT_MS = 30_000
