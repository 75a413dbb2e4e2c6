import type { Logger } from 'pino'
import type { Fetcher } from '../kafka/fetcher.ts'
import type { GroupMember } from '../kafka/groupMember.ts'
import type { RecordView } from '../kafka/recordBatch.ts'
import { TransactionalProducer } from '../kafka/transaction.ts'
import { StoreDamagedError } from '../store/errors.ts'
import { LocalStore } from '../store/localStore.ts'
import { Committer } from './commit.ts'
import { CommitSchedule } from './commitSchedule.ts'
import { CycleContext } from './context.ts'
import { Cycle } from './cycle.ts'
import { EffectRunner } from './effects.ts'
import { drainOverrunError, OwnershipLostError, ProcessorFailedError, toTaskError } from './errors.ts'
import type { TaskError } from './errors.ts'
import { TaskInput } from './input.ts'
import type { EngineOptions } from './options.ts'
import { lagOf } from './lag.ts'
import type { InputPlace, Lag } from './lag.ts'
import type { Pause } from './pauses.ts'
import { InputNotReadyError } from './processor.ts'
import type { Processor, TaskContext, Topology } from './processor.ts'
import type { PartitionState } from './state.ts'
import type { TaskState, TaskStatus } from './status.ts'
import { StoreFlusher } from './storeFlusher.ts'
import { takeOver } from './takeover.ts'
import { Waits } from './waits.ts'
import { Waker, yieldToIo } from './waker.ts'

/** An idle task looks around this often; one with an overdue timer that waits for the input, more often. */
const IDLE_TURN_MS = 1_000
const OVERDUE_TIMER_TURN_MS = 25
/** A drain whose last commit stays in doubt ends so long after its deadline; the next owner finds out what held. */
const DRAIN_OVERRUN_MS = 2_000
/**
 * Until its first commit a task takes input for so long at once, so that what has been waiting is answered soon: a chunk of
 * 256 KiB costs a process that has just begun, and runs code for the first time, 100 ms and more, and each of the commit's
 * answers would wait for another one. Likewise while stores of other partitions are opened: each piece of them waits for a turn.
 */
const SHORT_TURN_MS = 3
/** A restore of so many offsets goes on beside the others: it takes its time. */
const LONG_RESTORE = 100_000
/** The clock is looked at every so many records. */
const RECORDS_PER_LOOK = 16
/** Where the input has failed, what runs may end for so long; the last commit takes what it takes. */
const INPUT_END_DEADLINE_MS = 20_000

export interface TaskOptions<Tables extends object, Effect, Result> {
  readonly engine: EngineOptions
  readonly topology: Topology<Tables, Effect, Result>
  readonly topic: string
  readonly partition: number
  readonly groupId: string
  readonly member: GroupMember
  readonly fetcher: Fetcher
  readonly partitionCounts: ReadonlyMap<string, number>
  /** Asked before each turn: cheap. */
  readonly paused: () => Pause | null
  /** It ends by an error, and has not closed its files yet. */
  readonly onFailed: (error: TaskError) => void
}

export type TaskEnd = { readonly kind: 'closed' } | { readonly kind: 'failed'; readonly error: TaskError }

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
  private readonly waker = new Waker()
  private readonly cycles: [Cycle<Effect>, Cycle<Effect>] = [new Cycle<Effect>(), new Cycle<Effect>()]
  private cycle = this.cycles[0]
  private context!: CycleContext<Tables, Effect>
  private committer!: Committer
  private store: LocalStore | null = null
  private flusher: StoreFlusher | null = null
  private state: PartitionState | null = null
  private input: TaskInput | null = null

  private lifecycle: TaskState = 'assigned'
  private readonly waits = new Waits()
  private error: TaskError | null = null
  private cycleNumber = 0
  private committedOffset = 0
  private committing = false
  private readonly schedule: CommitSchedule
  /** The start offset is committed even if nothing is processed: `TakenOver.commitsStart`. */
  private commitStart = false
  /** Effects are awaited until then. */
  private drainUntilMs = Number.POSITIVE_INFINITY
  /** It was told to drain: then it is over, and leaves even a commit in doubt to the next owner. */
  private drainOverMs = Number.POSITIVE_INFINITY
  /** Before it was open: there is nothing to finish, and whatever breaks off then is no failure. */
  private isGivenUp = false
  private fatal: Error | null = null
  private troubleSinceMs = 0
  private isPaused = false
  /** True when it has committed records, false where it found none, ends or takes long: the others need not wait for it any more. */
  private readonly served = Promise.withResolvers<boolean>()
  /** Records have been committed since it was opened. */
  private hasCommitted = false
  private turnRecords = 0
  /** Of a short turn. Unpacking its batch does not count: where that takes longer, each turn would have but a few records. */
  private firstRecordAtMs = 0
  /** When the loop began its last turn; null outside of the loop. */
  private turnedAtMs: number | null = null
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
      partitionCount: options.partitionCounts.get(topic) ?? 1,
      ended: this.abort.signal,
    })
    this.producer = new TransactionalProducer(engine.cluster, {
      transactionalId: `${engine.applicationId}-${topology.role}-${topic}-${partition}`,
      groupId,
      member,
      timeoutMs: engine.transactionTimeoutMs,
      compression: engine.compression,
      ...(engine.forceTransactionProtocol === undefined ? {} : { forceProtocol: engine.forceTransactionProtocol }),
    })
    const perform = (effect: Effect, signal: AbortSignal): Promise<Result> => {
      if (!this.processor.perform) throw new Error('The processor starts effects but cannot perform them')
      return this.processor.perform(effect, signal)
    }
    this.effects = new EffectRunner(perform, this.abort.signal, () => this.waker.wake())
    this.enter('assigned')
  }

  status(): TaskStatus {
    const position = this.input?.position ?? -1
    const endOffset = this.input?.lastStableOffset ?? -1
    return {
      role: this.options.topology.role,
      topic: this.topic,
      partition: this.partition,
      state: this.lifecycle,
      waiting: this.waits.shown(this.producer.lastError?.message) ?? this.trouble(),
      paused: shownPause(this.options.paused()),
      position,
      endOffset,
      ...this.lag(),
      blockedRecords: this.input?.blockedRecords ?? 0,
      restoredRecords: this.restoredRecords,
      restoreRemaining: this.restoreRemaining,
      turnAgeMs: this.turnedAtMs === null ? null : performance.now() - this.turnedAtMs,
      cycle: this.cycleNumber,
      effectsInFlight: this.effects.inFlight,
      timers: this.state === null ? {} : Object.fromEntries(this.state.timers.counts),
      unflushedBytes: this.state?.unflushedBytes ?? 0,
      storeBytes: this.store?.sizeBytes ?? 0,
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
      end = this.isGivenUp ? { kind: 'closed' } : this.fail(error)
    }
    // A volume that hangs may keep it here for ever: then its age says so, and the log has said why it ends.
    this.turnedAtMs = performance.now()
    this.abort.abort()
    this.served.resolve(false)
    await this.close()
    this.turnedAtMs = null
    if (end.kind === 'closed') this.enter('closed')
    else this.enter(end.error instanceof OwnershipLostError ? 'fenced' : 'failed')
    return end
  }

  private fail(error: unknown): TaskEnd {
    this.error = toTaskError(this.topic, this.partition, error)
    this.options.onFailed(this.error)
    return { kind: 'failed', error: this.error }
  }

  /** Finishes what runs, starts nothing new, commits, and ends; what is not finished by `deadlineMs` from now is left. */
  drain(deadlineMs: number): void {
    if (this.drainOverMs !== Number.POSITIVE_INFINITY) return
    this.drainOverMs = performance.now() + deadlineMs + DRAIN_OVERRUN_MS
    if (this.lifecycle === 'running') {
      this.enter('draining')
      this.finish(deadlineMs)
    } else if (this.lifecycle !== 'closed' && this.lifecycle !== 'failed' && this.lifecycle !== 'fenced') {
      this.isGivenUp = true
      this.abort.abort()
    }
    this.waker.wake()
  }

  /**
   * Looks into the state between two callbacks, what is not committed yet included. Null while there is none: before the
   * restore is over, and after the end.
   */
  read<T>(look: (tables: TaskContext<Tables, Effect>['tables']) => T): { readonly value: T } | null {
    if (this.lifecycle !== 'running' && this.lifecycle !== 'draining') return null
    try {
      return { value: look(this.context.tables) }
    } catch (error) {
      if (error instanceof StoreDamagedError) this.endWith(error)
      throw error
    }
  }

  /** Something that it asks for has changed. */
  wake(): void {
    this.waker.wake()
  }

  /**
   * Drops everything at once: the group had removed this member and has given the partition away since. Even to finish
   * a commit that is in doubt would disturb the owner (R1 aborts its transaction).
   */
  abandon(): void {
    const { topic, partition } = this
    this.abort.abort(new OwnershipLostError(`${topic}-${partition}: the group has given it to another member`))
    this.waker.wake()
  }

  // ------------------------------------------------------------------------------------------------ taking over

  private async open(): Promise<void> {
    const { engine, topology, fetcher, member, partitionCounts } = this.options
    const { topic, partition, producer, log } = this
    const { signal } = this.abort
    this.enter('locking')
    const taken = await takeOver({
      engine,
      topology,
      topic,
      partition,
      producer,
      fetcher,
      signal,
      log,
      onRestoring: () => this.enter('restoring'),
      onProgress: (restored, remaining) => {
        this.restoredRecords = restored
        this.restoreRemaining = remaining
        if (remaining > LONG_RESTORE) this.served.resolve(false)
      },
      onOpened: store => {
        this.store = store
      },
      served: this.served.promise,
    })
    this.cycleNumber = taken.cycleNumber
    this.committedOffset = taken.startOffset
    this.commitStart = taken.commitsStart
    this.committer = new Committer(
      {
        producer,
        topic,
        partition,
        owner: taken.owner,
        changelog: topology.changelog ?? null,
        changelogStart: taken.changelogStart,
        membership: () => member.membership,
        signal,
        log,
        onWaiting: this.waits.commit,
        onStep: engine.onStep && (step => engine.onStep?.(step, topic, partition)),
      },
      taken.committed,
    )
    const { state } = taken
    this.state = state
    if (state !== null && this.store !== null) {
      this.flusher = new StoreFlusher({
        state,
        store: this.store,
        maxUnflushedBytes: engine.maxUnflushedBytes,
        log,
        onUnusable: error => this.endWith(error),
        onFlushed: flush => engine.observer.flushed(topology.role, topic, partition, flush),
        writeEntries: engine.forceStoreWriteEntries,
        onStep: engine.onStep && (step => engine.onStep?.(step, topic, partition)),
      })
    }
    const tables = state === null ? ({} as never) : state.createTables(topology.tables)
    this.context = new CycleContext(topic, partition, tables, state, this.cycle, partitionCounts, effect =>
      this.effects.startSoon(effect),
    )
    this.begin(Date.now())
    if (taken.stampVersion) {
      state?.stampVersion()
      this.cycle.inputs++
    }
    await this.callOnRestored()

    signal.throwIfAborted()
    this.input = new TaskInput({
      subscription: fetcher.subscribe(topic, partition, taken.startOffset, () => this.waker.wake()),
      position: taken.startOffset,
      prepare: this.processor.prepare?.bind(this.processor),
      signal,
      wake: () => this.waker.wake(),
      onWaiting: this.waits.input,
    })
    this.enter('running')
    if (taken.startOffset >= taken.inputEnd) this.served.resolve(false)
  }

  private async callOnRestored(): Promise<void> {
    this.begin(Date.now())
    this.call('onOpened', () => this.processor.onOpened?.(this.context))
    if (!this.processor.onRestored) return
    const release = await this.state?.loadEntries()
    this.begin(Date.now())
    this.call('onRestored', () => this.processor.onRestored?.(this.context))
    release?.()
  }

  // ------------------------------------------------------------------------------------------------ commit cycles

  private async loop(): Promise<void> {
    for (;;) {
      this.turnedAtMs = performance.now()
      if (this.fatal !== null) throw this.fatal
      this.abort.signal.throwIfAborted()
      if (this.input?.failure) this.finish(INPUT_END_DEADLINE_MS)
      const now = Date.now()
      const worked = this.gather(now)
      const sleepMs = this.commitWhenDue(now)
      if (this.draining && this.drained()) {
        if (this.input?.failure) throw this.input.failure
        return
      }
      if (performance.now() > this.drainOverMs) throw drainOverrunError(this.topic, this.partition)
      if (worked) {
        await yieldToIo()
      } else {
        this.flusher?.flushWhenDue()
        await this.waker.sleep(sleepMs)
      }
    }
  }

  /** Nothing new starts from here on, and what runs may end for so long. */
  private finish(deadlineMs: number): void {
    const isFirst = !this.draining
    this.drainUntilMs = Math.min(this.drainUntilMs, performance.now() + deadlineMs)
    if (isFirst) this.processor.onDraining?.()
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
    this.turnRecords = 0
    this.begin(now)
    this.followPause()
    for (;;) {
      if (this.cycleFull()) return true
      const finished = this.effects.takeFinished()
      if (finished === undefined) break
      this.call('onEffect', () => this.processor.onEffect?.(finished.effect, finished.outcome, this.context))
      this.cycle.inputs++
      worked = true
    }
    if (this.draining || this.isPaused || this.input === null) return worked
    const wantsInput = this.processor.wantsInput?.() ?? true
    if (this.fireTimers(now, wantsInput)) worked = true
    if (wantsInput && !this.cycleFull() && this.input.take(this.handleRecord)) {
      this.schedule.positionMoved()
      worked = true
    }
    return worked
  }

  /** A pause stops input and timers, not commits, effects that run, or the drain. */
  private followPause(): void {
    const isPaused = this.options.paused() !== null
    if (isPaused === this.isPaused) return
    this.isPaused = isPaused
    if (isPaused) this.processor.onPaused?.()
    else this.call('onResumed', () => this.processor.onResumed?.(this.context))
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

  /** Bound once: `take` is called with it on each turn. */
  private readonly handleRecord = (record: RecordView): boolean => {
    if (this.cycleFull() || this.shortTurnIsOver()) return false
    try {
      this.processor.onRecord(record, this.context)
    } catch (error) {
      if (error instanceof InputNotReadyError || error instanceof StoreDamagedError) throw error
      throw new ProcessorFailedError(`onRecord for ${this.topic}-${this.partition}@${record.offset}`, error)
    }
    const cycle = this.cycle
    cycle.inputs++
    cycle.records++
    this.turnRecords++
    if (record.timestamp < cycle.oldestRecordMs) cycle.oldestRecordMs = record.timestamp
    return true
  }

  private call(where: string, callback: () => void): void {
    try {
      callback()
    } catch (error) {
      if (error instanceof StoreDamagedError) throw error
      throw new ProcessorFailedError(`${where} for ${this.topic}-${this.partition}`, error)
    }
  }

  private begin(now: number): void {
    this.state?.begin(this.cycle, now)
    this.context.now = now
    this.context.cycle = this.cycle
  }

  private cycleFull(): boolean {
    return this.cycle.full || this.cycle.records >= this.options.engine.maxRecordsPerCycle
  }

  /** Never before a record of this turn: a turn that has done nothing is followed by sleep. */
  private shortTurnIsOver(): boolean {
    if (this.turnRecords % RECORDS_PER_LOOK !== 0) return false
    if (this.hasCommitted && !LocalStore.isAnyOpening) return false
    if (this.turnRecords === 0) {
      this.firstRecordAtMs = performance.now()
      return false
    }
    return performance.now() - this.firstRecordAtMs > SHORT_TURN_MS
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
    if (this.isPaused) return IDLE_TURN_MS
    const nextDueAtMs = this.state?.timers.nextDueAtMs ?? Number.POSITIVE_INFINITY
    return nextDueAtMs > now ? Math.min(IDLE_TURN_MS, nextDueAtMs - now) : OVERDUE_TIMER_TURN_MS
  }

  private startCommit(): void {
    const cycle = this.cycle
    cycle.number = ++this.cycleNumber
    cycle.endOffset = this.input?.position ?? this.committedOffset
    cycle.changelogBefore = this.state?.changelogEnd ?? 0
    this.cycle = this.cycles[0] === cycle ? this.cycles[1] : this.cycles[0]
    this.commitStart = false
    this.committing = true
    this.schedule.started()
    this.commit(cycle).then(
      () => {
        this.committing = false
        this.served.resolve(this.hasCommitted)
        this.schedule.ended()
        this.waker.wake()
      },
      (error: unknown) => this.endWith(error),
    )
  }

  private async commit(cycle: Cycle<Effect>): Promise<void> {
    const { engine, topology } = this.options
    const { role } = topology
    await engine.onStep?.('gathered', this.topic, this.partition)
    const startedMs = performance.now()
    let isCommitted = false
    try {
      // Steps 2 to 4.
      const { verdict, changelogPosition, lost } = await this.committer.commit(cycle)
      this.committedOffset = cycle.endOffset
      if (cycle.records > 0) this.hasCommitted = true
      engine.observer.cycle(role, this.topic, this.partition, verdict, performance.now() - startedMs, cycle.records)
      isCommitted = true
      if (lost !== null) throw lost
      const committedAtMs = Date.now()
      if (cycle.records > 0) engine.observer.freshness(role, this.topic, committedAtMs - cycle.oldestRecordMs)
      cycle.reportMeasures(committedAtMs)
      await engine.onStep?.('committed', this.topic, this.partition)
      // Step 5.
      this.state?.committed(cycle, changelogPosition)
      this.flusher?.flushWhenDue()
      await engine.onStep?.('queued', this.topic, this.partition)
      // Step 6.
      if (!this.abort.signal.aborted) this.effects.start(cycle.effects)
      await engine.onStep?.('effects-started', this.topic, this.partition)
      cycle.reset()
    } catch (error) {
      const lostMs = performance.now() - startedMs
      if (!isCommitted) engine.observer.cycle(role, this.topic, this.partition, 'lost', lostMs, cycle.records)
      throw error
    }
  }

  // ------------------------------------------------------------------------------------------------ ending

  private async close(): Promise<void> {
    this.input?.close()
    await this.flusher?.close()
    await this.store?.close().catch((error: unknown) => {
      this.log.warn({ err: error }, 'local store did not close cleanly')
    })
  }

  private endWith(error: unknown): void {
    this.fatal = error instanceof Error ? error : new Error(String(error))
    this.waker.wake()
  }

  private enter(state: TaskState): void {
    if (this.lifecycle !== state) this.log.debug({ from: this.lifecycle, state }, 'task state')
    this.lifecycle = state
    this.options.engine.observer.taskState(this.options.topology.role, this.topic, this.partition, state)
  }

  private lag(): Lag {
    const { input, cycles } = this
    const place: InputPlace = {
      position: input?.position ?? -1,
      committedOffset: this.committedOffset,
      lastStableOffset: input?.lastStableOffset ?? -1,
      uncommittedRecords: cycles[0].records + cycles[1].records,
      oldestMs: Math.min(
        cycles[0].oldestRecordMs,
        cycles[1].oldestRecordMs,
        input?.oldestPendingMs ?? Number.POSITIVE_INFINITY,
      ),
    }
    return lagOf(place, Date.now())
  }

  /** What the client below waits for: a coordinator, a leader, a right. Seen when somebody looks, so its age is a lower bound. */
  private trouble(): { reason: string; sinceMs: number } | null {
    const error = this.producer.lastError ?? this.input?.lastError
    if (error === undefined) {
      this.troubleSinceMs = 0
      return this.lifecycle === 'running' ? (this.input?.openTransaction ?? null) : null
    }
    if (this.troubleSinceMs === 0) this.troubleSinceMs = Date.now()
    return { reason: error.message, sinceMs: this.troubleSinceMs }
  }
}

/** Without the actor: `/readyz` is open to whoever may ask. */
function shownPause(pause: Pause | null): TaskStatus['paused'] {
  return pause === null ? null : { reason: pause.reason, sinceMs: pause.sinceMs, untilMs: pause.untilMs }
}
