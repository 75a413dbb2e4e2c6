import { ProtocolError } from './errors.ts'

/**
 * Primitive types of the Kafka protocol, written into one growing buffer. `compact` forms are those of flexible request
 * versions (KIP-482).
 */
export class Writer {
  private buffer: Buffer
  private position = 0

  constructor(initialBytes = 256) {
    this.buffer = Buffer.allocUnsafe(initialBytes)
  }

  get length(): number {
    return this.position
  }

  int8(value: number): this {
    this.reserve(1)
    this.buffer[this.position++] = value & 0xff
    return this
  }

  boolean(value: boolean): this {
    return this.int8(value ? 1 : 0)
  }

  int16(value: number): this {
    this.reserve(2)
    this.position = this.buffer.writeInt16BE(value, this.position)
    return this
  }

  int32(value: number): this {
    this.reserve(4)
    this.position = this.buffer.writeInt32BE(value, this.position)
    return this
  }

  int64(value: bigint | number): this {
    this.reserve(8)
    this.position = this.buffer.writeBigInt64BE(BigInt(value), this.position)
    return this
  }

  unsignedVarint(value: number): this {
    this.reserve(5)
    let rest = value >>> 0
    while (rest > 127) {
      this.buffer[this.position++] = (rest & 127) | 128
      rest >>>= 7
    }
    this.buffer[this.position++] = rest
    return this
  }

  raw(bytes: Uint8Array): this {
    this.reserve(bytes.length)
    this.buffer.set(bytes, this.position)
    this.position += bytes.length
    return this
  }

  string(value: string | null): this {
    if (value === null) return this.int16(-1)
    return this.int16(Buffer.byteLength(value)).utf8(value)
  }

  compactString(value: string | null): this {
    if (value === null) return this.unsignedVarint(0)
    return this.unsignedVarint(Buffer.byteLength(value) + 1).utf8(value)
  }

  bytes(value: Uint8Array | null): this {
    if (value === null) return this.int32(-1)
    return this.int32(value.length).raw(value)
  }

  array<T>(items: readonly T[], write: (item: T) => void): this {
    this.int32(items.length)
    for (const item of items) write(item)
    return this
  }

  compactArray<T>(items: readonly T[], write: (item: T) => void): this {
    this.unsignedVarint(items.length + 1)
    for (const item of items) write(item)
    return this
  }

  /** No tagged fields. */
  emptyTags(): this {
    return this.unsignedVarint(0)
  }

  /** What has been written, without a copy: do not write on. */
  finish(): Buffer {
    return this.buffer.subarray(0, this.position)
  }

  private utf8(value: string): this {
    const size = Buffer.byteLength(value)
    this.reserve(size)
    this.position += this.buffer.write(value, this.position, size, 'utf8')
    return this
  }

  private reserve(sizeBytes: number): void {
    const needed = this.position + sizeBytes
    if (needed <= this.buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, needed))
    this.buffer.copy(larger, 0, 0, this.position)
    this.buffer = larger
  }
}

/**
 * Reads the same types. Every length is checked against what is left before anything is read or allocated by it, so a
 * short or lying response throws ProtocolError and nothing else. Strings, bytes and arrays come as slices of the input.
 */
export class Reader {
  private readonly buffer: Buffer
  private position: number

  constructor(buffer: Buffer, position = 0) {
    this.buffer = buffer
    this.position = position
  }

  get remaining(): number {
    return this.buffer.length - this.position
  }

  int8(): number {
    return this.buffer.readInt8(this.advance(1))
  }

  boolean(): boolean {
    return this.int8() !== 0
  }

  int16(): number {
    return this.buffer.readInt16BE(this.advance(2))
  }

  int32(): number {
    return this.buffer.readInt32BE(this.advance(4))
  }

  int64(): bigint {
    return this.buffer.readBigInt64BE(this.advance(8))
  }

  /** An int64 that must be exact as a number: an offset, a timestamp. */
  safeInt64(): number {
    const at = this.advance(8)
    const value = this.buffer.readInt32BE(at) * 4_294_967_296 + this.buffer.readUInt32BE(at + 4)
    if (!Number.isSafeInteger(value)) throw new ProtocolError(`an int64 of ${value} is no offset and no time`)
    return value
  }

  unsignedVarint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.buffer[this.advance(1)]!
      value |= (byte & 127) << shift
      if (byte < 128) return value >>> 0
    }
    throw new ProtocolError('a varint is longer than five bytes')
  }

  nullableString(): string | null {
    return this.utf8(this.int16())
  }

  string(): string {
    return this.nullableString() ?? this.unexpectedNull('string')
  }

  nullableCompactString(): string | null {
    return this.utf8(this.unsignedVarint() - 1)
  }

  compactString(): string {
    return this.nullableCompactString() ?? this.unexpectedNull('string')
  }

  nullableBytes(): Buffer | null {
    const length = this.int32()
    if (length < 0) return null
    const at = this.advance(length)
    return this.buffer.subarray(at, at + length)
  }

  /** A null array reads as an empty one. */
  array<T>(read: () => T): T[] {
    return this.items(this.int32(), read)
  }

  compactArray<T>(read: () => T): T[] {
    return this.items(this.unsignedVarint() - 1, read)
  }

  /** Tagged fields: `visit` gets a reader of that field only; without it they are skipped. */
  tags(visit?: (tag: number, field: Reader) => void): void {
    const count = this.unsignedVarint()
    for (let index = 0; index < count; index++) {
      const tag = this.unsignedVarint()
      const size = this.unsignedVarint()
      const at = this.advance(size)
      visit?.(tag, new Reader(this.buffer.subarray(at, at + size)))
    }
  }

  private items<T>(count: number, read: () => T): T[] {
    if (count > this.remaining) throw new ProtocolError(`an array of ${count} in ${this.remaining} bytes`)
    const result: T[] = []
    for (let index = 0; index < count; index++) result.push(read())
    return result
  }

  private utf8(length: number): string | null {
    if (length < 0) return null
    const at = this.advance(length)
    return this.buffer.toString('utf8', at, at + length)
  }

  private unexpectedNull(what: string): never {
    throw new ProtocolError(`null where the protocol has a ${what}`)
  }

  /** Position before the step. */
  private advance(sizeBytes: number): number {
    const at = this.position
    if (sizeBytes > this.buffer.length - at) {
      throw new ProtocolError(`${sizeBytes} bytes wanted at ${at} of ${this.buffer.length}`)
    }
    this.position = at + sizeBytes
    return at
  }
}
