import { Gauge } from 'prom-client'
import type { Registry } from 'prom-client'

/** The states of a task; one of them is 1 and the others are 0. */
const TASK_STATES = ['assigned', 'locking', 'restoring', 'running', 'draining', 'closed', 'fenced', 'failed'] as const

/** What is shown of a task: a part of the engine's `TaskStatus`. Offsets are -1 while unknown. */
export interface ShownTask {
  readonly role: string
  readonly topic: string
  readonly partition: number
  readonly state: string
  readonly waiting: object | null
  readonly position: number
  readonly lagRecords: number
  readonly lagSeconds: number
  readonly restoredRecords: number
  readonly restoreRemaining: number
  readonly effectsInFlight: number
}

const TASK_LABELS = ['role', 'topic', 'partition'] as const

/** Name, help and value of the gauges that have one value per task. */
const GAUGES: readonly [name: string, help: string, valueOf: (task: ShownTask) => number][] = [
  [
    'onfile_task_waiting',
    '1 while the task does not go on by itself (see /readyz for the reason).',
    task => (task.waiting === null ? 0 : 1),
  ],
  ['onfile_consumer_position', 'Next input offset to process, -1 while unknown.', task => task.position],
  [
    'onfile_consumer_lag_records',
    'Records between the position and the last stable offset.',
    task => Math.max(0, task.lagRecords),
  ],
  [
    'onfile_consumer_lag_seconds',
    'Age of the oldest record that is not processed yet, 0 when caught up.',
    task => Math.max(0, task.lagSeconds),
  ],
  ['onfile_state_restored_records', 'Changelog records read by the last restore.', task => task.restoredRecords],
  ['onfile_state_restore_remaining_records', 'Changelog records still to restore.', task => task.restoreRemaining],
  ['onfile_effects_in_flight', 'Calls to other systems under way.', task => task.effectsInFlight],
]

/**
 * Gauges of the tasks, read from their status at the moment of the scrape: a partition that has moved away leaves no
 * series behind.
 */
export function registerTaskGauges(registry: Registry, tasks: () => readonly ShownTask[]): void {
  for (const [name, help, valueOf] of GAUGES) {
    new Gauge({
      name,
      help,
      labelNames: TASK_LABELS,
      registers: [registry],
      collect() {
        this.reset()
        for (const task of tasks()) this.set(labelsOf(task), valueOf(task))
      },
    })
  }
  new Gauge({
    name: 'onfile_task_state',
    help: 'State of the task: 1 for the state that it is in, 0 for the others.',
    labelNames: [...TASK_LABELS, 'state'],
    registers: [registry],
    collect() {
      this.reset()
      for (const task of tasks()) {
        for (const state of TASK_STATES) this.set({ ...labelsOf(task), state }, task.state === state ? 1 : 0)
      }
    },
  })
  new Gauge({
    name: 'onfile_consumer_assigned_partitions',
    help: 'Input partitions that this process has.',
    labelNames: ['role', 'topic'],
    registers: [registry],
    collect() {
      this.reset()
      for (const { role, topic } of tasks()) this.inc({ role, topic })
    },
  })
}

function labelsOf({ role, topic, partition }: ShownTask): Record<'role' | 'topic' | 'partition', string> {
  return { role, topic, partition: String(partition) }
}
