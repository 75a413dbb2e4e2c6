import { TASK_STARTED } from '../../domain/taskResults.ts'
import type { UserEvent } from '../../domain/records.ts'
import { InputNotReadyError } from '../../engine/processor.ts'
import type { EffectOutcome, Encoder, Processor, TaskContext } from '../../engine/processor.ts'
import type { RecordView } from '../../kafka/recordBatch.ts'
import { appendedAtHeader } from '../appendedAt.ts'
import type { InputReader } from '../ingest/inputValue.ts'
import type { PanFields } from '../ingest/panFields.ts'
import { Performer } from '../provision/performer.ts'
import type { PerformerOptions } from '../provision/performer.ts'
import type { RecentRecords, SuppressionPort, SwitcherMetrics, TaskCount } from './ports.ts'
import { mayBeTask, readTask } from './readTask.ts'
import type { Task } from './readTask.ts'
import { RecentTasks } from './recentTasks.ts'
import { taskReport } from './taskReport.ts'
import type { TaskEnd } from './taskReport.ts'
import { serveTask } from './taskRun.ts'
import type { TaskEffect, TaskGate } from './taskRun.ts'

export interface SwitcherProcessorOptions extends PerformerOptions {
  readonly userEventsTopic: string
  readonly userEventEncoder: Encoder<UserEvent>
  readonly reader: InputReader
  readonly panFields: PanFields
  readonly suppressions: SuppressionPort
  readonly recentRecords: RecentRecords
  readonly metrics: SwitcherMetrics
}

type Context = TaskContext<object, TaskEffect>

/** Knot waits so long for the card of a task (`domain.md` 2.6). */
export const TASK_WINDOW_MS = 15_000
/** The push must be at Knot before the window closes. */
const ON_ITS_WAY_MS = 1_000
/** What the owner before may have served: a task that is older is not served any more. */
const LOOK_BACK_MS = 20_000

/**
 * SWITCHER for one partition of `knot-events`. The way of an AUTHENTICATED with `send_card`:
 *
 * 1. its record is read; a copy of one that was seen goes no further, nor does one whose window is over (reported)
 * 2. the start is reported, in one transaction with the offset of the record
 * 3. that cycle commits
 * 4. the push, as far as the window reaches: suppressions and the global stop are asked until it is on the wire
 * 5. its end is reported
 *
 * There is no state but DECIDE's: a crash before 3 leaves nothing, and the record is read again; after 3 it is not read
 * again, so no second push follows, and DECIDE ends the attempt by the webhook, the look or the hard deadline. Copies are
 * known by the ids of the tasks of late: a new owner reads them off the records before its position.
 */
export class SwitcherProcessor implements Processor<object, TaskEffect, TaskEnd> {
  readonly #options: SwitcherProcessorOptions
  readonly #performer: Performer
  readonly #at: { readonly topic: string; readonly partition: number }
  readonly #recent = new RecentTasks()
  readonly #gate: TaskGate = { isPaused: false, isDraining: false }
  #knowsRecent = false

  constructor(options: SwitcherProcessorOptions) {
    const { topic, partition } = options.task
    this.#options = options
    this.#performer = new Performer(options)
    this.#at = { topic, partition }
  }

  async prepare(records: readonly RecordView[], signal: AbortSignal): Promise<void> {
    const [first] = records
    if (this.#knowsRecent || first === undefined) return
    const { recentRecords, now } = this.#options
    const nowMs = now()
    const range = { sinceMs: nowMs - LOOK_BACK_MS, beforeOffset: first.offset }
    for (const record of await recentRecords(this.#at, range, mayBeTask, signal)) {
      const task = await this.#taskIn(record)
      if (task !== null) this.#recent.add(task.taskId, nowMs)
    }
    this.#knowsRecent = true
  }

  onRecord(record: RecordView, ctx: Context): void {
    const { reader, panFields } = this.#options
    const read = readTask(record, this.#at, reader, panFields)
    switch (read.kind) {
      case 'schema_needed':
        throw new InputNotReadyError(`schema ${read.schemaId} is not loaded`, () => reader.load(read.schemaId))
      case 'nameless':
        this.#count('no_task')
        return
      case 'task':
        this.#onTask(read.task, record, ctx)
        return
      case 'other':
    }
  }

  perform(effect: TaskEffect, signal: AbortSignal): Promise<TaskEnd> {
    const { suppressions, now } = this.#options
    return serveTask(this.#performer, suppressions, this.#gate, effect, signal, now)
  }

  onEffect({ task }: TaskEffect, outcome: EffectOutcome<TaskEnd>, ctx: Context): void {
    // What threw is a defect of ours, and may have thrown after the push.
    const end: TaskEnd = outcome.ok ? outcome.value : { result: 'AMBIGUOUS', reason: 'server_error' }
    if (!outcome.ok)
      this.#options.log.error({ error: outcome.error.name, taskId: task.taskId }, 'a task could not be served')
    this.#count(countOf(end))
    if (end.startedAtMs != null) this.#options.metrics.servedMs(end.startedAtMs - task.openedAtMs)
    this.#report(task, end, ctx)
  }

  onDraining(): void {
    this.#gate.isDraining = true
    this.#performer.dismiss()
  }

  onPaused(): void {
    this.#gate.isPaused = true
    this.#performer.dismiss()
  }

  onResumed(): void {
    this.#gate.isPaused = false
  }

  #onTask(task: Task, record: RecordView, ctx: Context): void {
    const openedAtMs = Math.min(task.openedAtMs, ctx.now)
    if (!this.#recent.add(task.taskId, ctx.now)) {
      this.#count('duplicate')
      return
    }
    const notAfterMs = openedAtMs + TASK_WINDOW_MS - ON_ITS_WAY_MS
    const why = this.#whyNot(task, record, ctx.now, notAfterMs)
    if (why !== null) {
      this.#count(why)
      this.#report(task, { result: 'NOT_SENT', reason: why === 'no_card' ? 'card_unknown' : 'not_after' }, ctx)
      return
    }
    this.#report(task, { result: 'AMBIGUOUS', reason: TASK_STARTED, startedAtMs: ctx.now }, ctx)
    ctx.startEffect({ task, notAfterMs })
  }

  #whyNot(task: Task, record: RecordView, nowMs: number, notAfterMs: number): TaskCount | null {
    if (nowMs >= notAfterMs) return 'missed'
    if (task.cardRef === null) return 'no_card'
    // Copies of a record without a key may stand in any partition, where nobody knows of each other.
    return record.keyEnd < 0 ? 'no_key' : null
  }

  #report(task: Task, end: TaskEnd, ctx: Context): void {
    const { userEventsTopic, userEventEncoder } = this.#options
    const to = ctx.partitionFor(userEventsTopic, task.userId)
    const headers = appendedAtHeader(Math.min(task.openedAtMs, ctx.now))
    ctx.forward(userEventsTopic, to, task.userId, taskReport(task, end, ctx.now), userEventEncoder, { headers })
  }

  #count(result: TaskCount): void {
    this.#options.metrics.task(result)
  }

  async #taskIn(record: RecordView): Promise<Task | null> {
    const { reader, panFields } = this.#options
    const read = readTask(record, this.#at, reader, panFields)
    if (read.kind === 'task') return read.task
    if (read.kind !== 'schema_needed') return null
    await reader.load(read.schemaId)
    return this.#taskIn(record)
  }
}

function countOf({ result, reason }: TaskEnd): TaskCount {
  switch (result) {
    case 'ACCEPTED':
      return 'accepted'
    case 'AMBIGUOUS':
      return 'ambiguous'
    case 'REJECTED':
      return 'rejected'
    case 'INVALID_CARD':
      return 'card_refused'
    case 'NOT_SENT':
      if (reason === 'suppressed') return 'suppressed'
      return reason === 'not_after' || reason === 'send_by' || reason === 'ownership' ? 'missed' : 'card_refused'
    default:
      return 'missed'
  }
}
