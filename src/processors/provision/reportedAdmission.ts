import { Admission } from './admission.ts'
import type { AdmissionOptions } from './admission.ts'
import type { ProvisionLog, PushHold, PushMetrics, PushSwitch } from './ports.ts'

export interface ReportedAdmissionOptions extends Pick<
  AdmissionOptions,
  'limits' | 'pushSwitch' | 'clockMs' | 'probeIntervalMs' | 'credentialsAccepted' | 'now'
> {
  /** Whose pushes they are, for people. */
  readonly role: 'PROVISION' | 'SWITCHER'
  readonly metrics: PushMetrics
  readonly log: ProvisionLog
  /** Open commands per partition at most, to be shown; null: the role keeps none. */
  readonly openCommands: number | null
}

/** The admission of one role: what it does, and what holds its pushes, is in the metrics and in the log. */
export function reportedAdmission(options: ReportedAdmissionOptions): Admission {
  const { role, metrics, log, pushSwitch, openCommands, now } = options
  const admission = new Admission({
    ...options,
    onBreakerOpened: of => {
      log.warn({ breaker: of }, 'a breaker opened: most of the last pushes failed, the next ones wait')
      metrics.breakerOpened(of)
    },
    onWaited: (kind, waitedMs) => metrics.waited(kind, waitedMs),
    onPaused: ({ reason }) => {
      log.error({ reason }, `${role} pauses: its credentials or its access are refused`)
      metrics.paused(reason, true)
    },
    onResumed: ({ reason, sinceMs }) => {
      log.info({ reason, pausedMs: now() - sinceMs }, `${role} goes on`)
      metrics.paused(reason, false)
    },
  })
  metrics.pacing(() => ({ ...admission.view(), openCommands }))
  reportHolds(pushSwitch, metrics, log)
  return admission
}

function reportHolds(pushSwitch: PushSwitch, metrics: PushMetrics, log: ProvisionLog): void {
  // At a start nothing is known for a moment: that is no news for the log.
  let held: PushHold['reason'] | null = pushSwitch.held()?.reason ?? null
  if (held !== null) metrics.paused(held, true)
  pushSwitch.onChange(() => {
    const hold = pushSwitch.held()
    if ((hold?.reason ?? null) === held) return
    if (held !== null) metrics.paused(held, false)
    held = hold?.reason ?? null
    if (hold === null) log.info({}, 'nobody has paused pushes, they go')
    else log.warn({ reason: hold.reason, detail: hold.detail }, 'pushes are held: they wait')
    if (held !== null) metrics.paused(held, true)
  })
}
