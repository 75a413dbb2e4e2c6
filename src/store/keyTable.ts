import { randomInt } from 'node:crypto'
import { type ArenaChunk, bytesOf, int32Of, OWN_CELL, ValueArena } from './valueArena.ts'

/** Of each row of the arena the table's own cell; the owner's are behind it. */
const HASH = OWN_CELL
/** First of the owner's cells in a row. */
export const OWNER_CELL = OWN_CELL + 1
const FIRST_PLACES = 2048
/** Of the hash table's places at most so many are taken: two thirds, for short runs of neighbours. */
const MAX_LOAD = 0.66

/** What `save` says beside the bytes. */
export interface SavedTable {
  readonly seed: number
  readonly slotCount: number
  readonly chunks: readonly ArenaChunk[]
}

/**
 * Slots by key, outside of the garbage-collected heap: an open-addressing table of slot numbers, and an arena in which
 * each slot's bytes begin with its key. Keys are kept whole, because a hash alone could take one user for another. The
 * hash is seeded at random: whoever chooses ids cannot choose collisions. It stands in the row, so that growing reads no
 * keys and a look-up compares hardly any but the right one.
 *
 * What is in the arena and how long a key is the owner says: it sets a new slot's bytes itself.
 */
export class KeyTable {
  arena: ValueArena
  private seed = randomInt(0x7fffffff)
  /** Slot + 1 by hash, linear probing; 0 is an empty place. Its length is a power of two. */
  private places = new Int32Array(FIRST_PLACES)
  private free: number[] = []
  private slotCount = 0
  private readonly ownCells: number
  private readonly width: number
  private readonly lengthCell: number

  /** `ownerCells`: of each row so many are the owner's. `lengthCell`: the one that says how many bytes the key has. */
  constructor(ownerCells: number, lengthCell: number) {
    this.ownCells = ownerCells + 1
    this.width = OWN_CELL + this.ownCells
    this.lengthCell = lengthCell
    this.arena = new ValueArena(this.ownCells)
  }

  /** All of it as bytes, for `restore`: views, good until it changes. */
  save(): { readonly table: SavedTable; readonly sections: readonly Buffer[] } {
    const { seed, slotCount } = this
    const { chunks, sections } = this.arena.save(slotCount)
    const own = [this.places, Int32Array.from(this.free)].map(bytesOf)
    return { table: { seed, slotCount, chunks }, sections: [...own, ...sections] }
  }

  /** Becomes what `save` gave. */
  restore({ seed, slotCount, chunks }: SavedTable, sections: readonly Buffer[]): void {
    const [places, free, ...arena] = sections
    this.seed = seed
    this.slotCount = slotCount
    this.places = int32Of(places!)
    this.free = [...int32Of(free!)]
    this.arena = ValueArena.restore(this.ownCells, { chunks, sections: arena })
  }

  /** Keys in it. */
  get size(): number {
    return this.slotCount - this.free.length
  }

  /** Slots have numbers below this one; which are in use the arena knows. */
  get slotEnd(): number {
    return this.slotCount
  }

  /** The hash of a key, for `find` and `add`. */
  hashOf(source: Buffer, start: number, end: number): number {
    return this.mix(this.stir(this.seed, source, start, end))
  }

  /** What `stir` begins with where a key comes in parts. */
  get firstHash(): number {
    return this.seed
  }

  /** FNV-1a over some more of the key's bytes. */
  stir(before: number, source: Buffer, start: number, end: number): number {
    let hash = before
    for (let i = start; i < end; i++) hash = stirred(hash, source[i]!)
    return hash
  }

  /** Murmur3's last steps behind the last byte, so that all bits count. */
  mix(stirredHash: number): number {
    let hash = stirredHash
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
    return hash ^ (hash >>> 16)
  }

  /** The slot of a key, -1 if it has none. */
  find(source: Buffer, start: number, end: number, hash: number): number {
    const { places, width } = this
    const { cells } = this.arena
    const mask = places.length - 1
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const slot = places[at]! - 1
      if (slot < 0) return -1
      if (cells[slot * width + HASH] === hash && this.isKey(slot, source, start, end)) return slot
    }
  }

  /** A slot for a key that has none. Its row is there, its bytes are what the owner must set next. */
  add(hash: number): number {
    const slot = this.free.pop() ?? this.slotCount++
    this.arena.reserve(slot)
    this.arena.cells[slot * this.width + HASH] = hash
    if (this.size > this.places.length * MAX_LOAD) this.growPlaces()
    this.occupy(slot)
    return slot
  }

  remove(slot: number): void {
    const { places } = this
    const mask = places.length - 1
    let hole = this.hashOfSlot(slot) & mask
    while (places[hole] !== slot + 1) hole = (hole + 1) & mask
    // Whoever stands behind the hole, and could stand in it, moves up: no tombstones, so look-ups stay short.
    for (let at = (hole + 1) & mask; places[at] !== 0; at = (at + 1) & mask) {
      const ideal = this.hashOfSlot(places[at]! - 1) & mask
      if (((at - ideal) & mask) < ((at - hole) & mask)) continue
      places[hole] = places[at]!
      hole = at
    }
    places[hole] = 0
    // A hash beside its seed, in a snapshot, would tell whoever has a list of ids which of them was here.
    this.arena.cells[slot * this.width + HASH] = 0
    this.arena.remove(slot)
    this.free.push(slot)
  }

  /** True if the slot's key is these bytes. */
  isKey(slot: number, source: Buffer, start: number, end: number): boolean {
    const { arena } = this
    if (arena.cells[slot * this.width + this.lengthCell] !== end - start) return false
    const bytes = arena.bufferOf(slot)
    for (let i = start, j = arena.startOf(slot); i < end; i++, j++) if (source[i] !== bytes[j]) return false
    return true
  }

  private hashOfSlot(slot: number): number {
    return this.arena.cells[slot * this.width + HASH]!
  }

  private occupy(slot: number): void {
    const mask = this.places.length - 1
    let at = this.hashOfSlot(slot) & mask
    while (this.places[at] !== 0) at = (at + 1) & mask
    this.places[at] = slot + 1
  }

  private growPlaces(): void {
    const before = this.places
    this.places = new Int32Array(before.length * 2)
    for (const place of before) if (place !== 0) this.occupy(place - 1)
  }
}

/** A step of FNV-1a: for keys that are hashed while they are written. */
export function stirred(hash: number, byte: number): number {
  return Math.imul(hash ^ byte, 0x01000193)
}
