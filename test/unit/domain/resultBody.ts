import type { CommandResult, ProvisioningCommand } from '../../../src/domain/records.ts'

type Facts = Partial<CommandResult> & Pick<CommandResult, 'result'>

/** PROVISION's answer to a command: what is not said is null or empty. */
export function answerTo(command: ProvisioningCommand, facts: Facts): CommandResult {
  return {
    ...BLANK,
    command_id: command.command_id,
    command_kind: command.kind,
    decision_seq: command.decision_seq,
    attempt: command.attempt,
    card_ref: command.card_ref,
    card_version: command.card_version,
    merchant_id: command.merchant_id,
    ...facts,
  }
}

/** SWITCHER's report on a task: DECIDE has written no command for it. */
export function reportOn(taskId: number, cardRef: string, merchantId: number, facts: Facts): CommandResult {
  return { ...BLANK, command_id: `task:${taskId}`, card_ref: cardRef, merchant_id: merchantId, ...facts }
}

const BLANK: Omit<CommandResult, 'result'> = {
  kind: 'result',
  command_id: '',
  command_kind: 'SWITCH',
  decision_seq: 0,
  attempt: 1,
  card_ref: null,
  card_version: null,
  merchant_id: null,
  reason: null,
  vault_status: null,
  vault_version: null,
  accounts: [],
  removed: [],
  under_way: [],
  http_status: null,
  error_code: null,
  started_at: null,
  answered_at: null,
}
