import { UNKNOWN_ACTOR } from '../../domain/operatorProof.ts'
import type { OperatorAction, OperatorCommand } from '../../domain/records.ts'
import type { PanFields } from '../ingest/panFields.ts'
import { holdsPan } from '../ingest/panScan.ts'

/** What is obeyed whatever its texts hold: what was meant as a stop and is not obeyed ends in a push. */
const STOPS: ReadonlySet<OperatorAction> = new Set(['SUPPRESS', 'CANCEL', 'FORGET'])

/** An order that may go further. */
export interface OrderWithoutNumbers {
  readonly command: OperatorCommand
  /** A text that would have been carried on held a card number: `onfile-user-events` still has it, somebody must know. */
  readonly isWithheld: boolean
}

/**
 * An order whose user and card are clean, without the card numbers in its other texts. A stop is obeyed without them: by
 * nobody known, and without its `request_id` (no hash of it either), because a stop that comes twice changes nothing; its
 * reason is carried nowhere and not looked at. Any other order loses who ordered it and why, and so has no effect: its
 * writer hears `REJECTED/operator`, mends it and may send it again.
 */
export function withoutCardNumbers(command: OperatorCommand, ids: PanFields): OrderWithoutNumbers {
  const { action, request_id, actor, reason } = command
  const isStop = STOPS.has(action)
  const inRequestId = ids.inId(request_id)
  const inActor = holdsPan(actor)
  const isWithheld = inRequestId || inActor
  if (!isWithheld && (isStop || !holdsPan(reason))) return { command, isWithheld }
  const order = { ...command, request_id: inRequestId ? '' : request_id }
  if (!isStop) return { command: { ...order, actor: '', reason: '' }, isWithheld }
  return { command: { ...order, actor: inActor ? withheldActor(action) : actor }, isWithheld }
}

/** An erasure needs somebody's name, and had it. A SUPPRESS without one cannot end a longer stop, and shall not. */
function withheldActor(action: OperatorAction): string {
  return action === 'FORGET' ? UNKNOWN_ACTOR : ''
}
