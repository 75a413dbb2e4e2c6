import type { Cycle } from './cycle.ts'
import { OWN_CELL, ValueArena } from '../store/valueArena.ts'

/** Entries of one table that are in memory: slot by key. */
export class EntryTable {
  /** In front of every key, in the changelog and in the store. */
  readonly prefix: string
  readonly slots = new Map<string, number>()

  constructor(prefix: string) {
    this.prefix = prefix
  }
}

/** Cells of an entry's row in the arena, behind those of its value: all that a look-up needs is read together. */
const FLAGS = OWN_CELL
/** Number of the cycle that has the newest value and has not committed, 0 for none, and which of its changes. */
const CYCLE = OWN_CELL + 1
const CHANGE = OWN_CELL + 2
/** Where in `decoded`, plus 1; 0 for nowhere. */
const DECODED = OWN_CELL + 3
const OWN_CELLS = 5
const WIDTH = OWN_CELL + OWN_CELLS

/** Flags. Looked at since the hand came by last. */
const USED = 1
/** Committed, not in the store yet. */
const DIRTY = 2
/** A store write with it is under way. */
const FLUSHING = 4
/** Deleted: the store may still have it. */
const DELETED = 8
/** So many decoded values are kept. */
const KEPT_DECODED = 16
/**
 * What an entry in memory takes beside its value and the text of its key: 500,000 timers of 8 bytes that waited for a
 * full disk took 236 bytes each, 30 times what was counted. A delete takes it too.
 */
const ENTRY_BYTES = 180
/** So many slots are looked at for one to let go, then the memory grows: all of them wait for a commit or the store. */
const SWEEP_STEPS = 64

/**
 * What is in memory of a task's state: per entry its encoded committed value, and where its newest value stands in a
 * cycle that has not committed yet. Bounded by a clock: one bit per use, and a hand that lets go what was not used since
 * it came by last, but never what is in no other place. Rows of numbers instead of an object per entry: every
 * major garbage collection would walk hundreds of thousands of them (`node bench/cycle.ts --users 200000`).
 */
export class StateEntries {
  readonly arena = new ValueArena(OWN_CELLS)
  /** Entries that are committed and not in the store, and about how much memory they take. */
  dirtyCount = 0
  dirtyBytes = 0
  private readonly limit: number
  private readonly tables: (EntryTable | undefined)[] = []
  private readonly keys: string[] = []
  /** By number - 1: the two cycles that a task swaps. */
  private readonly cycles: Cycle<unknown>[] = []
  /** A ring of decoded values, and whose they are: see `keep`. */
  private readonly decoded: unknown[] = new Array(KEPT_DECODED).fill(undefined)
  private readonly decodedSlots = new Int32Array(KEPT_DECODED).fill(-1)
  private decodedAt = 0
  private readonly free: number[] = []
  private dirty: number[] = []
  private hand = 0
  private inUse = 0

  constructor(limit: number) {
    this.limit = limit
  }

  tableOf(slot: number): EntryTable {
    return this.tables[slot]!
  }

  /** As in the changelog and in the store. */
  storeKeyOf(slot: number): string {
    return this.tables[slot]!.prefix + this.keys[slot]!
  }

  touch(slot: number): void {
    this.arena.cells[slot * WIDTH + FLAGS]! |= USED
  }

  /** The cycle that has the entry's newest value and has not committed, if any, and its number among that cycle's changes. */
  pendingCycle(slot: number): Cycle<unknown> | undefined {
    const number = this.arena.cells[slot * WIDTH + CYCLE]!
    return number === 0 ? undefined : this.cycles[number - 1]
  }

  pendingChange(slot: number): number {
    return this.arena.cells[slot * WIDTH + CHANGE]!
  }

  isDeleted(slot: number): boolean {
    return (this.arena.cells[slot * WIDTH + FLAGS]! & DELETED) !== 0
  }

  /** Entries in memory. */
  get count(): number {
    return this.inUse
  }

  /** A slot for a key that has none, letting others go where there are too many. */
  add(table: EntryTable, key: string): number {
    if (this.inUse >= this.limit) this.sweep()
    const slot = this.free.pop() ?? this.keys.length
    this.tables[slot] = table
    this.keys[slot] = key
    this.arena.reserve(slot)
    const { cells } = this.arena
    const row = slot * WIDTH
    cells[row + FLAGS] = USED
    cells[row + CYCLE] = 0
    cells[row + DECODED] = 0
    table.slots.set(key, slot)
    this.inUse++
    return slot
  }

  /** A value as the store has it. */
  fill(slot: number, bytes: Buffer): void {
    this.arena.set(slot, bytes, 0, bytes.length)
  }

  change(slot: number, cycle: Cycle<unknown>, index: number): void {
    const { cells } = this.arena
    const row = slot * WIDTH
    cells[row + CYCLE] = this.numberOf(cycle)
    cells[row + CHANGE] = index
    cells[row + FLAGS]! |= USED
  }

  /** The cycle has committed: its values are what the store shall get. */
  commit(cycle: Cycle<unknown>): void {
    const { changedSlots, changedBatches, changedStarts, changedEnds } = cycle
    const { arena } = this
    const number = this.numberOf(cycle)
    for (let i = 0; i < changedSlots.length; i++) {
      const slot = changedSlots[i]!
      const row = slot * WIDTH
      if (arena.cells[row + CYCLE] === number) {
        if (arena.cells[row + CHANGE] !== i) continue
        arena.cells[row + CYCLE] = 0
      }
      const start = changedStarts[i]!
      const flags = arena.cells[row + FLAGS]!
      if (start < 0) {
        arena.remove(slot)
        arena.cells[row + FLAGS] = flags | DIRTY | DELETED
      } else {
        arena.set(slot, changedBatches[i]!.buffer, start, changedEnds[i]!)
        arena.cells[row + FLAGS] = (flags | DIRTY) & ~DELETED
      }
      if ((flags & DIRTY) === 0) this.addDirty(slot)
    }
  }

  private numberOf(cycle: Cycle<unknown>): number {
    const index = this.cycles.indexOf(cycle)
    return index >= 0 ? index + 1 : this.cycles.push(cycle)
  }

  /** The entry's newest value as it was decoded, or put; undefined where it is not at hand. */
  decodedOf(slot: number): unknown {
    const at = this.arena.cells[slot * WIDTH + DECODED]!
    return at === 0 ? undefined : this.decoded[at - 1]
  }

  /**
   * Keeps a decoded value for a moment: a record asks for its user several times, and the next record seldom asks for the
   * same one. Kept for a whole cycle they outlive the young collections, which have to move them: resident memory of
   * `node bench/cycle.ts --users 200000 --records 1000000 --cycle 9000` was 650 to 698 MB so, and is 479 to 544 MB.
   */
  keep(slot: number, value: unknown): void {
    const { cells } = this.arena
    const kept = cells[slot * WIDTH + DECODED]!
    if (kept !== 0) {
      this.decoded[kept - 1] = value
      return
    }
    const at = this.decodedAt
    this.decodedAt = (at + 1) % KEPT_DECODED
    const oldest = this.decodedSlots[at]!
    if (oldest >= 0) cells[oldest * WIDTH + DECODED] = 0
    this.decoded[at] = value
    this.decodedSlots[at] = slot
    cells[slot * WIDTH + DECODED] = at + 1
  }

  /** What the store lacks, to be given to it; until `flushed` they stay. */
  takeDirty(): number[] {
    const taken = this.dirty
    this.dirty = []
    this.dirtyCount = 0
    this.dirtyBytes = 0
    const { cells } = this.arena
    for (const slot of taken) {
      const at = slot * WIDTH + FLAGS
      cells[at] = (cells[at]! & ~DIRTY) | FLUSHING
    }
    return taken
  }

  /**
   * The store has taken them, or could not. What it has taken as deleted goes from here too: timers that have fired would
   * fill the memory up to its limit otherwise.
   */
  flushed(slots: readonly number[], taken: boolean): void {
    const { cells } = this.arena
    for (const slot of slots) {
      const row = slot * WIDTH
      const flags = cells[row + FLAGS]! & ~FLUSHING
      cells[row + FLAGS] = flags
      if ((flags & DIRTY) !== 0) continue
      if (!taken) {
        cells[row + FLAGS] = flags | DIRTY
        this.addDirty(slot)
      } else if ((flags & DELETED) !== 0 && cells[row + CYCLE] === 0 && cells[row + DECODED] === 0) this.letGo(slot)
    }
  }

  private addDirty(slot: number): void {
    this.dirty.push(slot)
    this.dirtyCount++
    this.dirtyBytes += ENTRY_BYTES + this.keys[slot]!.length
    if (this.arena.has(slot)) this.dirtyBytes += this.arena.endOf(slot) - this.arena.startOf(slot)
  }

  /** Lets up to two entries go: so it comes back under its limit after it had to grow. */
  private sweep(): void {
    let toGo = 2
    for (let step = 0; step < SWEEP_STEPS && toGo > 0; step++) {
      const slot = this.hand
      this.hand = slot + 1 >= this.keys.length ? 0 : slot + 1
      if (this.tables[slot] === undefined) continue
      const { cells } = this.arena
      const row = slot * WIDTH
      const flags = cells[row + FLAGS]!
      if ((flags & (DIRTY | FLUSHING)) !== 0 || cells[row + CYCLE] !== 0 || cells[row + DECODED] !== 0) continue
      if ((flags & USED) !== 0) {
        cells[row + FLAGS] = flags & ~USED
        continue
      }
      this.letGo(slot)
      toGo--
    }
  }

  /** The store has it as it is here. */
  private letGo(slot: number): void {
    this.tables[slot]!.slots.delete(this.keys[slot]!)
    this.arena.remove(slot)
    this.tables[slot] = undefined
    this.keys[slot] = ''
    this.free.push(slot)
    this.inUse--
  }
}
