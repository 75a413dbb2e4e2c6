import { BoundedLabel } from './boundedLabel.ts'
import type { Instruments } from './instruments.ts'
import { TASK_RESULTS } from './knownLabels.ts'
import type { PushMetrics } from './pushMetrics.ts'

/** What SWITCHER reports. */
export interface SwitcherMetrics extends PushMetrics {
  task(result: string): void
  servedMs(durationMs: number): void
}

/** A task waits 15 s: beyond 14 none is served. */
const SERVED_BUCKETS_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 14]

/** @param push its pushes, under the name of the role */
export function switcherMetrics(instruments: Instruments, isHere: boolean, push: PushMetrics): SwitcherMetrics {
  const results = new BoundedLabel(TASK_RESULTS.length, TASK_RESULTS)
  const tasks = instruments.counter(
    'onfile_task_switches_total',
    'Links that wait for their card (AUTHENTICATED with `send_card`), by what SWITCHER did: one that is `missed` waited in vain.',
    ['result'],
  )
  const served = instruments.histogram(
    'onfile_task_switch_wait_seconds',
    "From Knot's webhook, as its record or itself says, to the card on the wire. Knot waits 15 s.",
    [],
    SERVED_BUCKETS_SECONDS,
  )
  if (isHere) for (const result of TASK_RESULTS) tasks.inc({ result }, 0)
  return {
    ...push,
    task: result => tasks.inc({ result: results.bound(result) }),
    servedMs: durationMs => served.observe(Math.max(0, durationMs) / 1_000),
  }
}
