import type { ProvisioningCommand } from '../../domain/records.ts'
import { InputNotReadyError } from '../../engine/processor.ts'
import type { Codec } from '../../engine/processor.ts'
import type { RecordView } from '../../kafka/recordBatch.ts'
import type { UnreadableReason } from './ports.ts'

export type ReadCommand =
  | { readonly kind: 'command'; readonly command: ProvisioningCommand }
  | { readonly kind: 'unreadable'; readonly reason: UnreadableReason }

/**
 * The command in a record, or why there is none. A command that lacks what its kind needs cannot be carried out and is as
 * unreadable as broken bytes: DECIDE never writes one, another writer might.
 * @throws InputNotReadyError while the record's schema is not loaded
 */
export function readCommand(record: RecordView, codec: Codec<ProvisioningCommand>): ReadCommand {
  if (record.valueEnd < 0) return { kind: 'unreadable', reason: 'empty_value' }
  let command: ProvisioningCommand
  try {
    command = codec.decode(record.buffer, record.valueStart, record.valueEnd)
  } catch (error) {
    if (error instanceof InputNotReadyError) throw error
    return { kind: 'unreadable', reason: 'invalid_avro' }
  }
  return isComplete(command) ? { kind: 'command', command } : { kind: 'unreadable', reason: 'schema_violation' }
}

function isComplete(command: ProvisioningCommand): boolean {
  switch (command.kind) {
    case 'CANCEL':
      return command.cancels !== null
    case 'SWITCH':
      return command.card_ref !== null && (command.merchant_id !== null || command.task_id !== null)
    case 'DISCOVER':
    case 'RECONCILE':
      return true
    default:
      // A kind of a newer release reads as UNKNOWN.
      return false
  }
}
