/**
 * What a role gives to the engine and what it gets from it. The engine knows nothing about cards; a processor knows
 * nothing about Kafka. All callbacks but `prepare` and `perform` are synchronous and run one at a time per task.
 */
import type { Header, RecordView } from '../kafka/recordBatch.ts'

/**
 * Writes `value` at `position` and returns the position after it. A result greater than `buffer.length` means that the
 * buffer was too short and nothing useful was written: the caller grows it to at least that length and calls again.
 */
export interface Encoder<T> {
  encode(value: T, buffer: Buffer, position: number): number
}

export interface Codec<T> extends Encoder<T> {
  /** Reads one value from `buffer[start, end)`. Throws on malformed bytes. The result must not keep `buffer` alive. */
  decode(buffer: Buffer, start: number, end: number): T
}

/** Codecs of a role's state tables by table name. The name is part of the changelog key: never rename one. */
export type TableCodecs<Tables extends object> = { readonly [K in keyof Tables]: Codec<Tables[K]> }

export interface Table<T> {
  /** The stored object itself: a processor that changes it must `put` it (or better, puts a new one). */
  get(key: string): T | undefined
  put(key: string, value: T): void
  delete(key: string): void
  /** Every entry, uncached and in key order. For `onRestored` and tools, not for the hot path. */
  entries(): IterableIterator<[key: string, value: T]>
}

/** A durable timer. (key, name) is its identity within the task; scheduling it again moves it. */
export interface Timer {
  readonly key: string
  readonly name: string
  readonly dueAtMs: number
}

export interface TaskContext<Tables extends object, Effect> {
  /** Input topic and partition of this task. */
  readonly topic: string
  readonly partition: number
  /** Wall clock of this callback, milliseconds. */
  readonly now: number
  readonly tables: { readonly [K in keyof Tables]: Table<Tables[K]> }
  /**
   * Adds a record to this cycle's transaction. `value` null is a tombstone. `timestampMs` defaults to `now`.
   * A Buffer key or value may be a slice of the input: it is copied before the callback returns.
   */
  forward<T>(
    topic: string,
    partition: number,
    key: Buffer | string | null,
    value: T | null,
    encoder: Encoder<T>,
    options?: { readonly headers?: readonly Header[]; readonly timestampMs?: number },
  ): void
  /** The partition that Java's default partitioner gives `key` (murmur2 of its bytes) in `topic`. */
  partitionFor(topic: string, key: Buffer | string): number
  schedule(key: string, name: string, dueAtMs: number): void
  cancelTimer(key: string, name: string): void
  /** All timers of a key. Looks at every timer of the task: for rare events only. */
  cancelTimers(key: string): void
  /**
   * Calls `report` once this cycle's transaction has committed, with the milliseconds from `sinceMs` (wall clock) until
   * then; never if it did not. For metrics: it must be cheap and not throw.
   */
  measureCommit(sinceMs: number, report: (durationMs: number) => void): void
  /** Runs `processor.perform(effect)` once this cycle's transaction has committed; never before, and never if it did not. */
  startEffect(effect: Effect): void
  /**
   * Runs `processor.perform(effect)` right after this callback, for what only reads: it happens whether this cycle commits
   * or not, and again when its record is read again. Saves a commit interval; its result may come within the same cycle.
   */
  startLookUp(effect: Effect): void
}

export type EffectOutcome<Result> =
  { readonly ok: true; readonly value: Result } | { readonly ok: false; readonly error: Error }

/** One instance per task: it may keep what belongs to the partition in memory, rebuilt in `onRestored`. */
export interface Processor<Tables extends object = object, Effect = never, Result = never> {
  /**
   * Look-ups that a batch needs before it can be processed (a schema, the owner of a card). Rejecting makes the task
   * wait and try again with back-off, with the error's message as its visible reason; it never skips a record.
   */
  prepare?(records: readonly RecordView[], signal: AbortSignal): Promise<void>
  onRecord(record: RecordView, ctx: TaskContext<Tables, Effect>): void
  onTimer?(timer: Timer, ctx: TaskContext<Tables, Effect>): void
  /** The effect ended: in a later cycle than the one that started it, a look-up perhaps in the same one. */
  onEffect?(effect: Effect, outcome: EffectOutcome<Result>, ctx: TaskContext<Tables, Effect>): void
  /** The work itself, outside of any cycle, many at once. A rejection becomes `{ ok: false }`. */
  perform?(effect: Effect, signal: AbortSignal): Promise<Result>
  /** State is complete, the input is not open yet: what was in flight when the previous owner died is found here. */
  onRestored?(ctx: TaskContext<Tables, Effect>): void
  /** State is complete, the input is not open yet. Unlike `onRestored` it costs nothing: single entries, not all of them. */
  onOpened?(ctx: TaskContext<Tables, Effect>): void
  /** False pauses the input (not timers, not effects): back-pressure. Asked before each batch. */
  wantsInput?(): boolean
  /** Nothing new may start; `perform` calls that run are awaited up to the drain deadline. */
  onDraining?(): void
  /**
   * An operator has paused the task: no record and no timer comes until `onResumed`. Results of effects still do: what
   * they would start must wait.
   */
  onPaused?(): void
  /** The pause is over: what has waited may start. */
  onResumed?(ctx: TaskContext<Tables, Effect>): void
}

/** What a processor may know of the task that it runs in. */
export interface TaskHandle {
  readonly role: string
  readonly topic: string
  readonly partition: number
  /** Milliseconds since the group last confirmed this member (the time its last answered heartbeat was *sent*). */
  heartbeatAgeMs(): number
  readonly sessionTimeoutMs: number
  /** Partitions of `topic`: what this process has of them is its share of what is limited for all together. */
  readonly partitionCount: number
  /** Aborted when the task has ended, however: nothing of it may be waited for any more. */
  readonly ended: AbortSignal
}

/** A role as the engine runs it: each partition of each input topic becomes one task. */
export interface Topology<Tables extends object = object, Effect = never, Result = never> {
  /** `ingest`, `decide`, `provision`: part of the group name and of every transactional id. */
  readonly role: string
  readonly inputs: readonly string[]
  /** Compacted topic with the partition count of the one input; absent for a stateless role. */
  readonly changelog?: string
  readonly tables: TableCodecs<Tables>
  /** Version of the state's encoding; a local store or changelog of a newer one is refused. */
  readonly stateVersion: number
  /** Topics that the processor forwards to: resolved and checked before the role starts. */
  readonly outputs: readonly string[]
  /** Those of them to which a task writes with its own partition number: they must have the input's partition count. */
  readonly copartitioned?: readonly string[]
  /**
   * Where a partition without a committed offset begins. `earliest` for internal topics; INGEST resolves its setting.
   * Asked only when the group has no offset for that partition.
   */
  startAt(topic: string, partition: number): 'earliest' | 'latest' | { readonly timestampMs: number }
  createProcessor(task: TaskHandle): Processor<Tables, Effect, Result>
}

/**
 * Thrown by `onRecord` before it has changed anything: this record needs something first (a schema that is not loaded
 * yet). The engine runs `resolve` with back-off until it succeeds, then comes back with the same record. Unlike
 * `prepare` it costs nothing on the hot path.
 */
export class InputNotReadyError extends Error {
  override readonly name = 'InputNotReadyError'
  readonly resolve: (signal: AbortSignal) => Promise<void>

  constructor(reason: string, resolve: (signal: AbortSignal) => Promise<void>) {
    super(reason)
    this.resolve = resolve
  }
}
