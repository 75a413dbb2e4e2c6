import { crc32 } from 'node:zlib'

/**
 * A page, the smallest thing that is checked:
 * `crc32 u32 | payload length u32 | sequence u48 | payload`, and an entry of its payload:
 * `key length u32 | value length i32, -1 for a delete | key | value`. Little endian. The sequence counts the pages of a
 * store: a missing one is seen.
 */
export const PAGE_HEADER_BYTES = 14
const ENTRY_HEADER_BYTES = 8
/** A page is closed when it has so much: small enough to be read for one entry. */
export const PAGE_BYTES = 4 << 10
const FIRST_BUFFER_BYTES = 64 << 10
/** A larger buffer is not kept. */
const KEPT_BUFFER_BYTES = 2 << 20

/** What a page says of itself; `length` with its header. */
export interface PageHeader {
  readonly sequence: number
  readonly length: number
}

/** The header at `at`, which need not be a true one: `isWhole` tells. */
export function readPageHeader(bytes: Buffer, at: number): PageHeader {
  return {
    length: PAGE_HEADER_BYTES + bytes.readUInt32LE(at + 4),
    sequence: bytes.readUIntLE(at + 8, 6),
  }
}

/** True if the page's checksum is right: `length` bytes from `at` must be there. */
export function isWhole(bytes: Buffer, at: number, length: number): boolean {
  return crc32(bytes.subarray(at + 4, at + length)) === bytes.readUInt32LE(at)
}

/** Walks over the entries of a page that is whole: one object for all of them. */
export class PageEntries {
  bytes: Buffer = Buffer.alloc(0)
  start = 0
  keyStart = 0
  keyEnd = 0
  /** Bytes of the value, which stands behind the key; -1 for a delete. */
  valueLength = 0
  private next = 0
  private end = 0

  open(bytes: Buffer, at: number, length: number): void {
    this.bytes = bytes
    this.next = at + PAGE_HEADER_BYTES
    this.end = at + length
  }

  /** Moves to the next entry; false at the end. */
  advance(): boolean {
    if (this.next >= this.end) return false
    const { bytes } = this
    this.start = this.next
    this.valueLength = bytes.readInt32LE(this.start + 4)
    this.keyStart = this.start + ENTRY_HEADER_BYTES
    this.keyEnd = this.keyStart + bytes.readUInt32LE(this.start)
    this.next = this.isDelete ? this.keyEnd : this.keyEnd + this.valueLength
    return true
  }

  get isDelete(): boolean {
    return this.valueLength < 0
  }

  /** With its header. */
  get size(): number {
    return this.next - this.start
  }
}

/** Builds the pages of one write in one buffer, used again and again: nothing is allocated per entry. */
export class PageWriter {
  bytes = Buffer.allocUnsafeSlow(FIRST_BUFFER_BYTES)
  length = 0
  /** Sequence of the next page. */
  sequence = 0
  private pageStart = -1

  /** Begins a write whose first page has this sequence. */
  reset(sequence: number): void {
    this.sequence = sequence
    this.length = 0
    this.pageStart = -1
    if (this.bytes.length > KEPT_BUFFER_BYTES) this.bytes = Buffer.allocUnsafeSlow(FIRST_BUFFER_BYTES)
  }

  put(key: string, source: Buffer, start: number, end: number): void {
    const at = this.entry(key.length * 3 + end - start)
    const valueAt = this.writeKey(key, at)
    this.bytes.writeInt32LE(end - start, at + 4)
    source.copy(this.bytes, valueAt, start, end)
    this.close(valueAt + end - start)
  }

  delete(key: string): void {
    const at = this.entry(key.length * 3)
    this.bytes.writeInt32LE(-1, at + 4)
    this.close(this.writeKey(key, at))
  }

  /** An entry whose key's bytes stand in front of its value's: as they do here. */
  putBytes(source: Buffer, keyStart: number, valueStart: number, end: number): void {
    this.writeEntry(source, keyStart, valueStart - keyStart, end - valueStart, end)
  }

  deleteBytes(source: Buffer, keyStart: number, keyEnd: number): void {
    this.writeEntry(source, keyStart, keyEnd - keyStart, -1, keyEnd)
  }

  /** An entry of another page as it is. */
  copy(source: Buffer, start: number, end: number): void {
    const at = this.entry(end - start)
    source.copy(this.bytes, at, start, end)
    this.close(at + end - start)
  }

  /** Shows every page, after `finish`. */
  eachPage(visit: (at: number, page: PageHeader) => void): void {
    for (let at = 0; at < this.length;) {
      const page = readPageHeader(this.bytes, at)
      visit(at, page)
      at += page.length
    }
  }

  /** Closes the last page. */
  finish(): void {
    if (this.pageStart < 0) return
    const { bytes, pageStart, length } = this
    bytes.writeUInt32LE(length - pageStart - PAGE_HEADER_BYTES, pageStart + 4)
    bytes.writeUIntLE(this.sequence++, pageStart + 8, 6)
    bytes.writeUInt32LE(crc32(bytes.subarray(pageStart + 4, length)), pageStart)
    this.pageStart = -1
  }

  private writeEntry(source: Buffer, start: number, keyBytes: number, valueBytes: number, end: number): void {
    const at = this.entry(end - start)
    this.bytes.writeUInt32LE(keyBytes, at)
    this.bytes.writeInt32LE(valueBytes, at + 4)
    source.copy(this.bytes, at + ENTRY_HEADER_BYTES, start, end)
    this.close(at + ENTRY_HEADER_BYTES + end - start)
  }

  /** Room for an entry with so much behind its header; where it begins. */
  private entry(size: number): number {
    this.reserve(PAGE_HEADER_BYTES + ENTRY_HEADER_BYTES + size)
    if (this.pageStart < 0) {
      this.pageStart = this.length
      this.length += PAGE_HEADER_BYTES
    }
    return this.length
  }

  private close(end: number): void {
    this.length = end
    if (end - this.pageStart >= PAGE_BYTES) this.finish()
  }

  /** Writes the key and its length; where the value begins. Ids are short and ASCII: a loop beats a call into C++. */
  private writeKey(key: string, at: number): number {
    const { bytes } = this
    const start = at + ENTRY_HEADER_BYTES
    let to = start
    for (let i = 0; i < key.length; i++) {
      const unit = key.charCodeAt(i)
      if (unit > 0x7f) {
        to = start + bytes.write(key, start, 'utf8')
        break
      }
      bytes[to++] = unit
    }
    bytes.writeUInt32LE(to - start, at)
    return to
  }

  private reserve(more: number): void {
    if (this.length + more <= this.bytes.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.length + more))
    this.bytes.copy(larger, 0, 0, this.length)
    this.bytes = larger
  }
}
