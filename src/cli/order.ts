import type { Config } from '../config/config.ts'
import type { CardOutcome } from '../domain/records.ts'
import { scrub } from '../telemetry/scrub.ts'
import { GaveUpError, withinDeadline } from './deadline.ts'
import { EXIT } from './exitCodes.ts'
import type { ExitCode } from './exitCodes.ts'
import { ownOutcome } from './order/desk.ts'
import type { OpenOrderDesk, WrittenOrder } from './order/desk.ts'
import type { UserOrder } from './order/flags.ts'
import { consequenceLines, orderLine, positionText, refusalLine, scopeText } from './order/lines.ts'
import type { Terminal } from './report.ts'

/** What came of an order within the time that its command waits. Exit code 69. */
export class OrderUnansweredError extends Error {
  override readonly name = 'OrderUnansweredError'
  readonly code = 'ORDER_UNANSWERED'

  constructor(order: UserOrder, written: WrittenOrder, waitMs: number) {
    const { action, request_id } = order.command
    super(
      `The ${action} is written (${positionText(written.position)}, request ${request_id}) but was not answered within ` +
        `${waitMs / 1_000} s. It stands and takes effect as soon as DECIDE reads it: look whether the decide role runs, ` +
        `and at its lag. onfile user ${order.userId} shows what became of it. Write it again only with --request-id ` +
        `${request_id}: then it is the same order.`,
    )
  }
}

export interface OrderTiming {
  /** For reaching Kafka and the registry, and for the write. */
  readonly deadlineMs: number
  /** For the outcome; null = it is not waited for. */
  readonly waitMs: number | null
}

/**
 * `onfile suppress | lift | retry | cancel | forget`: writes the order, then waits for its outcome. Exit 0 when it has
 * taken effect (or was only to be written), 1 when it was refused, 69 when nothing answers.
 */
export async function giveOrder(
  config: Config,
  terminal: Terminal,
  order: UserOrder,
  { deadlineMs, waitMs }: OrderTiming,
  open: OpenOrderDesk,
): Promise<ExitCode> {
  const what = `Kafka at ${config.kafka.brokers.join(', ')} or the schema registry`
  const desk = await withinDeadline(what, deadlineMs, signal => open(config, signal))
  try {
    const written = await withinDeadline(what, deadlineMs, signal => desk.write(order, signal))
    if (waitMs === null) {
      terminal.out(`${scopeText(order)}: written, not waited for`)
      terminal.out(orderLine(order, written.position))
      return EXIT.done
    }
    const outcomes = await outcomesWithin(order, written, waitMs)
    return report(terminal, order, written, outcomes)
  } finally {
    await desk.close()
  }
}

async function outcomesWithin(
  order: UserOrder,
  written: WrittenOrder,
  waitMs: number,
): Promise<readonly CardOutcome[]> {
  try {
    return await withinDeadline('The outcome', waitMs, signal => written.outcomes(signal))
  } catch (error) {
    throw error instanceof GaveUpError ? new OrderUnansweredError(order, written, waitMs) : error
  }
}

function report(
  terminal: Terminal,
  order: UserOrder,
  { position }: WrittenOrder,
  outcomes: readonly CardOutcome[],
): ExitCode {
  const own = ownOutcome(outcomes, position)
  const isRefused = own === undefined || own.status === 'REJECTED'
  const mark = isRefused ? '✗' : '✓'
  terminal.out(`${mark} ${scopeText(order)}: ${own === undefined ? 'no outcome' : `${own.status}/${own.reason}`}`)
  if (isRefused) terminal.out(`  ${refusalLine(order, own)}`)
  for (const line of consequenceLines(outcomes, own)) terminal.out(scrub(line))
  terminal.out(orderLine(order, position))
  return isRefused ? EXIT.failed : EXIT.done
}
