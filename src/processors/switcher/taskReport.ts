import type { CommandResultCode, UserEvent, VaultStatus } from '../../domain/records.ts'
import type { Task } from './readTask.ts'

/** How the push of a task ended, or that it starts. */
export interface TaskEnd {
  readonly result: CommandResultCode
  readonly reason: string | null
  readonly vaultStatus?: VaultStatus | null
  readonly vaultVersion?: string | null
  readonly httpStatus?: number | null
  readonly errorCode?: string | null
  readonly startedAtMs?: number | null
  readonly answeredAtMs?: number | null
}

/** Names the push of a task in reports and outcomes. No command of DECIDE has such an id. */
export function taskCommandId(taskId: string): string {
  return `task:${taskId}`
}

/** The report to DECIDE (`domain/taskResults.ts`): a result without a command, so its `decision_seq` is 0. */
export function taskReport(task: Task, end: TaskEnd, nowMs: number): UserEvent {
  return {
    user_id: task.userId,
    source: task.source,
    origin: task.source,
    occurred_at: end.answeredAtMs ?? nowMs,
    body: {
      kind: 'result',
      command_id: taskCommandId(task.taskId),
      command_kind: 'SWITCH',
      result: end.result,
      decision_seq: 0,
      attempt: 1,
      card_ref: task.cardRef,
      card_version: null,
      merchant_id: task.merchantId,
      reason: end.reason,
      vault_status: end.vaultStatus ?? null,
      vault_version: end.vaultVersion ?? null,
      accounts: [],
      removed: [],
      under_way: [],
      http_status: end.httpStatus ?? null,
      error_code: end.errorCode ?? null,
      started_at: end.startedAtMs ?? null,
      answered_at: end.answeredAtMs ?? null,
    },
  }
}
