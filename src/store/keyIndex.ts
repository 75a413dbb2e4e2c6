import { randomInt } from 'node:crypto'
import { type ArenaChunk, bytesOf, int32Of, ValueArena } from './valueArena.ts'

const FIRST_SLOTS = 1024
/** Of the hash table's places at most so many are taken: two thirds, for short runs of neighbours. */
const MAX_LOAD = 0.66

/** What `save` says beside the bytes. */
export interface SavedIndex {
  readonly seed: number
  readonly slotCount: number
  readonly chunks: readonly ArenaChunk[]
}

/** Sections of `save` before those of the keys. */
const OWN_SECTIONS = 6

/**
 * Where the newest value of each key stands in the log, in columns outside of the garbage-collected heap: about 45 bytes
 * per key and the key itself. Keys are kept whole, because a hash alone could take one user for another, and reading
 * them from disk would cost each write a read. The hash is seeded at random: whoever chooses ids cannot choose collisions.
 */
export class KeyIndex {
  private seed = randomInt(0x7fffffff)
  private keys = new ValueArena()
  /** Slot + 1 by hash, linear probing; 0 is an empty place. Its length is a power of two. */
  private places = new Int32Array(FIRST_SLOTS * 2)
  private hashes = new Int32Array(FIRST_SLOTS)
  private segments = new Uint32Array(FIRST_SLOTS)
  private offsets = new Uint32Array(FIRST_SLOTS)
  private sizes = new Uint32Array(FIRST_SLOTS)
  private free: number[] = []
  private slotCount = 0

  /** All of it as bytes, for `restore`: views, good until it changes. */
  save(): { readonly index: SavedIndex; readonly sections: readonly Buffer[] } {
    const { seed, slotCount } = this
    const { chunks, sections } = this.keys.save(slotCount)
    const columns = [this.hashes, this.segments, this.offsets, this.sizes].map(column => column.subarray(0, slotCount))
    const own = [this.places, ...columns, Int32Array.from(this.free)].map(bytesOf)
    return { index: { seed, slotCount, chunks }, sections: [...own, ...sections] }
  }

  /** What `save` gave. */
  static restore({ seed, slotCount, chunks }: SavedIndex, sections: readonly Buffer[]): KeyIndex {
    const index = new KeyIndex()
    const [places, hashes, segments, offsets, sizes, free] = sections
    index.seed = seed
    index.slotCount = slotCount
    index.places = int32Of(places!)
    index.hashes = int32Of(hashes!)
    index.segments = uint32Of(segments!)
    index.offsets = uint32Of(offsets!)
    index.sizes = uint32Of(sizes!)
    index.free = [...int32Of(free!)]
    index.keys = ValueArena.restore({ chunks, sections: sections.slice(OWN_SECTIONS) })
    return index
  }

  /** True if each value stands in a segment of this number or a later one. */
  isWithin(firstSegment: number): boolean {
    for (let slot = 0; slot < this.slotCount; slot++) {
      if (this.keys.has(slot) && this.segments[slot]! < firstSegment) return false
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
    if (slot >= this.hashes.length) this.growColumns()
    this.hashes[slot] = hash
    this.sizes[slot] = 0
    this.keys.set(slot, source, start, end)
    if (this.size > this.places.length * MAX_LOAD) this.growPlaces()
    this.occupy(slot)
    return slot
  }

  setPlace(slot: number, segment: number, offset: number, size: number): void {
    this.segments[slot] = segment
    this.offsets[slot] = offset
    this.sizes[slot] = size
  }

  /** Number of the segment that has the value. */
  segmentOf(slot: number): number {
    return this.segments[slot]!
  }

  /** Where in the segment's file its page begins. */
  offsetOf(slot: number): number {
    return this.offsets[slot]!
  }

  /** Bytes of the entry in its page; 0 for a slot that has just been added. */
  sizeOf(slot: number): number {
    return this.sizes[slot]!
  }

  remove(slot: number): void {
    const { places } = this
    const mask = places.length - 1
    let hole = this.hashes[slot]! & mask
    while (places[hole] !== slot + 1) hole = (hole + 1) & mask
    // Whoever stands behind the hole, and could stand in it, moves up: no tombstones, so look-ups stay short.
    for (let at = (hole + 1) & mask; places[at] !== 0; at = (at + 1) & mask) {
      const ideal = this.hashes[places[at]! - 1]! & mask
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
    return found.sort((a, b) => this.segments[a]! - this.segments[b]! || this.offsets[a]! - this.offsets[b]!)
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
    const { places, hashes } = this
    const mask = places.length - 1
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const slot = places[at]! - 1
      if (slot < 0) return -1
      if (hashes[slot] === hash && this.isKey(slot, source, start, end)) return slot
    }
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
    let at = this.hashes[slot]! & mask
    while (this.places[at] !== 0) at = (at + 1) & mask
    this.places[at] = slot + 1
  }

  private growPlaces(): void {
    const before = this.places
    this.places = new Int32Array(before.length * 2)
    for (const place of before) if (place !== 0) this.occupy(place - 1)
  }

  private growColumns(): void {
    const length = Math.max(FIRST_SLOTS, this.hashes.length * 2)
    const hashes = new Int32Array(length)
    hashes.set(this.hashes)
    this.hashes = hashes
    this.segments = grown(this.segments, length)
    this.offsets = grown(this.offsets, length)
    this.sizes = grown(this.sizes, length)
  }
}

function uint32Of(bytes: Buffer): Uint32Array<ArrayBuffer> {
  return new Uint32Array(int32Of(bytes).buffer)
}

function grown(column: Uint32Array<ArrayBuffer>, length: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(length)
  larger.set(column)
  return larger
}
