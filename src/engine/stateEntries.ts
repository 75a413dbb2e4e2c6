import type { Cycle } from './cycle.ts'
import { EntryTable } from './entryTable.ts'
import { KeyTable, OWNER_CELL } from '../store/keyTable.ts'

/** Cells of an entry's row in the arena, behind those of its key and value: all that a look-up needs is read together. */
const KEY_BYTES = OWNER_CELL
/** And, from CYCLE on, the number of the cycle that has the newest value and has not committed, 0 for none. */
const FLAGS = OWNER_CELL + 1
/** Which of that cycle's changes. */
const CHANGE = OWNER_CELL + 2
/** Where in `decoded`, plus 1; 0 for nowhere. */
const DECODED = OWNER_CELL + 3
const CELLS = 4
const WIDTH = OWNER_CELL + CELLS

/** Flags. Looked at since the hand came by last. */
const USED = 1
/** Committed, not in the store yet. */
const DIRTY = 2
/** A store write with it is under way. */
const FLUSHING = 4
/** Deleted: the store may still have it. */
const DELETED = 8
const CYCLE = 4
const CYCLE_BITS = -1 << CYCLE
/** So many decoded values are kept. */
const KEPT_DECODED = 16
/**
 * What an entry in memory takes beside its key and value: 300,000 to 700,000 entries of 8 bytes and keys of 19 that waited
 * for the store took 151 to 176 bytes of resident memory each, tables that grow by doubling counted. A delete takes it too.
 */
const ENTRY_BYTES = 160
/** So many slots are looked at for one to let go, then the memory grows: all of them wait for a commit or the store. */
const SWEEP_STEPS = 64

/**
 * What is in memory of a task's state: per entry its key and its encoded committed value, and where its newest value
 * stands in a cycle that has not committed yet. Bounded by a clock: one bit per use, and a hand that lets go what was not
 * used since it came by last, but never what is in no other place. Rows of numbers and bytes instead of objects and
 * strings: every major garbage collection would walk hundreds of thousands (`node bench/cycle.ts --users 200000`).
 */
export class StateEntries {
  private readonly keys = new KeyTable(CELLS, KEY_BYTES)
  /** Per slot the key as in the changelog and in the store, and behind it the value; nothing but the key if there is none. */
  readonly arena = this.keys.arena
  /** Entries that are committed and not in the store, and about how much memory they take. */
  dirtyCount = 0
  dirtyBytes = 0
  private readonly limit: number
  /** By number - 1: the two cycles that a task swaps. */
  private readonly cycles: Cycle<unknown>[] = []
  /** A ring of decoded values, and whose they are: see `keep`. */
  private readonly decoded: unknown[] = new Array(KEPT_DECODED).fill(undefined)
  private readonly decodedSlots = new Int32Array(KEPT_DECODED).fill(-1)
  private decodedAt = 0
  private dirty: number[] = []
  private hand = 0
  /** Entries that were let go until now: slots that tables know from before may be others' now. */
  private age = 0

  constructor(limit: number) {
    this.limit = limit
  }

  /** `prefix` stands in front of the table's keys, in the changelog and in the store. */
  createTable(prefix: string): EntryTable {
    return new EntryTable(prefix, this.keys)
  }

  /** The slot of a key, -1 if it is not in memory. The table has the key's bytes then. */
  find(table: EntryTable, key: string): number {
    if (!table.has(key)) table.read(key)
    else if (table.slotAge === this.age) return table.slot
    table.slotAge = this.age
    table.slot = this.keys.find(table.bytes, 0, table.end, table.hash)
    return table.slot
  }

  touch(slot: number): void {
    this.arena.cells[slot * WIDTH + FLAGS]! |= USED
  }

  /** The cycle that has the entry's newest value and has not committed, if any, and its number among that cycle's changes. */
  pendingCycle(slot: number): Cycle<unknown> | undefined {
    const number = this.arena.cells[slot * WIDTH + FLAGS]! >> CYCLE
    return number === 0 ? undefined : this.cycles[number - 1]
  }

  pendingChange(slot: number): number {
    return this.arena.cells[slot * WIDTH + CHANGE]!
  }

  isDeleted(slot: number): boolean {
    return (this.arena.cells[slot * WIDTH + FLAGS]! & DELETED) !== 0
  }

  /** Where the slot's key ends and its value begins. */
  valueStartOf(slot: number): number {
    return this.arena.startOf(slot) + this.arena.cells[slot * WIDTH + KEY_BYTES]!
  }

  /** Entries in memory. */
  get count(): number {
    return this.keys.size
  }

  /**
   * A slot for the key that was looked for last in the table and has none, letting others go where there are too many.
   * A value of `valueBytes` is what it will have first.
   */
  add(table: EntryTable, valueBytes: number): number {
    if (this.keys.size >= this.limit) this.sweep()
    const { arena } = this
    const slot = this.keys.add(table.hash)
    arena.set(slot, table.bytes, 0, table.end, table.end + valueBytes)
    const { cells } = arena
    const row = slot * WIDTH
    cells[row + KEY_BYTES] = table.end
    cells[row + FLAGS] = USED
    cells[row + DECODED] = 0
    table.slot = slot
    table.slotAge = this.age
    return slot
  }

  /** A value as the store has it. */
  fill(slot: number, bytes: Buffer): void {
    this.setValue(slot, bytes, 0, bytes.length)
  }

  change(slot: number, cycle: Cycle<unknown>, index: number): void {
    const { cells } = this.arena
    const row = slot * WIDTH
    cells[row + FLAGS] = (cells[row + FLAGS]! & ~CYCLE_BITS) | USED | (this.numberOf(cycle) << CYCLE)
    cells[row + CHANGE] = index
  }

  /** The cycle has committed: its values are what the store shall get. */
  commit(cycle: Cycle<unknown>): void {
    const { changedSlots, changedBatches, changedStarts, changedEnds } = cycle
    const { arena } = this
    const number = this.numberOf(cycle)
    for (let i = 0; i < changedSlots.length; i++) {
      const slot = changedSlots[i]!
      const row = slot * WIDTH
      let flags = arena.cells[row + FLAGS]!
      if (flags >> CYCLE === number) {
        if (arena.cells[row + CHANGE] !== i) continue
        flags &= ~CYCLE_BITS
      }
      const start = changedStarts[i]!
      if (start < 0) {
        arena.cut(slot, arena.cells[row + KEY_BYTES]!)
        arena.cells[row + FLAGS] = flags | DIRTY | DELETED
      } else {
        this.setValue(slot, changedBatches[i]!.buffer, start, changedEnds[i]!)
        arena.cells[row + FLAGS] = (flags | DIRTY) & ~DELETED
      }
      if ((flags & DIRTY) === 0) this.addDirty(slot)
    }
  }

  private setValue(slot: number, source: Buffer, start: number, end: number): void {
    this.arena.setBehind(slot, this.arena.cells[slot * WIDTH + KEY_BYTES]!, source, start, end)
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
      } else if ((flags & (DELETED | CYCLE_BITS)) === DELETED && cells[row + DECODED] === 0) this.letGo(slot)
    }
  }

  private addDirty(slot: number): void {
    this.dirty.push(slot)
    this.dirtyCount++
    this.dirtyBytes += ENTRY_BYTES + this.arena.endOf(slot) - this.arena.startOf(slot)
  }

  /** Lets up to two entries go: so it comes back under its limit after it had to grow. */
  private sweep(): void {
    let toGo = 2
    for (let step = 0; step < SWEEP_STEPS && toGo > 0; step++) {
      const slot = this.hand
      this.hand = slot + 1 >= this.keys.slotEnd ? 0 : slot + 1
      if (!this.arena.has(slot)) continue
      const { cells } = this.arena
      const row = slot * WIDTH
      const flags = cells[row + FLAGS]!
      if ((flags & (DIRTY | FLUSHING | CYCLE_BITS)) !== 0 || cells[row + DECODED] !== 0) continue
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
    this.keys.remove(slot)
    this.age++
  }
}
