import { crc32c } from '@node-rs/crc32'
import * as layout from './batchLayout.ts'
import { codecNumber, compress } from './compression.ts'
import type { Compression } from './compression.ts'
import type { Header } from './recordView.ts'

/** Writes one value in place; see `Encoder` of the engine for the rule about a buffer that is too short. */
export interface ValueEncoder<T> {
  encode(value: T, buffer: Buffer, position: number): number
}

const EMPTY_HEADERS: readonly Header[] = []
/** Room that is kept free before a value is encoded, so that most need no second try. */
const VALUE_ROOM_BYTES = 256
/** The longest a record's length and its value's length can be in front of the value. */
const MAX_LENGTHS_BYTES = 10

/**
 * One record batch in the making. Records are serialised straight to their place: the two lengths before a value are
 * guessed to take two bytes each (64 to 8191 bytes of record), the value is encoded where it then belongs, and moved
 * only where the guess was wrong. No allocation and no closure per record (`node bench/cycle.ts` has all that a record costs).
 */
export class BatchBuilder {
  buffer: Buffer
  /** Where the value of the last append stands in `buffer`; -1 and -1 for a null value. Later appends do not move it. */
  lastValueStart = -1
  lastValueEnd = -1
  private position = layout.RECORDS
  private records = 0
  private baseTimestampMs = 0
  private maxTimestampMs = 0
  private compressed: { readonly codec: Compression; readonly batch: Buffer } | null = null

  constructor(initialBytes: number = 64 << 10) {
    this.buffer = Buffer.allocUnsafeSlow(Math.max(initialBytes, 256))
  }

  get recordCount(): number {
    return this.records
  }

  /** Size of the batch without compression. */
  get sizeBytes(): number {
    return this.position
  }

  /**
   * Adds a record; key and headers are copied. When the encoder throws, the batch is as it was before. The field
   * `buffer` may be another one afterwards (the positions in it stay).
   */
  append<T>(
    timestampMs: number,
    key: Buffer | null,
    value: T | null,
    encoder: ValueEncoder<T>,
    headers: readonly Header[] = EMPTY_HEADERS,
  ): void {
    const baseTimestampMs = this.records === 0 ? timestampMs : this.baseTimestampMs
    const timestampDelta = timestampMs - baseTimestampMs
    const keyBytes = key === null ? -1 : key.length
    const fixed =
      1 + sizeOfVarlong(timestampDelta) + sizeOfVarint(this.records) + sizeOfVarint(keyBytes) + Math.max(0, keyBytes)
    const headersBytes = sizeOfHeaders(headers)
    const start = this.position
    this.reserve(start + MAX_LENGTHS_BYTES + fixed + VALUE_ROOM_BYTES + headersBytes)

    let valueStart = start + 2 + fixed + 2
    let valueBytes = -1
    if (value !== null) {
      let end = encoder.encode(value, this.buffer, valueStart)
      while (end > this.buffer.length) {
        this.reserve(end + headersBytes + MAX_LENGTHS_BYTES)
        end = encoder.encode(value, this.buffer, valueStart)
      }
      valueBytes = end - valueStart
    }
    const valueLengthBytes = sizeOfVarint(valueBytes)
    const bodyBytes = fixed + valueLengthBytes + Math.max(0, valueBytes) + headersBytes
    const place = start + sizeOfVarint(bodyBytes) + fixed + valueLengthBytes
    this.reserve(place + Math.max(0, valueBytes) + headersBytes)
    if (place !== valueStart && valueBytes > 0) {
      this.buffer.copyWithin(place, valueStart, valueStart + valueBytes)
    }
    valueStart = place

    this.varint(bodyBytes)
    this.buffer[this.position++] = 0
    this.varlong(timestampDelta)
    this.varint(this.records)
    this.varint(keyBytes)
    if (key !== null) {
      this.buffer.set(key, this.position)
      this.position += keyBytes
    }
    this.varint(valueBytes)
    this.position = valueStart + Math.max(0, valueBytes)
    this.writeHeaders(headers)

    this.lastValueStart = valueBytes < 0 ? -1 : valueStart
    this.lastValueEnd = valueBytes < 0 ? -1 : valueStart + valueBytes
    this.maxTimestampMs = this.records === 0 ? timestampMs : Math.max(this.maxTimestampMs, timestampMs)
    this.baseTimestampMs = baseTimestampMs
    this.records++
    this.compressed = null
  }

  /**
   * The batch as it goes on the wire: a view of `buffer` (or of the compressed copy), valid until the next append,
   * finish or reset. May be called again with another epoch and sequence for a resend: only header and checksum change.
   * Where compressing gains nothing the records stay as they are.
   */
  finish(
    producerId: bigint,
    epoch: number,
    baseSequence: number,
    options: { readonly transactional?: boolean; readonly compression?: Compression } = {},
  ): Buffer {
    if (this.records === 0) throw new RangeError('A record batch without a record cannot be sent')
    const wanted = options.compression ?? 'none'
    let batch = this.buffer.subarray(0, this.position)
    let codec: Compression = 'none'
    if (wanted !== 'none') {
      const smaller = this.compressWith(wanted, batch)
      if (smaller.length < batch.length) {
        batch = smaller
        codec = wanted
      }
    }
    const transactional = options.transactional ?? true
    batch.writeBigInt64BE(0n, layout.BASE_OFFSET)
    batch.writeInt32BE(batch.length - layout.LENGTH_OVERHEAD, layout.BATCH_LENGTH)
    batch.writeInt32BE(-1, layout.PARTITION_LEADER_EPOCH)
    batch.writeInt8(2, layout.MAGIC)
    batch.writeInt16BE(codecNumber(codec) | (transactional ? layout.TRANSACTIONAL_BIT : 0), layout.ATTRIBUTES)
    batch.writeInt32BE(this.records - 1, layout.LAST_OFFSET_DELTA)
    batch.writeBigInt64BE(BigInt(this.baseTimestampMs), layout.BASE_TIMESTAMP)
    batch.writeBigInt64BE(BigInt(this.maxTimestampMs), layout.MAX_TIMESTAMP)
    batch.writeBigInt64BE(producerId, layout.PRODUCER_ID)
    batch.writeInt16BE(epoch, layout.PRODUCER_EPOCH)
    batch.writeInt32BE(baseSequence, layout.BASE_SEQUENCE)
    batch.writeInt32BE(this.records, layout.RECORD_COUNT)
    batch.writeUInt32BE(crc32c(batch.subarray(layout.ATTRIBUTES)) >>> 0, layout.CRC)
    return batch
  }

  /** Empty again; the buffer is kept. */
  reset(): void {
    this.position = layout.RECORDS
    this.records = 0
    this.compressed = null
  }

  private compressWith(codec: Compression, batch: Buffer): Buffer {
    if (this.compressed?.codec !== codec) {
      const body = compress(codec, batch.subarray(layout.RECORDS))
      const whole = Buffer.allocUnsafe(layout.RECORDS + body.length)
      body.copy(whole, layout.RECORDS)
      this.compressed = { codec, batch: whole }
    }
    return this.compressed.batch
  }

  private writeHeaders(headers: readonly Header[]): void {
    this.varint(headers.length)
    if (headers.length === 0) return
    for (const { key, value } of headers) {
      const keyBytes = Buffer.byteLength(key)
      this.varint(keyBytes)
      this.position += this.buffer.write(key, this.position, keyBytes, 'utf8')
      this.varint(value === null ? -1 : value.length)
      if (value === null) continue
      this.buffer.set(value, this.position)
      this.position += value.length
    }
  }

  private reserve(endPosition: number): void {
    if (endPosition <= this.buffer.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(this.buffer.length * 2, endPosition))
    // All of it: an encoded value may already stand behind the position.
    this.buffer.copy(larger)
    this.buffer = larger
  }

  private varint(value: number): void {
    let rest = ((value << 1) ^ (value >> 31)) >>> 0
    while (rest > 127) {
      this.buffer[this.position++] = (rest & 127) | 128
      rest >>>= 7
    }
    this.buffer[this.position++] = rest
  }

  /** Timestamps may lie more than 2^31 ms apart: retries and replays carry old ones. */
  private varlong(value: number): void {
    if (isSmall(value)) return this.varint(value)
    let rest = zigzagOfLong(value)
    while (rest > 127) {
      this.buffer[this.position++] = (rest % 128) | 128
      rest = Math.floor(rest / 128)
    }
    this.buffer[this.position++] = rest
  }
}

/** Exact up to 2^52: far beyond any time in milliseconds. */
function zigzagOfLong(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value
}

function sizeOfVarint(value: number): number {
  const rest = ((value << 1) ^ (value >> 31)) >>> 0
  return rest < 128 ? 1 : rest < 16_384 ? 2 : rest < 2_097_152 ? 3 : rest < 268_435_456 ? 4 : 5
}

/** A varlong within this range has the bytes of the same value's varint: there integers do, beyond it floating point. */
function isSmall(value: number): boolean {
  return value > -0x40000000 && value < 0x40000000
}

function sizeOfVarlong(value: number): number {
  if (isSmall(value)) return sizeOfVarint(value)
  let rest = zigzagOfLong(value)
  let size = 1
  while (rest > 127) {
    rest = Math.floor(rest / 128)
    size++
  }
  return size
}

function sizeOfHeaders(headers: readonly Header[]): number {
  if (headers.length === 0) return 1
  let size = sizeOfVarint(headers.length)
  for (const { key, value } of headers) {
    const keyBytes = Buffer.byteLength(key)
    size += sizeOfVarint(keyBytes) + keyBytes
    size += value === null ? sizeOfVarint(-1) : sizeOfVarint(value.length) + value.length
  }
  return size
}
