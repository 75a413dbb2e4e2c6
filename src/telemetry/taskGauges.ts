import type { Gauge } from 'prom-client'
import { BoundedLabel } from './boundedLabel.ts'
import type { Instruments } from './instruments.ts'

/** The states of a task; one of them is 1 and the others are 0. */
export const TASK_STATES = [
  'assigned',
  'locking',
  'restoring',
  'running',
  'draining',
  'closed',
  'fenced',
  'failed',
] as const

/** What is shown of a task: a part of the engine's `TaskStatus`. Offsets are -1 while unknown. */
export interface ShownTask {
  readonly role: string
  readonly topic: string
  readonly partition: number
  readonly state: string
  readonly waiting: object | null
  readonly paused: object | null
  readonly position: number
  readonly lagRecords: number
  readonly lagSeconds: number
  readonly blockedRecords: number
  readonly restoredRecords: number
  readonly restoreRemaining: number
  readonly effectsInFlight: number
  readonly timers: Readonly<Record<string, number>>
  readonly unflushedBytes: number
  readonly storeBytes: number
}

const TASK_LABELS = ['role', 'topic', 'partition'] as const
/** Kinds of timers are listed in code; another release's may stand in a state. */
const MAX_TIMER_KINDS = 20

/** Name, help and value of the gauges that have one value per task. */
const GAUGES: readonly [name: string, help: string, valueOf: (task: ShownTask) => number][] = [
  [
    'onfile_task_waiting',
    '1 while the task does not go on by itself (see /readyz for the reason).',
    task => (task.waiting === null ? 0 : 1),
  ],
  [
    'onfile_task_paused',
    '1 while an operator has paused the task on this instance: it takes no input, its lag grows.',
    task => (task.paused === null ? 0 : 1),
  ],
  ['onfile_consumer_position', 'Next input offset to process, -1 while unknown.', task => task.position],
  [
    'onfile_consumer_lag_records',
    'Offsets between what is committed and the last stable offset. Measured by positions: 0 when caught up.',
    task => Math.max(0, task.lagRecords),
  ],
  [
    'onfile_consumer_lag_seconds',
    'Age of the oldest record that is not committed yet, 0 when caught up, also on an idle topic.',
    task => Math.max(0, task.lagSeconds),
  ],
  [
    'onfile_input_blocked_records',
    'Offsets that open transactions in the input hide, once everything before them is processed: they are not lag, and timers wait for them too.',
    task => task.blockedRecords,
  ],
  ['onfile_state_restored_records', 'Changelog records read by the last restore.', task => task.restoredRecords],
  [
    'onfile_state_restore_remaining_records',
    'Changelog records still to restore, 0 once it is done.',
    task => task.restoreRemaining,
  ],
  [
    'onfile_store_unflushed_bytes',
    'Committed changes that the local store has not taken yet. They are safe in the changelog.',
    task => task.unflushedBytes,
  ],
  [
    'onfile_state_store_bytes',
    'What the local store of the task takes on disk, garbage that is not reclaimed yet included.',
    task => task.storeBytes,
  ],
  ['onfile_effects_in_flight', 'Calls to other systems under way.', task => task.effectsInFlight],
]

/** Sets the gauges of the tasks from one look at them: a partition that has moved away leaves no series behind. */
export function taskGauges(instruments: Instruments): (tasks: readonly ShownTask[]) => void {
  const gauges = GAUGES.map(([name, help, valueOf]) => ({ gauge: instruments.gauge(name, help, TASK_LABELS), valueOf }))
  const state = instruments.gauge(
    'onfile_task_state',
    'State of the task: 1 for the state that it is in, 0 for the others.',
    [...TASK_LABELS, 'state'],
  )
  const assigned = instruments.gauge(
    'onfile_consumer_assigned_partitions',
    'Input partitions that this process has, in whatever state.',
    ['role', 'topic'],
  )
  const timers = instruments.gauge(
    'onfile_timers_waiting',
    'Durable timers that wait. `switch` are attempts that wait for a retry or a gap, `vault` cards that are looked up, or will be again.',
    ['role', 'kind'],
  )
  const kinds = new BoundedLabel(MAX_TIMER_KINDS)
  return tasks => {
    for (const gauge of [...gauges.map(({ gauge }) => gauge), state, assigned, timers] as Gauge[]) gauge.reset()
    for (const kind of ['vault', 'switch', 'soft', 'hard', 'until']) timers.set({ role: 'decide', kind }, 0)
    timers.set({ role: 'provision', kind: 'wake' }, 0)
    for (const task of tasks) {
      const { role, topic } = task
      const labels = { role, topic, partition: String(task.partition) }
      for (const { gauge, valueOf } of gauges) gauge.set(labels, valueOf(task))
      for (const name of TASK_STATES) state.set({ ...labels, state: name }, task.state === name ? 1 : 0)
      assigned.inc({ role, topic })
      for (const [kind, count] of Object.entries(task.timers)) timers.inc({ role, kind: kinds.bound(kind) }, count)
    }
  }
}
