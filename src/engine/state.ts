import type { Checkpoint, LocalStore } from '../store/localStore.ts'
import type { Cycle } from './cycle.ts'
import type { Codec, Table, TableCodecs } from './processor.ts'
import { dueTimeCodec, timerId, timerOfId, TimerQueue } from './timers.ts'

/** Table of the engine's own timers; `~` keeps it apart from any processor's table. */
const TIMERS = '~timers'
/** Changelog key under which a stateful task says which state version it writes. Not a table. */
export const VERSION_KEY = '~version'

export interface PartitionStateOptions {
  readonly changelog: string
  readonly partition: number
  readonly store: LocalStore
  readonly stateVersion: number
  /** Decoded entries kept in memory, about: two generations of half as many. */
  readonly cacheEntries: number
}

/**
 * The state of one task: decoded entries in a bounded cache, changes on their way to the changelog, changes committed
 * but not yet in the local store, and the store. A read looks in that order.
 *
 * Changes are encoded once, straight into the changelog batch of the current cycle; the same bytes go to the store after
 * the commit. Nothing uncommitted ever reaches the store, so a crash never forces a wipe.
 */
export class PartitionState {
  readonly timers = new TimerQueue()
  private readonly options: PartitionStateOptions
  private readonly tables: StateTable<unknown>[] = []
  /** Committed changes, newest, and those that a store write is under way with. */
  private dirty = new Map<string, Buffer | null>()
  private flushing: Map<string, Buffer | null> | null = null
  private dirtyBytes = 0
  private changelogPosition: number
  /** State version that the committed changelog says it was written with. */
  private writtenVersion: number
  private stamping = false
  private cycle: Cycle<unknown> | null = null
  private nowMs = 0
  private keyScratch = Buffer.allocUnsafe(512)

  constructor(options: PartitionStateOptions, changelogPosition: number, writtenVersion = options.stateVersion) {
    this.options = options
    this.changelogPosition = changelogPosition
    this.writtenVersion = writtenVersion
  }

  createTables<Tables extends object>(codecs: TableCodecs<Tables>): { readonly [K in keyof Tables]: Table<Tables[K]> } {
    const perTable = Math.max(16, Math.floor(this.options.cacheEntries / 2))
    const tables: Record<string, Table<unknown>> = {}
    for (const [name, codec] of Object.entries<Codec<unknown>>(codecs)) {
      const table = new StateTable<unknown>(name, codec, this, perTable)
      this.tables.push(table)
      tables[name] = table
    }
    return tables as { readonly [K in keyof Tables]: Table<Tables[K]> }
  }

  /** Where changes go from now on. */
  begin(cycle: Cycle<unknown>, nowMs: number): void {
    this.cycle = cycle
    this.nowMs = nowMs
  }

  /** Rebuilds the timer queue from the store. */
  async loadTimers(): Promise<void> {
    for await (const [key, value] of this.options.store.entries(`${TIMERS}/`)) {
      const timer = timerOfId(key.slice(TIMERS.length + 1), dueTimeCodec.decode(value, 0, value.length))
      this.timers.schedule(timer.key, timer.name, timer.dueAtMs)
    }
  }

  /** Makes `entries()` usable until `release` is called: reads every table into memory. */
  async loadEntries(): Promise<() => void> {
    for (const table of this.tables) await table.load(this.options.store)
    return () => {
      for (const table of this.tables) table.unload()
    }
  }

  schedule(key: string, name: string, dueAtMs: number): void {
    if (this.timers.dueAt(key, name) === dueAtMs) return
    this.timers.schedule(key, name, dueAtMs)
    this.change(`${TIMERS}/${timerId(key, name)}`, dueAtMs, dueTimeCodec)
  }

  cancelTimer(key: string, name: string): void {
    if (this.timers.cancel(key, name)) this.change(`${TIMERS}/${timerId(key, name)}`, null, dueTimeCodec)
  }

  /** The timer fires: it is gone in the cycle that applies what it does. */
  fired(key: string, name: string): void {
    this.change(`${TIMERS}/${timerId(key, name)}`, null, dueTimeCodec)
  }

  /** Says in the changelog which version of the state is written from here on. For the first cycle only. */
  stampVersion(): void {
    this.stamping = true
    this.change(VERSION_KEY, this.options.stateVersion, dueTimeCodec)
  }

  /** Encodes a change into the current cycle's changelog batch; null deletes. */
  change<T>(key: string, value: T | null, codec: Codec<T>): void {
    const cycle = this.cycle
    if (cycle === null) throw new Error('State can only change inside a callback of the processor')
    const batch = cycle.append(
      this.options.changelog,
      this.options.partition,
      this.nowMs,
      this.keyBytes(key),
      value,
      codec,
    )
    cycle.changedKeys.push(key)
    cycle.changedBatches.push(batch)
    cycle.changedStarts.push(value === null ? -1 : batch.lastValueStart)
    cycle.changedEnds.push(value === null ? -1 : batch.lastValueEnd)
  }

  /** Encoded bytes of a key: null if deleted, undefined if there never was one. */
  read(key: string): Buffer | null | undefined {
    const dirty = this.dirty.get(key)
    if (dirty !== undefined) return dirty
    const flushing = this.flushing?.get(key)
    if (flushing !== undefined) return flushing
    return this.options.store.get(key)
  }

  /**
   * Step 5, first half: the cycle has committed. Its changes become readable from here, and only now may the caches let
   * entries go: an entry that is changed but not yet committed is in no other place.
   */
  committed(cycle: Cycle<unknown>, changelogPosition: number | undefined): void {
    const { changedKeys, changedBatches, changedStarts, changedEnds } = cycle
    for (let i = 0; i < changedKeys.length; i++) {
      const start = changedStarts[i]!
      if (start < 0) {
        this.dirty.set(changedKeys[i]!, null)
        this.dirtyBytes += 64
        continue
      }
      const bytes = Buffer.from(changedBatches[i]!.buffer.subarray(start, changedEnds[i]))
      this.dirty.set(changedKeys[i]!, bytes)
      this.dirtyBytes += bytes.length + 64
    }
    if (changelogPosition !== undefined) this.changelogPosition = changelogPosition
    if (this.stamping) {
      this.stamping = false
      this.writtenVersion = this.options.stateVersion
    }
    for (const table of this.tables) table.age()
  }

  get unflushedBytes(): number {
    return this.dirtyBytes
  }

  get flushUnderWay(): boolean {
    return this.flushing !== null
  }

  /** Step 5, second half: committed changes and their changelog position into the store, in one batch. */
  async flush(nowMs: number, options: { sync: boolean } = { sync: false }): Promise<void> {
    if (this.flushing !== null) return
    const changes = this.dirty
    const bytes = this.dirtyBytes
    this.flushing = changes
    this.dirty = new Map()
    this.dirtyBytes = 0
    try {
      await this.options.store.write(changes, this.checkpoint(nowMs), options)
    } catch (error) {
      // Newer changes win over the ones that could not be written.
      for (const [key, value] of changes) if (!this.dirty.has(key)) this.dirty.set(key, value)
      this.dirtyBytes += bytes
      throw error
    } finally {
      this.flushing = null
    }
  }

  private checkpoint(nowMs: number): Checkpoint {
    return {
      changelogPosition: this.changelogPosition,
      stateVersion: this.writtenVersion,
      writtenAtMs: nowMs,
    }
  }

  /** UTF-8 of the key in a reused buffer: the batch copies it at once. */
  private keyBytes(key: string): Buffer {
    if (key.length * 3 > this.keyScratch.length) this.keyScratch = Buffer.allocUnsafe(key.length * 3)
    return this.keyScratch.subarray(0, this.keyScratch.write(key, 0, 'utf8'))
  }
}

const DELETED = Symbol('deleted')

/**
 * One table over a two-generation cache: a hit in the old generation moves up, and when the young one is full it becomes
 * the old one. Cheaper per access than an LRU list, and it never evicts what was used lately.
 */
class StateTable<T> implements Table<T> {
  private readonly prefix: string
  private readonly codec: Codec<T>
  private readonly state: PartitionState
  private readonly generationSize: number
  private young = new Map<string, T | typeof DELETED>()
  private old = new Map<string, T | typeof DELETED>()
  private loaded: Map<string, T> | null = null

  constructor(name: string, codec: Codec<T>, state: PartitionState, generationSize: number) {
    this.prefix = `${name}/`
    this.codec = codec
    this.state = state
    this.generationSize = generationSize
  }

  get(key: string): T | undefined {
    let value = this.young.get(key)
    if (value === undefined) {
      value = this.old.get(key)
      if (value === undefined) {
        const bytes = this.state.read(this.prefix + key)
        if (bytes === undefined || bytes === null) return undefined
        value = this.codec.decode(bytes, 0, bytes.length)
      }
      this.young.set(key, value)
    }
    return value === DELETED ? undefined : value
  }

  put(key: string, value: T): void {
    this.state.change(this.prefix + key, value, this.codec)
    this.young.set(key, value)
  }

  delete(key: string): void {
    if (this.get(key) === undefined) return
    this.state.change(this.prefix + key, null, this.codec)
    this.young.set(key, DELETED)
  }

  *entries(): IterableIterator<[key: string, value: T]> {
    if (this.loaded === null) throw new Error('entries() is for onRestored: elsewhere it would read the whole store')
    for (const key of this.loaded.keys()) {
      const value = this.get(key)
      if (value !== undefined) yield [key, value]
    }
  }

  /** Lets the old generation go when the young one is full; at most once per commit (see PartitionState.committed). */
  age(): void {
    if (this.young.size < this.generationSize) return
    this.old = this.young
    this.young = new Map()
  }

  async load(store: LocalStore): Promise<void> {
    this.loaded = new Map()
    for await (const [key, value] of store.entries(this.prefix)) {
      this.loaded.set(key.slice(this.prefix.length), this.codec.decode(value, 0, value.length))
    }
    for (const [key, value] of this.loaded) this.young.set(key, value)
  }

  unload(): void {
    this.loaded = null
  }
}
