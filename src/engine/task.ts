import { join } from 'node:path'
import type { Logger } from 'pino'
import type { Fetcher } from '../kafka/fetcher.ts'
import type { GroupMember } from '../kafka/groupMember.ts'
import { KafkaError } from '../kafka/errors.ts'
import { listOffset } from '../kafka/offsets.ts'
import type { RecordView } from '../kafka/recordBatch.ts'
import { TransactionalProducer } from '../kafka/transaction.ts'
import type { LocalStore } from '../store/localStore.ts'
import { sleep } from './backoff.ts'
import { Committer, cycleNumberOf } from './commit.ts'
import { CommitSchedule } from './commitSchedule.ts'
import { CycleContext } from './context.ts'
import { Cycle } from './cycle.ts'
import { EffectRunner } from './effects.ts'
import {
  inputTruncatedError,
  offsetMissingError,
  OwnershipLostError,
  ProcessorFailedError,
  TaskError,
} from './errors.ts'
import { TaskInput } from './input.ts'
import type { EngineOptions } from './options.ts'
import { InputNotReadyError } from './processor.ts'
import type { Processor, Topology } from './processor.ts'
import { recoverState } from './recovery.ts'
import type { PartitionState } from './state.ts'
import type { TaskState, TaskStatus } from './status.ts'

/** An idle task looks around this often; one with an overdue timer that waits for the input, more often. */
const IDLE_TURN_MS = 1_000
const OVERDUE_TIMER_TURN_MS = 25
const FLUSH_INTERVAL_MS = 2_000
const FLUSH_BYTES = 8 << 20
/** The checkpoint's stamp is renewed so often while nothing changes, so that its age means "not owned since". */
const STAMP_INTERVAL_MS = 3_600_000
/** Committed changes that the store could not take (a full disk): beyond this the task stops rather than fill the heap. */
const MAX_UNFLUSHED_BYTES = 256 << 20

/** A drain whose last commit stays in doubt ends so long after its deadline; the next owner finds out what held. */
const DRAIN_OVERRUN_MS = 2_000

export interface TaskOptions<Tables extends object, Effect, Result> {
  readonly engine: EngineOptions
  readonly topology: Topology<Tables, Effect, Result>
  readonly topic: string
  readonly partition: number
  readonly groupId: string
  readonly member: GroupMember
  readonly fetcher: Fetcher
  readonly partitionCounts: ReadonlyMap<string, number>
}

export type TaskEnd = { readonly kind: 'closed' } | { readonly kind: 'failed'; readonly error: TaskError }

/** Where a task keeps its local store. */
export function storeDirectory(stateDirectory: string, role: string, topic: string, partition: number): string {
  return join(stateDirectory, role, `${topic}-${partition}`)
}

/**
 * One input partition: lock, restore, then commit cycles until it is drained or lost. An actor: one loop runs all
 * callbacks of its processor, one at a time; commits, store writes and effects go on beside it. See `docs/design.md`
 * for the numbered steps.
 */
export class Task<Tables extends object, Effect, Result> {
  readonly topic: string
  readonly partition: number
  private readonly options: TaskOptions<Tables, Effect, Result>
  private readonly log: Logger
  private readonly processor: Processor<Tables, Effect, Result>
  private readonly producer: TransactionalProducer
  private readonly abort = new AbortController()
  private readonly effects: EffectRunner<Effect, Result>
  private readonly cycles: [Cycle<Effect>, Cycle<Effect>] = [new Cycle<Effect>(), new Cycle<Effect>()]
  private cycle = this.cycles[0]
  private context!: CycleContext<Tables, Effect>
  private committer!: Committer
  private store: LocalStore | null = null
  private state: PartitionState | null = null
  private input: TaskInput | null = null

  private lifecycle: TaskState = 'assigned'
  private waiting: { reason: string; sinceMs: number } | null = null
  private error: TaskError | null = null
  private cycleNumber = 0
  private committedOffset = 0
  private committing = false
  private readonly schedule: CommitSchedule
  /** The start offset of a group that had none: committed even if nothing is processed. */
  private commitStart = false
  private drainUntilMs = Number.POSITIVE_INFINITY
  private fatal: Error | null = null
  private wakeUp: (() => void) | null = null
  private flushedAtMs = 0
  private lastRecordMs = 0
  private troubleSinceMs = 0
  private restoredRecords = 0
  private restoreRemaining = 0

  constructor(options: TaskOptions<Tables, Effect, Result>) {
    const { engine, topology, topic, partition, groupId, member } = options
    this.options = options
    this.topic = topic
    this.partition = partition
    this.schedule = new CommitSchedule(engine.commitIntervalMs)
    this.log = engine.log.child({ role: topology.role, topic, partition })
    this.processor = topology.createProcessor({
      role: topology.role,
      topic,
      partition,
      heartbeatAgeMs: () => member.heartbeatAgeMs(),
      sessionTimeoutMs: engine.sessionTimeoutMs,
    })
    this.producer = new TransactionalProducer(engine.cluster, {
      transactionalId: `${engine.applicationId}-${topology.role}-${topic}-${partition}`,
      groupId,
      timeoutMs: engine.transactionTimeoutMs,
      compression: engine.compression,
      ...(engine.forceTransactionProtocol === undefined ? {} : { forceProtocol: engine.forceTransactionProtocol }),
    })
    const perform = (effect: Effect, signal: AbortSignal): Promise<Result> => {
      if (!this.processor.perform) throw new Error('The processor starts effects but cannot perform them')
      return this.processor.perform(effect, signal)
    }
    this.effects = new EffectRunner(perform, this.abort.signal, () => this.wake())
    this.enter('assigned')
  }

  status(): TaskStatus {
    const position = this.input?.position ?? -1
    const endOffset = this.input?.lastStableOffset ?? -1
    const lagRecords = position < 0 || endOffset < 0 ? 0 : Math.max(0, endOffset - position)
    const lagSeconds =
      lagRecords === 0 || this.lastRecordMs === 0 ? 0 : Math.max(0, (Date.now() - this.lastRecordMs) / 1000)
    return {
      role: this.options.topology.role,
      topic: this.topic,
      partition: this.partition,
      state: this.lifecycle,
      waiting: this.waiting ?? this.trouble(),
      position,
      endOffset,
      lagRecords,
      lagSeconds,
      restoredRecords: this.restoredRecords,
      restoreRemaining: this.restoreRemaining,
      cycle: this.cycleNumber,
      effectsInFlight: this.effects.inFlight,
      transactionProtocol: this.producer.epoch < 0 ? null : this.producer.protocol,
      error: this.error === null ? null : { code: this.error.code, message: this.error.message },
    }
  }

  /** Takes the partition over and works until drained or lost. Never rejects. */
  async run(): Promise<TaskEnd> {
    let end: TaskEnd
    try {
      await this.open()
      await this.loop()
      end = { kind: 'closed' }
    } catch (error) {
      this.error = this.toTaskError(error)
      end = { kind: 'failed', error: this.error }
    }
    this.abort.abort()
    await this.close()
    if (end.kind === 'closed') this.enter('closed')
    else this.enter(end.error instanceof OwnershipLostError ? 'fenced' : 'failed')
    return end
  }

  /** Finishes what runs, starts nothing new, commits, and ends; what is not finished by `deadlineMs` from now is left. */
  drain(deadlineMs: number): void {
    if (this.drainUntilMs !== Number.POSITIVE_INFINITY) return
    this.drainUntilMs = performance.now() + deadlineMs
    if (this.lifecycle === 'running') {
      this.enter('draining')
      this.processor.onDraining?.()
    } else if (this.lifecycle !== 'closed' && this.lifecycle !== 'failed' && this.lifecycle !== 'fenced') {
      this.abort.abort(new OwnershipLostError(`${this.topic}-${this.partition}: given up before it was open`))
    }
    this.wake()
  }

  // ------------------------------------------------------------------------------------------------ taking over

  private async open(): Promise<void> {
    const { engine, topology } = this.options
    const { signal } = this.abort
    this.enter('locking')
    await this.producer.takeOver(signal)
    await engine.onStep?.('locked', this.topic, this.partition)
    const committed = await this.producer.committedOffset(this.topic, this.partition, signal)
    this.cycleNumber = cycleNumberOf(committed.metadata)
    this.committer = new Committer(
      {
        producer: this.producer,
        topic: this.topic,
        partition: this.partition,
        membership: () => this.options.member.membership,
        confirmed: s => this.options.member.confirmed(s),
        signal,
        log: this.log,
        onWaiting: reason => this.wait(reason),
        onStep: engine.onStep && (step => engine.onStep?.(step, this.topic, this.partition)),
      },
      committed,
    )

    this.enter('restoring')
    const hasState = await this.recover()
    const changelog = topology.changelog
    if (committed.offset < 0 && hasState && changelog !== undefined) {
      throw offsetMissingError(this.topic, this.partition, changelog)
    }
    const startOffset = committed.offset < 0 ? await this.resolveStart() : committed.offset
    this.committedOffset = startOffset
    this.commitStart = committed.offset < 0
    await engine.onStep?.('restored', this.topic, this.partition)

    const state = this.state
    const tables = state === null ? ({} as never) : state.createTables(topology.tables)
    this.context = new CycleContext(this.topic, this.partition, tables, state, this.cycle, this.options.partitionCounts)
    await this.callOnRestored()

    signal.throwIfAborted()
    this.input = new TaskInput({
      subscription: this.options.fetcher.subscribe(this.topic, this.partition, startOffset, () => this.wake()),
      position: startOffset,
      prepare: this.processor.prepare?.bind(this.processor),
      signal,
      wake: () => this.wake(),
      onWaiting: reason => this.wait(reason),
    })
    this.enter('running')
  }

  /** True if there is any state. */
  private async recover(): Promise<boolean> {
    const { engine, topology, fetcher } = this.options
    const { changelog, role } = topology
    if (changelog === undefined) return false
    const startedMs = performance.now()
    const recovered = await recoverState({
      cluster: engine.cluster,
      fetcher,
      changelog,
      partition: this.partition,
      directory: storeDirectory(engine.stateDirectory, role, this.topic, this.partition),
      stateVersion: topology.stateVersion,
      cacheEntries: engine.cacheEntries,
      maxStoreAgeMs: engine.maxStoreAgeMs,
      noProgressMs: engine.restoreNoProgressMs,
      signal: this.abort.signal,
      log: this.log,
      onProgress: (restored, remaining) => {
        this.restoredRecords = restored
        this.restoreRemaining = remaining
      },
      onOpened: store => {
        this.store = store
      },
    })
    engine.observer.restored(role, this.topic, this.partition, recovered.records, performance.now() - startedMs)
    this.state = recovered.state
    this.flushedAtMs = performance.now()
    if (recovered.stampVersion) {
      this.begin(Date.now())
      this.state.stampVersion()
      this.cycle.inputs++
    }
    return recovered.hasState
  }

  private async resolveStart(): Promise<number> {
    const { engine, topology } = this.options
    return listOffset(
      engine.cluster,
      this.topic,
      this.partition,
      topology.startAt(this.topic, this.partition),
      this.abort.signal,
    )
  }

  private async callOnRestored(): Promise<void> {
    if (!this.processor.onRestored) return
    const release = await this.state?.loadEntries()
    this.begin(Date.now())
    this.call('onRestored', () => this.processor.onRestored?.(this.context))
    release?.()
  }

  // ------------------------------------------------------------------------------------------------ commit cycles

  private async loop(): Promise<void> {
    for (;;) {
      if (this.fatal !== null) throw this.fatal
      this.abort.signal.throwIfAborted()
      if (this.input?.failure) throw this.input.failure
      const now = Date.now()
      const worked = this.gather(now)
      const sleepMs = this.commitWhenDue(now)
      if (this.draining && this.drained()) return
      if (performance.now() > this.drainUntilMs + DRAIN_OVERRUN_MS) throw drainOverrunError(this.topic, this.partition)
      if (worked) {
        await yieldToIo()
      } else {
        this.flushWhenDue()
        await this.sleepUntilWoken(sleepMs)
      }
    }
  }

  private get draining(): boolean {
    return this.drainUntilMs !== Number.POSITIVE_INFINITY
  }

  private drained(): boolean {
    if (this.committing || !this.cycle.empty) return false
    if (this.effects.finishedCount > 0) return false
    return this.effects.inFlight === 0 || performance.now() >= this.drainUntilMs
  }

  /** Step 1: results of effects, then due timers, then input, into the current cycle. True if anything was done. */
  private gather(now: number): boolean {
    if (this.cycleFull()) return false
    let worked = false
    this.begin(now)
    for (;;) {
      if (this.cycleFull()) return true
      const finished = this.effects.takeFinished()
      if (finished === undefined) break
      this.call('onEffect', () => this.processor.onEffect?.(finished.effect, finished.outcome, this.context))
      this.cycle.inputs++
      worked = true
    }
    if (this.draining || this.input === null) return worked
    const wantsInput = this.processor.wantsInput?.() ?? true
    if (this.fireTimers(now, wantsInput)) worked = true
    if (wantsInput && !this.cycleFull() && this.input.take(this.handleRecord)) {
      this.schedule.positionMoved()
      worked = true
    }
    return worked
  }

  /**
   * A timer waits until the input has been read past everything appended before it was due. Where the processor itself
   * holds the input back, timers go on: they are what empties it.
   */
  private fireTimers(now: number, wantsInput: boolean): boolean {
    const state = this.state
    if (state === null || this.input === null) return false
    const until = wantsInput ? Math.min(now, this.input.readUpToMs) : now
    let fired = false
    while (!this.cycleFull()) {
      const timer = state.timers.take(until)
      if (timer === undefined) break
      state.fired(timer.key, timer.name)
      this.call('onTimer', () => this.processor.onTimer?.(timer, this.context))
      this.cycle.inputs++
      fired = true
    }
    return fired
  }

  /** One bound function for all records: no closure per record on the hot path. */
  private readonly handleRecord = (record: RecordView): boolean => {
    if (this.cycleFull()) return false
    try {
      this.processor.onRecord(record, this.context)
    } catch (error) {
      if (error instanceof InputNotReadyError) throw error
      throw new ProcessorFailedError(`onRecord for ${this.topic}-${this.partition}@${record.offset}`, error)
    }
    const cycle = this.cycle
    cycle.inputs++
    cycle.records++
    if (record.timestamp < cycle.oldestRecordMs) cycle.oldestRecordMs = record.timestamp
    this.lastRecordMs = record.timestamp
    return true
  }

  private call(where: string, callback: () => void): void {
    try {
      callback()
    } catch (error) {
      throw new ProcessorFailedError(`${where} for ${this.topic}-${this.partition}`, error)
    }
  }

  private begin(now: number): void {
    this.state?.begin(this.cycle, now)
    // During the restore there is no context yet.
    const context = this.context as CycleContext<Tables, Effect> | undefined
    if (context === undefined) return
    context.now = now
    context.cycle = this.cycle
  }
  private cycleFull(): boolean {
    return this.cycle.full || this.cycle.records >= this.options.engine.maxRecordsPerCycle
  }

  /** Starts a commit if one is due; else how long until it is. */
  private commitWhenDue(now: number): number {
    const timerWaitMs = this.timerWaitMs(now)
    if (this.committing) return timerWaitMs
    let dueInMs: number
    if (!this.cycle.empty) {
      dueInMs = this.schedule.dueInMs(this.draining || this.cycleFull() ? 'full' : 'open')
    } else if (this.commitStart) {
      dueInMs = 0
    } else {
      const moved = this.input !== null && this.input.position !== this.committedOffset
      if (!moved) return timerWaitMs
      dueInMs = this.draining ? 0 : this.schedule.dueInMs('position-only')
    }
    if (dueInMs > 0) return Math.min(timerWaitMs, dueInMs)
    this.startCommit()
    return 0
  }

  /** Until the next timer; one that is overdue waits for the input, which is looked at again soon. */
  private timerWaitMs(now: number): number {
    const nextDueAtMs = this.state?.timers.nextDueAtMs ?? Number.POSITIVE_INFINITY
    return nextDueAtMs > now ? Math.min(IDLE_TURN_MS, nextDueAtMs - now) : OVERDUE_TIMER_TURN_MS
  }

  private startCommit(): void {
    const cycle = this.cycle
    cycle.number = ++this.cycleNumber
    cycle.endOffset = this.input?.position ?? this.committedOffset
    this.cycle = this.cycles[0] === cycle ? this.cycles[1] : this.cycles[0]
    this.commitStart = false
    this.committing = true
    this.schedule.started()
    this.commit(cycle).then(
      () => {
        this.committing = false
        this.schedule.ended()
        this.wake()
      },
      (error: unknown) => {
        this.fatal = error instanceof Error ? error : new Error(String(error))
        this.wake()
      },
    )
  }

  private async commit(cycle: Cycle<Effect>): Promise<void> {
    const { engine, topology } = this.options
    const { role } = topology
    await engine.onStep?.('gathered', this.topic, this.partition)
    const startedMs = performance.now()
    try {
      // Steps 2 to 4.
      const { verdict, nextOffsets } = await this.committer.commit(cycle)
      this.committedOffset = cycle.endOffset
      engine.observer.cycle(role, this.topic, this.partition, verdict, performance.now() - startedMs, cycle.records)
      if (cycle.records > 0) engine.observer.freshness(role, this.topic, Date.now() - cycle.oldestRecordMs)
      await engine.onStep?.('committed', this.topic, this.partition)
      // Step 5.
      this.state?.committed(cycle, nextOffsets.get(`${topology.changelog}/${this.partition}`))
      this.flushWhenDue()
      await engine.onStep?.('stored', this.topic, this.partition)
      // Step 6.
      this.effects.start(cycle.effects)
      await engine.onStep?.('effects-started', this.topic, this.partition)
      cycle.reset()
    } catch (error) {
      engine.observer.cycle(role, this.topic, this.partition, 'lost', performance.now() - startedMs, cycle.records)
      throw error
    }
  }

  private flushWhenDue(): void {
    const state = this.state
    if (state === null || state.flushUnderWay) return
    const now = performance.now()
    const age = now - this.flushedAtMs
    const due = state.unflushedBytes > FLUSH_BYTES || (state.unflushedBytes > 0 && age > FLUSH_INTERVAL_MS)
    if (!due && age < STAMP_INTERVAL_MS) return
    this.flushedAtMs = now
    state.flush(Date.now()).catch((error: unknown) => {
      this.log.warn({ err: error }, 'local store cannot be written; state is safe in the changelog, and is tried again')
      if (state.unflushedBytes < MAX_UNFLUSHED_BYTES) return
      this.fatal = new TaskError(
        'STORE_UNWRITABLE',
        `The local store of ${this.topic}-${this.partition} has not taken a write for ${state.unflushedBytes} bytes: the ` +
          'volume of state.dir is full or broken. The operator must free it; nothing is lost.',
        { retry: 'reopen', cause: error },
      )
      this.wake()
    })
  }

  // ------------------------------------------------------------------------------------------------ ending

  private async close(): Promise<void> {
    this.input?.close()
    const { store } = this
    if (store === null) return
    this.store = null
    try {
      for (let i = 0; i < 100 && this.state?.flushUnderWay; i++) await sleep(50)
      // Everything that is flushed here was committed, even when the task was lost later.
      await this.state?.flush(Date.now(), { sync: true })
    } catch (error) {
      this.log.warn({ err: error }, 'local store cannot be written on close; the changelog will refill it')
    }
    await store.close().catch((error: unknown) => {
      this.log.warn({ err: error }, 'local store did not close cleanly')
    })
  }

  private toTaskError(error: unknown): TaskError {
    if (error instanceof TaskError) return error
    if (error instanceof KafkaError && error.errorCode === 1)
      return inputTruncatedError(this.topic, this.partition, error)
    const detail = error instanceof Error ? error.message : String(error)
    const code =
      error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'TASK_FAILED'
    return new TaskError(code, `${this.topic}-${this.partition}: ${detail}`, { retry: 'reopen', cause: error })
  }

  private enter(state: TaskState): void {
    if (this.lifecycle !== state) this.log.debug({ from: this.lifecycle, state }, 'task state')
    this.lifecycle = state
    this.options.engine.observer.taskState(this.options.topology.role, this.topic, this.partition, state)
  }

  /** What the client below waits for: a coordinator, a leader, a right. Seen when somebody looks, so its age is a lower bound. */
  private trouble(): { reason: string; sinceMs: number } | null {
    const error = this.producer.lastError ?? this.input?.lastError
    if (error === undefined) {
      this.troubleSinceMs = 0
      return null
    }
    if (this.troubleSinceMs === 0) this.troubleSinceMs = Date.now()
    return { reason: error.message, sinceMs: this.troubleSinceMs }
  }

  private wait(reason: string | null): void {
    if (reason === null) this.waiting = null
    else this.waiting = { reason, sinceMs: this.waiting?.sinceMs ?? Date.now() }
  }

  private wake(): void {
    const wakeUp = this.wakeUp
    this.wakeUp = null
    wakeUp?.()
  }

  private sleepUntilWoken(ms: number): Promise<void> {
    if (ms <= 0) return yieldToIo()
    return new Promise(resolve => {
      const timer = setTimeout(() => this.wake(), Math.ceil(ms))
      this.wakeUp = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

function drainOverrunError(topic: string, partition: number): TaskError {
  return new TaskError(
    'DRAIN_OVERRUN',
    `${topic}-${partition}: the last commit did not end within the drain deadline. The next owner finds out whether it ` +
      'holds; nothing is lost.',
    { retry: 'reopen' },
  )
}

function yieldToIo(): Promise<void> {
  return new Promise(resolve => {
    setImmediate(resolve)
  })
}
