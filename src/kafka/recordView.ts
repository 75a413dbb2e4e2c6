import { ProtocolError } from './errors.ts'

/** A record header as on the wire: the value may be null. */
export interface Header {
  readonly key: string
  readonly value: Buffer | null
}

/**
 * A record with more is not read for its headers: one of 16 MiB may have eight million of them, and each costs some 200
 * bytes as an object. Nobody sends more than some dozens.
 */
export const MAX_HEADERS = 10_000

/**
 * A window on one record inside a fetched batch. The scanner reuses one instance for a whole batch: keep `clone()`, not
 * the view. `valueEnd` is -1 for a null value, `keyEnd` is -1 for a null key.
 */
export class RecordView {
  buffer: Buffer = Buffer.alloc(0)
  offset = -1
  /** Milliseconds: the producer's time, or the broker's where the topic says LogAppendTime. */
  timestamp = -1
  keyStart = 0
  keyEnd = -1
  valueStart = 0
  valueEnd = -1
  headersStart = 0
  headerCount = 0
  /** End of the record: headers never reach past it. */
  recordEnd = 0

  /** Slices, not copies. */
  key(): Buffer | null {
    return this.keyEnd < 0 ? null : this.buffer.subarray(this.keyStart, this.keyEnd)
  }

  value(): Buffer | null {
    return this.valueEnd < 0 ? null : this.buffer.subarray(this.valueStart, this.valueEnd)
  }

  keyString(): string | null {
    return this.keyEnd < 0 ? null : this.buffer.toString('utf8', this.keyStart, this.keyEnd)
  }

  /** More headers than `headers()` would read. */
  get hasTooManyHeaders(): boolean {
    return this.headerCount > MAX_HEADERS
  }

  /** Decoded on each call. Values are slices. Throws ProtocolError where the header bytes are malformed or too many. */
  headers(): Header[] {
    if (this.hasTooManyHeaders) {
      throw new ProtocolError(`the record at offset ${this.offset} has ${this.headerCount} headers`)
    }
    const cursor = new VarintCursor(this.buffer, this.headersStart, this.recordEnd)
    const headers: Header[] = []
    for (let index = 0; index < this.headerCount; index++) {
      const key = cursor.slice(cursor.varint())
      if (key === null) throw new ProtocolError(`a header of the record at offset ${this.offset} has no key`)
      headers.push({ key: key.toString('utf8'), value: cursor.slice(cursor.varint()) })
    }
    if (!cursor.isAtEnd) throw new ProtocolError(`the record at offset ${this.offset} does not end with its headers`)
    return headers
  }

  /** A window of its own on the same bytes: fetched buffers are never written again, so it stays valid. */
  clone(): RecordView {
    const copy = new RecordView()
    copy.buffer = this.buffer
    copy.offset = this.offset
    copy.timestamp = this.timestamp
    copy.keyStart = this.keyStart
    copy.keyEnd = this.keyEnd
    copy.valueStart = this.valueStart
    copy.valueEnd = this.valueEnd
    copy.headersStart = this.headersStart
    copy.headerCount = this.headerCount
    copy.recordEnd = this.recordEnd
    return copy
  }
}

/** Signed (zigzag) varints and what they measure, within bounds. Off the hot path: headers only. */
class VarintCursor {
  private readonly buffer: Buffer
  private readonly end: number
  private position: number

  constructor(buffer: Buffer, start: number, end: number) {
    this.buffer = buffer
    this.position = start
    this.end = end
  }

  get isAtEnd(): boolean {
    return this.position === this.end
  }

  varint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      if (this.position >= this.end) break
      const byte = this.buffer[this.position++]!
      value |= (byte & 127) << shift
      if (byte < 128) return (value >>> 1) ^ -(value & 1)
    }
    throw new ProtocolError('a varint in record headers is malformed')
  }

  /** Null for a length of -1. */
  slice(length: number): Buffer | null {
    if (length === -1) return null
    const start = this.position
    if (length < 0 || length > this.end - start) throw new ProtocolError('a record header reaches past its record')
    this.position = start + length
    return this.buffer.subarray(start, this.position)
  }
}
