import type { Checkpoint, LocalStore, StoreWrite } from '../store/localStore.ts'
import type { Cycle } from './cycle.ts'
import type { Codec, Table, TableCodecs } from './processor.ts'
import type { EntryTable } from './entryTable.ts'
import { StateEntries } from './stateEntries.ts'
import { dueTimeCodec, timerId, timerOfId, TimerQueue } from './timers.ts'

/** Table of the engine's own timers; `~` keeps it apart from any processor's table. */
const TIMERS = '~timers'
/** Changelog key under which a stateful task says which state version it writes. Not a table. */
export const VERSION_KEY = '~version'

/** Entries per write to the store, about a megabyte: each write waits for a turn of the busy event loop. */
const WRITE_ENTRIES = 10_000

export interface FlushOptions {
  /** Waits for the disk. */
  readonly sync: boolean
  /** Per write to the store; fewer are for tests. */
  readonly writeEntries?: number | undefined
  /** After each write that the checkpoint does not come with. */
  readonly onAhead?: (() => Promise<void> | void) | undefined
}

export interface PartitionStateOptions {
  readonly changelog: string
  readonly partition: number
  readonly store: LocalStore
  readonly stateVersion: number
  /** Entries kept in memory, encoded. */
  readonly cacheEntries: number
}

/**
 * The state of one task: entries in memory, bounded, and the local store behind them.
 *
 * Changes are encoded once, straight into the changelog batch of the current cycle; the same bytes stay in memory when
 * the cycle has committed, and go to the store later, many changes of one entry in one write. Nothing uncommitted ever
 * reaches the store, so a crash never forces a wipe.
 */
export class PartitionState {
  readonly timers = new TimerQueue()
  private readonly options: PartitionStateOptions
  private readonly entries: StateEntries
  private readonly tables: StateTable<unknown>[] = []
  private readonly timerTable: EntryTable
  private readonly engineTable: EntryTable
  private flushing = false
  private changelogPosition: number
  private knownEnd: number
  /** State version that the committed changelog says it was written with. */
  private writtenVersion: number
  private stamping = false
  private cycle: Cycle<unknown> | null = null
  private nowMs = 0

  constructor(options: PartitionStateOptions, changelogPosition: number, writtenVersion = options.stateVersion) {
    this.options = options
    this.changelogPosition = changelogPosition
    this.knownEnd = changelogPosition
    this.writtenVersion = writtenVersion
    this.entries = new StateEntries(Math.max(16, options.cacheEntries))
    this.timerTable = this.entries.createTable(`${TIMERS}/`)
    this.engineTable = this.entries.createTable('')
  }

  createTables<Tables extends object>(codecs: TableCodecs<Tables>): { readonly [K in keyof Tables]: Table<Tables[K]> } {
    const tables: Record<string, Table<unknown>> = {}
    for (const [name, codec] of Object.entries<Codec<unknown>>(codecs)) {
      const table = new StateTable<unknown>(name, codec, this, this.entries, this.options.store)
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
    for await (const [key, value] of this.options.store.entries(this.timerTable.prefix)) {
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
    this.change(this.timerTable, timerId(key, name), dueAtMs, dueTimeCodec)
  }

  cancelTimer(key: string, name: string): void {
    if (this.timers.cancel(key, name)) this.change(this.timerTable, timerId(key, name), null, dueTimeCodec)
  }

  /** The timer fires: it is gone in the cycle that applies what it does. */
  fired(key: string, name: string): void {
    this.change(this.timerTable, timerId(key, name), null, dueTimeCodec)
  }

  /** Says in the changelog which version of the state is written from here on. For the first cycle only. */
  stampVersion(): void {
    this.stamping = true
    this.change(this.engineTable, VERSION_KEY, this.options.stateVersion, dueTimeCodec)
  }

  /** Encodes a change into the current cycle's changelog batch; null deletes. The slot of the entry. */
  change<T>(table: EntryTable, key: string, value: T | null, codec: Codec<T>): number {
    const cycle = this.cycle
    if (cycle === null) throw new Error('State can only change inside a callback of the processor')
    const { changelog, partition } = this.options
    const known = this.entries.find(table, key)
    const batch = cycle.append(changelog, partition, this.nowMs, table.view, value, codec)
    const slot = known >= 0 ? known : this.entries.add(table, batch.lastValueEnd - batch.lastValueStart)
    this.entries.change(slot, cycle, cycle.changedSlots.length)
    cycle.changedSlots.push(slot)
    cycle.changedBatches.push(batch)
    cycle.changedStarts.push(value === null ? -1 : batch.lastValueStart)
    cycle.changedEnds.push(value === null ? -1 : batch.lastValueEnd)
    return slot
  }

  /** The changelog ends there or later: behind the marker of the last commit that wrote to it. */
  get changelogEnd(): number {
    return this.knownEnd
  }

  /**
   * Step 5, first half: the cycle has committed; what it changed may go to the store from here on. `changelogPosition` is
   * the offset behind its last change, undefined where it changes nothing.
   */
  committed(cycle: Cycle<unknown>, changelogPosition: number | undefined): void {
    this.entries.commit(cycle)
    if (changelogPosition !== undefined) {
      this.changelogPosition = changelogPosition
      // One marker. Without it the loss of one whole transaction would go unnoticed.
      this.knownEnd = changelogPosition + 1
    }
    if (this.stamping) {
      this.stamping = false
      this.writtenVersion = this.options.stateVersion
    }
  }

  get hasUnflushed(): boolean {
    return this.entries.dirtyCount > 0
  }

  /** So much waits for the store that memory grows with every new entry. */
  get mustFlush(): boolean {
    return this.entries.dirtyCount >= this.options.cacheEntries
  }

  get entriesInMemory(): number {
    return this.entries.count
  }

  get unflushedBytes(): number {
    return this.entries.dirtyBytes
  }

  get flushUnderWay(): boolean {
    return this.flushing
  }

  /**
   * Step 5, second half: what was committed since the last time goes into the store, then the changelog position that it
   * stands for. In several writes: a crash between them leaves the old position, from which the replay comes to the same.
   */
  async flush(nowMs: number, options: FlushOptions = { sync: false }): Promise<void> {
    if (this.flushing) return
    const { sync, writeEntries = WRITE_ENTRIES, onAhead } = options
    this.flushing = true
    const checkpoint = this.checkpoint(nowMs)
    const slots = this.entries.takeDirty()
    try {
      const { store } = this.options
      let at = 0
      for (; slots.length - at > writeEntries; at += writeEntries) {
        const from = at
        await store.writeAhead(write => this.fill(write, slots, from, from + writeEntries))
        await onAhead?.()
      }
      await store.write(write => this.fill(write, slots, at, slots.length), checkpoint, { sync })
      this.entries.flushed(slots, true)
    } catch (error) {
      this.entries.flushed(slots, false)
      throw error
    } finally {
      this.flushing = false
    }
  }

  /** One write of a flush: some of its slots. */
  private fill(write: StoreWrite, slots: readonly number[], from: number, end: number): void {
    const { entries } = this
    const { arena } = entries
    for (let i = from; i < end; i++) {
      const slot = slots[i]!
      const bytes = arena.bufferOf(slot)
      if (entries.isDeleted(slot)) write.deleteBytes(bytes, arena.startOf(slot), arena.endOf(slot))
      else write.putBytes(bytes, arena.startOf(slot), entries.valueStartOf(slot), arena.endOf(slot))
    }
  }

  private checkpoint(nowMs: number): Checkpoint {
    return {
      changelogPosition: this.changelogPosition,
      stateVersion: this.writtenVersion,
      writtenAtMs: nowMs,
    }
  }
}

/** One table of the processor. */
class StateTable<T> implements Table<T> {
  private readonly table: EntryTable
  private readonly codec: Codec<T>
  private readonly state: PartitionState
  private readonly entriesInMemory: StateEntries
  private readonly store: LocalStore
  private loaded: Map<string, T> | null = null

  constructor(name: string, codec: Codec<T>, state: PartitionState, entries: StateEntries, store: LocalStore) {
    this.table = entries.createTable(`${name}/`)
    this.codec = codec
    this.state = state
    this.entriesInMemory = entries
    this.store = store
  }

  get(key: string): T | undefined {
    const entries = this.entriesInMemory
    const slot = entries.find(this.table, key)
    if (slot < 0) return this.fetch(key)
    const known = entries.decodedOf(slot) as T | undefined
    if (known !== undefined) return known
    entries.touch(slot)
    const cycle = entries.pendingCycle(slot)
    if (cycle !== undefined) {
      const index = entries.pendingChange(slot)
      const start = cycle.changedStarts[index]!
      if (start < 0) return undefined
      return this.keep(slot, this.codec.decode(cycle.changedBatches[index]!.buffer, start, cycle.changedEnds[index]!))
    }
    if (entries.isDeleted(slot)) return undefined
    const { arena } = entries
    return this.keep(slot, this.codec.decode(arena.bufferOf(slot), entries.valueStartOf(slot), arena.endOf(slot)))
  }

  put(key: string, value: T): void {
    const slot = this.state.change(this.table, key, value, this.codec)
    this.entriesInMemory.keep(slot, value)
  }

  delete(key: string): void {
    if (this.get(key) === undefined) return
    this.entriesInMemory.keep(this.state.change(this.table, key, null, this.codec), undefined)
  }

  *entries(): IterableIterator<[key: string, value: T]> {
    if (this.loaded === null) throw new Error('entries() is for onRestored: elsewhere it would read the whole store')
    for (const [key, stored] of this.loaded) {
      const value = this.entriesInMemory.find(this.table, key) >= 0 ? this.get(key) : stored
      if (value !== undefined) yield [key, value]
    }
  }

  async load(store: LocalStore): Promise<void> {
    this.loaded = new Map()
    for await (const [key, bytes] of store.entries(this.table.prefix)) {
      this.loaded.set(key.slice(this.table.prefix.length), this.codec.decode(bytes, 0, bytes.length))
    }
  }

  unload(): void {
    this.loaded = null
  }

  private fetch(key: string): T | undefined {
    const bytes = this.store.get(this.table.prefix + key)
    if (bytes === undefined) return undefined
    const slot = this.entriesInMemory.add(this.table, bytes.length)
    this.entriesInMemory.fill(slot, bytes)
    return this.keep(slot, this.codec.decode(bytes, 0, bytes.length))
  }

  private keep(slot: number, value: T): T {
    this.entriesInMemory.keep(slot, value)
    return value
  }
}
