import { randomInt } from 'node:crypto'
import { type ArenaChunk, bytesOf, int32Of, OWN_CELL, ValueArena } from './valueArena.ts'

const FIRST_PLACES = 2048
/** Of the hash table's places at most so many are taken: two thirds, for short runs of neighbours. */
const MAX_LOAD = 0.66

/** What `save` says beside the bytes. */
export interface SavedIndex {
  readonly seed: number
  readonly slotCount: number
  readonly chunks: readonly ArenaChunk[]
}

/** Cells of a row of the arena behind its own: 32 bytes that are read together. */
const HASH = OWN_CELL
const SEGMENT = OWN_CELL + 1
const PAGE = OWN_CELL + 2
const SIZE = OWN_CELL + 3
const OWN_CELLS = 5
const WIDTH = OWN_CELL + OWN_CELLS

/**
 * Where the newest value of each key stands in the log, outside of the garbage-collected heap: about 50 bytes per key and
 * the key itself. Keys are kept whole, because a hash alone could take one user for another, and reading
 * them from disk would cost each write a read. The hash is seeded at random: whoever chooses ids cannot choose collisions.
 */
export class KeyIndex {
  private seed = randomInt(0x7fffffff)
  private keys = new ValueArena(OWN_CELLS)
  /** Slot + 1 by hash, linear probing; 0 is an empty place. Its length is a power of two. */
  private places = new Int32Array(FIRST_PLACES)
  private free: number[] = []
  private slotCount = 0

  /** All of it as bytes, for `restore`: views, good until it changes. */
  save(): { readonly index: SavedIndex; readonly sections: readonly Buffer[] } {
    const { seed, slotCount } = this
    const { chunks, sections } = this.keys.save(slotCount)
    const own = [this.places, Int32Array.from(this.free)].map(bytesOf)
    return { index: { seed, slotCount, chunks }, sections: [...own, ...sections] }
  }

  /** What `save` gave. */
  static restore({ seed, slotCount, chunks }: SavedIndex, sections: readonly Buffer[]): KeyIndex {
    const index = new KeyIndex()
    const [places, free, ...keys] = sections
    index.seed = seed
    index.slotCount = slotCount
    index.places = int32Of(places!)
    index.free = [...int32Of(free!)]
    index.keys = ValueArena.restore(OWN_CELLS, { chunks, sections: keys })
    return index
  }

  /** True if each value stands in a segment of this number or a later one. */
  isWithin(firstSegment: number): boolean {
    for (let slot = 0; slot < this.slotCount; slot++) {
      if (this.keys.has(slot) && this.segmentOf(slot) < firstSegment) return false
    }
    return true
  }

  /** Keys in it. */
  get size(): number {
    return this.slotCount - this.free.length
  }

  /** The slot of a key, -1 if it has none. */
  find(source: Buffer, start: number, end: number): number {
    return this.lookUp(source, start, end, this.hashOf(source, start, end))
  }

  /** The slot of a key, a new one if it has none: its place is not set then, its size is 0. */
  add(source: Buffer, start: number, end: number): number {
    const hash = this.hashOf(source, start, end)
    const found = this.lookUp(source, start, end, hash)
    if (found >= 0) return found
    const slot = this.free.pop() ?? this.slotCount++
    this.keys.set(slot, source, start, end)
    this.keys.cells[slot * WIDTH + HASH] = hash
    this.keys.cells[slot * WIDTH + SIZE] = 0
    if (this.size > this.places.length * MAX_LOAD) this.growPlaces()
    this.occupy(slot)
    return slot
  }

  setPlace(slot: number, segment: number, offset: number, size: number): void {
    const { cells } = this.keys
    const row = slot * WIDTH
    cells[row + SEGMENT] = segment
    cells[row + PAGE] = offset
    cells[row + SIZE] = size
  }

  /** Number of the segment that has the value. */
  segmentOf(slot: number): number {
    return this.keys.cells[slot * WIDTH + SEGMENT]!
  }

  /** Where in the segment's file its page begins. */
  offsetOf(slot: number): number {
    return this.keys.cells[slot * WIDTH + PAGE]!
  }

  /** Bytes of the entry in its page; 0 for a slot that has just been added. */
  sizeOf(slot: number): number {
    return this.keys.cells[slot * WIDTH + SIZE]!
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
    // An id that is to be forgotten must not stand in a snapshot.
    this.keys.bufferOf(slot).fill(0, this.keys.startOf(slot), this.keys.endOf(slot))
    this.keys.remove(slot)
    this.free.push(slot)
  }

  /** Slots of the keys that begin with `prefix`, in the order in which their values stand in the log. */
  slotsOf(prefix: Buffer): number[] {
    const found: number[] = []
    const { keys } = this
    for (let slot = 0; slot < this.slotCount; slot++) {
      if (!keys.has(slot)) continue
      const start = keys.startOf(slot)
      if (keys.endOf(slot) - start < prefix.length) continue
      if (prefix.compare(keys.bufferOf(slot), start, start + prefix.length) === 0) found.push(slot)
    }
    return found.sort((a, b) => this.segmentOf(a) - this.segmentOf(b) || this.offsetOf(a) - this.offsetOf(b))
  }

  keyOf(slot: number): string {
    return this.keys.bufferOf(slot).toString('utf8', this.keys.startOf(slot), this.keys.endOf(slot))
  }

  /** True if the slot's key is these bytes. */
  isKey(slot: number, source: Buffer, start: number, end: number): boolean {
    const { keys } = this
    const keyStart = keys.startOf(slot)
    if (keys.endOf(slot) - keyStart !== end - start) return false
    const bytes = keys.bufferOf(slot)
    for (let i = start, j = keyStart; i < end; i++, j++) if (source[i] !== bytes[j]) return false
    return true
  }

  private lookUp(source: Buffer, start: number, end: number, hash: number): number {
    const { places } = this
    const { cells } = this.keys
    const mask = places.length - 1
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const slot = places[at]! - 1
      if (slot < 0) return -1
      if (cells[slot * WIDTH + HASH] === hash && this.isKey(slot, source, start, end)) return slot
    }
  }

  private hashOfSlot(slot: number): number {
    return this.keys.cells[slot * WIDTH + HASH]!
  }

  /** FNV-1a with a seed, and murmur3's last steps, so that all bits count. */
  private hashOf(source: Buffer, start: number, end: number): number {
    let hash = this.seed
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ source[i]!, 0x01000193)
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
    return hash ^ (hash >>> 16)
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
