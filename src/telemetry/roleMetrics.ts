import { BoundedLabel } from './boundedLabel.ts'
import type { Instruments } from './instruments.ts'
import { COMMAND_RESULTS, NOT_ACCEPTED_CAUSES } from './knownLabels.ts'
import type { PushMetrics } from './pushMetrics.ts'

const MAX_REASONS = 120
const MAX_CAUSES = 60

/** What PROVISION reports. */
export interface ProvisionMetrics extends PushMetrics {
  appliedCancelOffset(partition: number, offset: number): void
  openCommands(partition: number, count: number): void
  answered(kind: string, result: string, reason: string | null): void
  notAccepted(cause: string): void
  /** The partition has moved away: its series end. */
  forget(partition: number): void
}

/** @param push its pushes, under the name of the role */
export function provisionMetrics(instruments: Instruments, push: PushMetrics): ProvisionMetrics {
  const reasons = new BoundedLabel(MAX_REASONS)
  const causes = new BoundedLabel(MAX_CAUSES, NOT_ACCEPTED_CAUSES)
  const cancelOffset = instruments.gauge(
    'onfile_provision_applied_cancel_offset',
    'Offset of the last CANCEL that PROVISION applied. Absent until there is one since the partition came here.',
    ['partition'],
  )
  const open = instruments.gauge(
    'onfile_provision_open_commands',
    'Commands in the ledger. At `onfile_provision_limit{limit="open_commands"}` in a partition its input waits.',
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
  for (const [kind, result, known] of COMMAND_RESULTS) {
    for (const reason of known) answered.inc({ kind, result, reason: reasons.bound(reason) }, 0)
  }
  for (const cause of NOT_ACCEPTED_CAUSES) notAccepted.inc({ cause }, 0)
  return {
    ...push,
    appliedCancelOffset: (partition, offset) => cancelOffset.set({ partition: String(partition) }, offset),
    openCommands: (partition, count) => open.set({ partition: String(partition) }, count),
    answered: (kind, result, reason) => answered.inc({ kind, result, reason: reasons.bound(reason ?? '') }),
    notAccepted: cause => notAccepted.inc({ cause: causes.bound(cause) }),
    forget: partition => {
      cancelOffset.remove({ partition: String(partition) })
      open.remove({ partition: String(partition) })
    },
  }
}
