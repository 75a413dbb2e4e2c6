import type {
  CancelledCommand,
  CommandResult,
  CommandResultCode,
  ProvisioningCommand,
  UserEvent,
} from '../../domain/records.ts'
import type { OpenCommand } from './openCommand.ts'

/** What a result adds to what its command says already. What is left out is null or empty. */
export type ResultFacts = Partial<
  Pick<
    CommandResult,
    | 'reason'
    | 'vault_status'
    | 'vault_version'
    | 'accounts'
    | 'removed'
    | 'under_way'
    | 'http_status'
    | 'error_code'
    | 'started_at'
    | 'answered_at'
  >
>

/** The one answer to a command, as the record of `onfile-user-events` that carries it. */
export function resultEvent(
  command: OpenCommand,
  result: CommandResultCode,
  facts: ResultFacts,
  nowMs: number,
): UserEvent {
  return {
    user_id: command.user_id,
    source: command.source,
    origin: command.origin,
    occurred_at: facts.answered_at ?? nowMs,
    body: {
      kind: 'result',
      command_id: command.command_id,
      command_kind: command.kind,
      result,
      decision_seq: command.decision_seq,
      attempt: command.attempt,
      card_ref: command.card_ref,
      card_version: command.card_version,
      merchant_id: command.merchant_id,
      reason: facts.reason ?? null,
      vault_status: facts.vault_status ?? null,
      vault_version: facts.vault_version ?? null,
      accounts: facts.accounts ?? [],
      removed: facts.removed ?? [],
      under_way: facts.under_way ?? [],
      http_status: facts.http_status ?? null,
      error_code: facts.error_code ?? null,
      started_at: facts.started_at ?? null,
      answered_at: facts.answered_at ?? null,
    },
  }
}

/** The answer to a CANCEL. */
export function cancelledEvent(
  cancel: ProvisioningCommand,
  removed: readonly CancelledCommand[],
  underWay: readonly CancelledCommand[],
  nowMs: number,
): UserEvent {
  return {
    user_id: cancel.user_id,
    source: cancel.source,
    origin: cancel.origin,
    occurred_at: nowMs,
    body: {
      kind: 'result',
      command_id: cancel.command_id,
      command_kind: 'CANCEL',
      result: 'CANCELLED',
      decision_seq: cancel.decision_seq,
      attempt: cancel.attempt,
      card_ref: cancel.card_ref,
      card_version: cancel.card_version,
      merchant_id: cancel.merchant_id,
      reason: null,
      vault_status: null,
      vault_version: null,
      accounts: [],
      removed,
      under_way: underWay,
      http_status: null,
      error_code: null,
      started_at: null,
      answered_at: nowMs,
    },
  }
}
