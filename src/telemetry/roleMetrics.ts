import { BoundedLabel } from './boundedLabel.ts'
import { CALL_BUCKETS_SECONDS } from './callMetrics.ts'
import type { CallMetrics } from './callMetrics.ts'
import type { Instruments } from './instruments.ts'
import { COMMAND_RESULTS, NOT_ACCEPTED_CAUSES, PAUSE_REASONS } from './knownLabels.ts'
import { pacingMetrics } from './pacingMetrics.ts'
import type { PacingMetrics } from './pacingMetrics.ts'

const MAX_REASONS = 120
const MAX_CAUSES = 60

/** What PROVISION reports. */
export interface ProvisionMetrics extends PacingMetrics {
  appliedCancelOffset(partition: number, offset: number): void
  openCommands(partition: number, count: number): void
  answered(kind: string, result: string, reason: string | null): void
  notAccepted(cause: string): void
  pushMs(durationMs: number): void
  paused(reason: string, paused: boolean): void
  readonly called: CallMetrics['called']
  /** The partition has moved away: its series end. */
  forget(partition: number): void
}

export function provisionMetrics(instruments: Instruments, { called }: CallMetrics): ProvisionMetrics {
  const reasons = new BoundedLabel(MAX_REASONS)
  const causes = new BoundedLabel(MAX_CAUSES, NOT_ACCEPTED_CAUSES)
  const pauseReasons = new BoundedLabel(MAX_CAUSES, PAUSE_REASONS)
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
  const paused = instruments.gauge('onfile_paused', '1 while a role pushes nothing, by reason.', ['role', 'reason'])
  for (const [kind, result, known] of COMMAND_RESULTS) {
    for (const reason of known) answered.inc({ kind, result, reason: reasons.bound(reason) }, 0)
  }
  for (const cause of NOT_ACCEPTED_CAUSES) notAccepted.inc({ cause }, 0)
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
    called,
    forget: partition => {
      cancelOffset.remove({ partition: String(partition) })
      open.remove({ partition: String(partition) })
    },
  }
}
