/** First of the owner's cells in a row. */
export const OWN_CELL = 3
const CHUNK = 0
const OFFSET = 1
/** Cell of a row that says how many bytes the slot has. */
export const LENGTH = 2
const CHUNK_BYTES = 256 << 10
/** In front of each value: the slot that it belongs to, and how many bytes it may grow to in place. */
const HEADER_BYTES = 8
/** So much room may stay with what was cut: less than what moving it would cost. */
const LEFT_OVER_BYTES = 64
/**
 * A part of it may be garbage before values are moved together: a quarter, but never less than a chunk. A small state
 * comes to that least with time, in each of the two arenas of a partition. With two chunks `npm run soak -- membership` was
 * not there within an hour, and it looked like a leak: heap snapshots had 8 chunks of four partitions at first, 13 after 400 s.
 */
const GARBAGE_SHARE = 0.25

interface Chunk {
  readonly bytes: Buffer
  /** Where the next value goes. */
  used: number
  /** Of the used bytes, those that values still stand in, with their headers. */
  live: number
}

/** A chunk as `save` describes it: its number, its used and its live bytes. */
export interface ArenaChunk {
  readonly index: number
  readonly used: number
  readonly live: number
}

/**
 * Encoded values by slot number, outside of the garbage-collected heap: a Buffer for each would be an object that every
 * major collection walks. Values are appended to chunks, overwritten in place where the new one is not longer, and moved out
 * of a chunk that is mostly garbage: 256 KiB at a time. `node bench/cycle.ts --users 200000` shows CPU and memory with them.
 */
export class ValueArena {
  private readonly chunks: (Chunk | undefined)[] = []
  private readonly freeIndexes: number[] = []
  private spare: Buffer | undefined
  private currentIndex = -1
  private usedBytes = 0
  private liveBytes = 0
  /** One row per slot: chunk (-1: no value), offset and length of its value, then the owner's. */
  cells = new Int32Array(0)
  private readonly width: number

  /** `ownCells`: of each row so many are the owner's, from `OWN_CELL` on. Once read with the row they cost nothing more. */
  constructor(ownCells = 0) {
    this.width = OWN_CELL + ownCells
  }

  /** Bytes that the chunks take, garbage included. */
  get sizeBytes(): number {
    return this.chunks.reduce((sum, chunk) => sum + (chunk?.bytes.length ?? 0), 0)
  }

  has(slot: number): boolean {
    const row = slot * this.width
    return row < this.cells.length && this.cells[row + CHUNK]! >= 0
  }

  /** The chunk that the slot's value stands in, from `startOf` to `endOf`: good until the next `set`. */
  bufferOf(slot: number): Buffer {
    return this.chunks[this.cells[slot * this.width + CHUNK]!]!.bytes
  }

  startOf(slot: number): number {
    return this.cells[slot * this.width + OFFSET]!
  }

  endOf(slot: number): number {
    const row = slot * this.width
    return this.cells[row + OFFSET]! + this.cells[row + LENGTH]!
  }

  /** Makes rows up to this slot. A new row has no value and zeros for the owner. */
  reserve(slot: number): void {
    const { width } = this
    const size = this.cells.length
    if ((slot + 1) * width <= size) return
    const larger = new Int32Array(Math.max(1024, (size / width) * 2, slot + 1) * width)
    larger.set(this.cells)
    for (let row = size; row < larger.length; row += width) larger[row + CHUNK] = -1
    this.cells = larger
  }

  /** `room`: so many bytes it may grow to in place, if that is more. */
  set(slot: number, source: Buffer, start: number, end: number, room = 0): void {
    const length = end - start
    this.reserve(slot)
    const row = slot * this.width
    const at = this.cells[row + CHUNK]!
    if (at >= 0) {
      const { bytes } = this.chunks[at]!
      const offset = this.cells[row + OFFSET]!
      if (length <= bytes.readInt32LE(offset - 4)) {
        source.copy(bytes, offset, start, end)
        this.cells[row + LENGTH] = length
        return
      }
      this.remove(slot)
    }
    const offset = this.open(slot, length, Math.max(length, room))
    source.copy(this.chunks[this.currentIndex]!.bytes, offset, start, end)
    this.tidy()
  }

  /** Sets what stands behind the slot's first `kept` bytes, which stay. */
  setBehind(slot: number, kept: number, source: Buffer, start: number, end: number): void {
    const length = kept + end - start
    const row = slot * this.width
    const at = this.cells[row + CHUNK]!
    const { bytes } = this.chunks[at]!
    const offset = this.cells[row + OFFSET]!
    const capacity = bytes.readInt32LE(offset - 4)
    if (length <= capacity) {
      source.copy(bytes, offset + kept, start, end)
      this.cells[row + LENGTH] = length
      return
    }
    const to = this.open(slot, length, length)
    const moved = this.chunks[this.currentIndex]!.bytes
    for (let i = 0; i < kept; i++) moved[to + i] = bytes[offset + i]!
    source.copy(moved, to + kept, start, end)
    this.release(at, HEADER_BYTES + capacity)
    this.tidy()
  }

  /** Keeps the slot's first bytes only; much room that is left over is given back. */
  cut(slot: number, length: number): void {
    const row = slot * this.width
    const at = this.cells[row + CHUNK]!
    const { bytes } = this.chunks[at]!
    const offset = this.cells[row + OFFSET]!
    const capacity = bytes.readInt32LE(offset - 4)
    if (capacity - length <= LEFT_OVER_BYTES) {
      this.cells[row + LENGTH] = length
      return
    }
    const to = this.open(slot, length, length)
    bytes.copy(this.chunks[this.currentIndex]!.bytes, to, offset, offset + length)
    this.release(at, HEADER_BYTES + capacity)
    this.tidy()
  }

  remove(slot: number): void {
    if (!this.has(slot)) return
    const row = slot * this.width
    const index = this.cells[row + CHUNK]!
    const capacity = this.chunks[index]!.bytes.readInt32LE(this.cells[row + OFFSET]! - 4)
    this.cells[row + CHUNK] = -1
    this.release(index, HEADER_BYTES + capacity)
  }

  /** All of it as bytes, for `restore`: views, good until it changes. `slots` are in use. */
  save(slots: number): { readonly chunks: readonly ArenaChunk[]; readonly sections: readonly Buffer[] } {
    this.reserve(slots)
    const chunks: ArenaChunk[] = []
    const contents: Buffer[] = []
    for (const [index, chunk] of this.chunks.entries()) {
      if (chunk === undefined) continue
      chunks.push({ index, used: chunk.used, live: chunk.live })
      contents.push(chunk.bytes.subarray(0, chunk.used))
    }
    return { chunks, sections: [bytesOf(this.cells.subarray(0, slots * this.width)), ...contents] }
  }

  /** What `save` gave. */
  static restore(
    ownCells: number,
    saved: { readonly chunks: readonly ArenaChunk[]; readonly sections: readonly Buffer[] },
  ): ValueArena {
    const arena = new ValueArena(ownCells)
    const [cells, ...contents] = saved.sections
    arena.cells = int32Of(cells!)
    for (const [at, { index, used, live }] of saved.chunks.entries()) {
      const bytes = Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, used))
      contents[at]!.copy(bytes)
      arena.chunks[index] = { bytes, used, live }
      arena.usedBytes += used
      arena.liveBytes += live
    }
    for (let index = 0; index < arena.chunks.length; index++) {
      if (arena.chunks[index] === undefined) arena.freeIndexes.push(index)
    }
    return arena
  }

  /** Makes room for a value behind the others, in the chunk that is the current one then; where it begins. */
  private open(slot: number, length: number, capacity: number): number {
    const size = HEADER_BYTES + capacity
    let chunk = this.chunks[this.currentIndex]
    if (chunk === undefined || chunk.used + size > chunk.bytes.length) chunk = this.begin(size)
    const offset = chunk.used + HEADER_BYTES
    chunk.bytes.writeInt32LE(slot, chunk.used)
    chunk.bytes.writeInt32LE(capacity, chunk.used + 4)
    chunk.used += size
    chunk.live += size
    this.usedBytes += size
    this.liveBytes += size
    const row = slot * this.width
    this.cells[row + CHUNK] = this.currentIndex
    this.cells[row + OFFSET] = offset
    this.cells[row + LENGTH] = length
    return offset
  }

  /** What stood there, with its header, is garbage now. */
  private release(index: number, size: number): void {
    const chunk = this.chunks[index]!
    chunk.live -= size
    this.liveBytes -= size
    if (chunk.live === 0 && index !== this.currentIndex) this.drop(index)
  }

  /** Begins a new chunk; one larger than usual for a value that is larger than a chunk. */
  private begin(sizeBytes: number): Chunk {
    const before = this.chunks[this.currentIndex]
    const bytes = sizeBytes > CHUNK_BYTES ? Buffer.allocUnsafeSlow(sizeBytes) : this.takeSpare()
    const chunk = { bytes, used: 0, live: 0 }
    const beforeIndex = this.currentIndex
    this.currentIndex = this.freeIndexes.pop() ?? this.chunks.length
    this.chunks[this.currentIndex] = chunk
    if (before?.live === 0) this.drop(beforeIndex)
    return chunk
  }

  private takeSpare(): Buffer {
    const spare = this.spare ?? Buffer.allocUnsafeSlow(CHUNK_BYTES)
    this.spare = undefined
    return spare
  }

  private drop(index: number): void {
    const chunk = this.chunks[index]!
    this.usedBytes -= chunk.used
    this.chunks[index] = undefined
    this.freeIndexes.push(index)
    if (chunk.bytes.length === CHUNK_BYTES) this.spare = chunk.bytes
  }

  /** Moves what is live out of the chunk with the most garbage, where there is much of it. */
  private tidy(): void {
    if (this.usedBytes - this.liveBytes <= Math.max(CHUNK_BYTES, this.usedBytes * GARBAGE_SHARE)) return
    let worst = -1
    let most = 0
    for (let index = 0; index < this.chunks.length; index++) {
      const chunk = this.chunks[index]
      if (chunk === undefined || index === this.currentIndex) continue
      if (chunk.used - chunk.live <= most) continue
      worst = index
      most = chunk.used - chunk.live
    }
    if (worst < 0) return
    const { bytes, used } = this.chunks[worst]!
    for (let at = 0; at < used;) {
      const slot = bytes.readInt32LE(at)
      const capacity = bytes.readInt32LE(at + 4)
      const offset = at + HEADER_BYTES
      at = offset + capacity
      const row = slot * this.width
      if (this.cells[row + CHUNK] !== worst || this.cells[row + OFFSET] !== offset) continue
      const length = this.cells[row + LENGTH]!
      this.liveBytes -= HEADER_BYTES + capacity
      const to = this.open(slot, length, length)
      bytes.copy(this.chunks[this.currentIndex]!.bytes, to, offset, offset + length)
    }
    this.drop(worst)
  }
}

/** The bytes that a column stands in. */
export function bytesOf(column: Int32Array | Uint32Array): Buffer {
  return Buffer.from(column.buffer, column.byteOffset, column.byteLength)
}

/** A column of its own from such bytes. */
export function int32Of(bytes: Buffer): Int32Array<ArrayBuffer> {
  const column = new Int32Array(bytes.length / 4)
  bytes.copy(bytesOf(column))
  return column
}
