import { BoundedLabel } from './boundedLabel.ts'
import { CALL_BUCKETS_SECONDS } from './callMetrics.ts'
import type { Instruments } from './instruments.ts'
import { PAUSE_REASONS } from './knownLabels.ts'
import { pacingMetrics } from './pacingMetrics.ts'
import type { PacingMetrics } from './pacingMetrics.ts'

const MAX_PAUSE_REASONS = 60
/** The roles that push cards. */
const PUSHING_ROLES: ReadonlySet<string> = new Set(['provision', 'switcher'])

/** What one role that pushes reports of its pushes. */
export interface PushMetrics extends PacingMetrics {
  pushMs(durationMs: number): void
  paused(reason: string, paused: boolean): void
}

/**
 * The metrics of pushes, each with the role in a label: PROVISION and SWITCHER push on their own.
 *
 * @param instruments where they are registered
 * @param roles those of this process: the series of those that push are there from the start
 */
export function pushMetrics(instruments: Instruments, roles: readonly string[]): (role: string) => PushMetrics {
  const pushing = roles.filter(role => PUSHING_ROLES.has(role))
  const reasons = new BoundedLabel(MAX_PAUSE_REASONS, PAUSE_REASONS)
  const pushSeconds = instruments.histogram(
    'onfile_push_duration_seconds',
    'From a push on the wire to its end.',
    ['role'],
    CALL_BUCKETS_SECONDS,
  )
  const paused = instruments.gauge('onfile_paused', '1 while a role pushes nothing, by reason.', ['role', 'reason'])
  const pacing = pacingMetrics(instruments, pushing)
  for (const role of pushing) {
    pushSeconds.zero({ role })
    for (const reason of PAUSE_REASONS) paused.set({ role, reason }, 0)
  }
  return role => ({
    ...pacing(role),
    pushMs: durationMs => pushSeconds.observe({ role }, durationMs / 1_000),
    paused: (reason, isPaused) => paused.set({ role, reason: reasons.bound(reason) }, isPaused ? 1 : 0),
  })
}
