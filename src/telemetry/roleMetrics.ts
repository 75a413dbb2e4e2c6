import { BoundedLabel } from './boundedLabel.ts'
import type { Instruments } from './instruments.ts'
import { CALLS, COMMAND_RESULTS, NOT_ACCEPTED_CAUSES, PAUSE_REASONS } from './knownLabels.ts'
import { pacingMetrics } from './pacingMetrics.ts'
import type { PacingMetrics } from './pacingMetrics.ts'

const MAX_REASONS = 120
const MAX_CAUSES = 60
const CALL_BUCKETS_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20]

/** What PROVISION reports. */
export interface ProvisionMetrics extends PacingMetrics {
  appliedCancelOffset(partition: number, offset: number): void
  openCommands(partition: number, count: number): void
  answered(kind: string, result: string, reason: string | null): void
  notAccepted(cause: string): void
  pushMs(durationMs: number): void
  paused(reason: string, paused: boolean): void
  /** A call to another system ended; `answer` is its kind. */
  readonly called: (system: string, operation: string, answer: string, durationMs: number) => void
  /** The partition has moved away: its series end. */
  forget(partition: number): void
}

export function provisionMetrics(instruments: Instruments): ProvisionMetrics {
  const reasons = new BoundedLabel(MAX_REASONS)
  const causes = new BoundedLabel(MAX_CAUSES, NOT_ACCEPTED_CAUSES)
  const pauseReasons = new BoundedLabel(MAX_CAUSES, PAUSE_REASONS)
  const answers = new BoundedLabel(MAX_CAUSES)
  const cancelOffset = instruments.gauge(
    'onfile_provision_applied_cancel_offset',
    'Offset of the last CANCEL that PROVISION applied. Absent until there is one since the partition came here.',
    ['partition'],
  )
  const open = instruments.gauge(
    'onfile_provision_open_commands',
    'Commands in the ledger. At `provision.openCommands` in a partition its input waits.',
    ['partition'],
  )
  const answered = instruments.counter('onfile_commands_answered_total', 'Commands answered, by result.', [
    'kind',
    'result',
    'reason',
  ])
  const notAccepted = instruments.counter(
    'onfile_requests_not_accepted_total',
    'Requests that come again within their attempt, by cause.',
    ['cause'],
  )
  const pushSeconds = instruments.histogram(
    'onfile_push_duration_seconds',
    'From a push on the wire to its end.',
    [],
    CALL_BUCKETS_SECONDS,
  )
  const calls = instruments.counter('onfile_calls_total', 'Calls to Knot and to the vault, by what they answered.', [
    'system',
    'operation',
    'answer',
  ])
  const callSeconds = instruments.histogram(
    'onfile_call_duration_seconds',
    'Calls to Knot and to the vault, with the wait for a connection; a key from the cache counts too.',
    ['system', 'operation'],
    CALL_BUCKETS_SECONDS,
  )
  const paused = instruments.gauge('onfile_paused', '1 while a role pushes nothing, by reason.', ['role', 'reason'])
  for (const [kind, result, known] of COMMAND_RESULTS) {
    for (const reason of known) answered.inc({ kind, result, reason: reasons.bound(reason) }, 0)
  }
  for (const cause of NOT_ACCEPTED_CAUSES) notAccepted.inc({ cause }, 0)
  for (const [system, operation, known] of CALLS) {
    callSeconds.zero({ system, operation })
    for (const answer of known) calls.inc({ system, operation, answer: answers.bound(answer) }, 0)
  }
  for (const reason of PAUSE_REASONS) paused.set({ role: 'provision', reason }, 0)
  return {
    ...pacingMetrics(instruments),
    appliedCancelOffset: (partition, offset) => cancelOffset.set({ partition: String(partition) }, offset),
    openCommands: (partition, count) => open.set({ partition: String(partition) }, count),
    answered: (kind, result, reason) => answered.inc({ kind, result, reason: reasons.bound(reason ?? '') }),
    notAccepted: cause => notAccepted.inc({ cause: causes.bound(cause) }),
    pushMs: durationMs => pushSeconds.observe(durationMs / 1_000),
    paused: (reason, isPaused) =>
      paused.set({ role: 'provision', reason: pauseReasons.bound(reason) }, isPaused ? 1 : 0),
    called: (system, operation, answer, durationMs) => {
      calls.inc({ system, operation, answer: answers.bound(answer) })
      callSeconds.observe({ system, operation }, durationMs / 1_000)
    },
    forget: partition => {
      cancelOffset.remove({ partition: String(partition) })
      open.remove({ partition: String(partition) })
    },
  }
}
