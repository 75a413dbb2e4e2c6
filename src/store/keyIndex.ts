import { KeyTable, OWNER_CELL, type SavedTable } from './keyTable.ts'
import { LENGTH } from './valueArena.ts'

/** What `save` says beside the bytes. */
export type SavedIndex = SavedTable

/** Cells of a row of the table: 32 bytes that are read together. */
const SEGMENT = OWNER_CELL
const PAGE = OWNER_CELL + 1
const SIZE = OWNER_CELL + 2
const CELLS = 4
const WIDTH = OWNER_CELL + CELLS

/**
 * Where the newest value of each key stands in the log, outside of the garbage-collected heap: about 50 bytes per key and
 * the key itself, which reading from disk would cost each write a read.
 */
export class KeyIndex {
  /** Nothing but its key stands in a slot. */
  private readonly keys = new KeyTable(CELLS, LENGTH)

  /** All of it as bytes, for `restore`: views, good until it changes. */
  save(): { readonly index: SavedIndex; readonly sections: readonly Buffer[] } {
    const { table, sections } = this.keys.save()
    return { index: table, sections }
  }

  /** What `save` gave. */
  static restore(saved: SavedIndex, sections: readonly Buffer[]): KeyIndex {
    const index = new KeyIndex()
    index.keys.restore(saved, sections)
    return index
  }

  /** True if each value stands in a segment of this number or a later one. */
  isWithin(firstSegment: number): boolean {
    const { arena, slotEnd } = this.keys
    for (let slot = 0; slot < slotEnd; slot++) {
      if (arena.has(slot) && this.segmentOf(slot) < firstSegment) return false
    }
    return true
  }

  /** Keys in it. */
  get size(): number {
    return this.keys.size
  }

  /** The slot of a key, -1 if it has none. */
  find(source: Buffer, start: number, end: number): number {
    return this.keys.find(source, start, end, this.keys.hashOf(source, start, end))
  }

  /** The slot of a key, a new one if it has none: its place is not set then, its size is 0. */
  add(source: Buffer, start: number, end: number): number {
    const { keys } = this
    const hash = keys.hashOf(source, start, end)
    const found = keys.find(source, start, end, hash)
    if (found >= 0) return found
    const slot = keys.add(hash)
    keys.arena.set(slot, source, start, end)
    keys.arena.cells[slot * WIDTH + SIZE] = 0
    return slot
  }

  setPlace(slot: number, segment: number, offset: number, size: number): void {
    const { cells } = this.keys.arena
    const row = slot * WIDTH
    cells[row + SEGMENT] = segment
    cells[row + PAGE] = offset
    cells[row + SIZE] = size
  }

  /** Number of the segment that has the value. */
  segmentOf(slot: number): number {
    return this.keys.arena.cells[slot * WIDTH + SEGMENT]!
  }

  /** Where in the segment's file its page begins. */
  offsetOf(slot: number): number {
    return this.keys.arena.cells[slot * WIDTH + PAGE]!
  }

  /** Bytes of the entry in its page; 0 for a slot that has just been added. */
  sizeOf(slot: number): number {
    return this.keys.arena.cells[slot * WIDTH + SIZE]!
  }

  remove(slot: number): void {
    const { arena } = this.keys
    // An id that is to be forgotten must not stand in a snapshot.
    arena.bufferOf(slot).fill(0, arena.startOf(slot), arena.endOf(slot))
    this.keys.remove(slot)
  }

  /** Slots of the keys that begin with `prefix`, in the order in which their values stand in the log. */
  slotsOf(prefix: Buffer): number[] {
    const found: number[] = []
    const { arena, slotEnd } = this.keys
    const first = prefix[0]
    for (let slot = 0; slot < slotEnd; slot++) {
      if (!arena.has(slot)) continue
      const start = arena.startOf(slot)
      if (arena.endOf(slot) - start < prefix.length) continue
      const bytes = arena.bufferOf(slot)
      // Most keys are another table's: a call into Node for each took 41 of 590 ms CPU of a start with 1,000,000 users, so 8.
      if (first !== undefined && bytes[start] !== first) continue
      if (prefix.compare(bytes, start, start + prefix.length) === 0) found.push(slot)
    }
    return found.sort((a, b) => this.segmentOf(a) - this.segmentOf(b) || this.offsetOf(a) - this.offsetOf(b))
  }

  keyOf(slot: number): string {
    const { arena } = this.keys
    return arena.bufferOf(slot).toString('utf8', arena.startOf(slot), arena.endOf(slot))
  }

  /** True if the slot's key is these bytes. */
  isKey(slot: number, source: Buffer, start: number, end: number): boolean {
    return this.keys.isKey(slot, source, start, end)
  }
}
