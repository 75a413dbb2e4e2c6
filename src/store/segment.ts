import { readSync } from 'node:fs'
import { open, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { StoreDamagedError } from './errors.ts'
import { isWhole, PAGE_HEADER_BYTES, readPageHeader, type PageHeader } from './page.ts'

/** A segment's file begins with: `magic 6 bytes | format u16 | sequence of its first page u48 | oldest needed u32`. */
export const SEGMENT_HEADER_BYTES = 18
const MAGIC = Buffer.from('onfile')
/** Another one is not read: the store is wiped, and the changelog refills it. */
const FORMAT = 2
/** Most pages are a little over 4 KiB: one read has them whole. */
const PAGE_READ_BYTES = 6 << 10
const UNREADABLE = -1
const UNREADABLE_PLACE = 'a place that the disk cannot read (EIO)'

/** Sees a page that is whole: `at` is where it is in `bytes`, `offset` where in the file. False if it does not belong there. */
export type PageVisitor = (bytes: Buffer, at: number, page: PageHeader, offset: number) => boolean

/** Bytes of pages as far as they were read: where the next one begins, and what is wrong there, if anything is. */
export interface PagesRead {
  readonly next: number
  readonly damage: string | null
}

/** One file of a store's log. It is appended to, or complete; what has been written is never changed. */
export class Segment {
  readonly number: number
  readonly file: string
  readonly firstSequence: number
  /** Number of the oldest segment that the log consisted of when this one was begun: none from there on may be missing. */
  readonly oldestNeeded: number
  /** Bytes of it that are good. */
  size: number
  /** Bytes of entries that are the newest of their key. */
  liveBytes = 0
  private readonly handle: FileHandle
  /** A write has failed half way: what is behind `size` must go before the next one. */
  private torn = false
  private unsynced: StoreDamagedError | null = null

  private constructor(number: number, file: string, handle: FileHandle, header: Buffer, size: number) {
    this.number = number
    this.file = file
    this.handle = handle
    this.firstSequence = header.readUIntLE(8, 6)
    this.oldestNeeded = header.readUInt32LE(14)
    this.size = size
  }

  static fileName(number: number): string {
    return `${String(number).padStart(8, '0')}.log`
  }

  /** The number of the segment in a file of this name, null for any other file. */
  static numberOf(name: string): number | null {
    return /^\d{8}\.log$/.test(name) ? Number(name.slice(0, 8)) : null
  }

  /** A new one, its header on the disk; a file of that number that a crash has left goes. */
  static async create(
    directory: string,
    number: number,
    firstSequence: number,
    oldestNeeded: number,
  ): Promise<Segment> {
    const file = join(directory, Segment.fileName(number))
    const handle = await open(file, 'w+')
    try {
      const header = Buffer.alloc(SEGMENT_HEADER_BYTES)
      MAGIC.copy(header)
      header.writeUInt16LE(FORMAT, 6)
      header.writeUIntLE(firstSequence, 8, 6)
      header.writeUInt32LE(oldestNeeded, 14)
      await writeWhole(handle, header, header.length, 0)
      await handle.datasync()
      return new Segment(number, file, handle, header, SEGMENT_HEADER_BYTES)
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  /** Throws StoreDamagedError where the file does not begin as a segment of this format. */
  static async open(directory: string, number: number): Promise<Segment> {
    const file = join(directory, Segment.fileName(number))
    const handle = await open(file, 'r+')
    try {
      const header = Buffer.alloc(SEGMENT_HEADER_BYTES)
      const { bytesRead } = await handle.read(header, 0, header.length, 0)
      if (bytesRead < header.length) throw new StoreDamagedError(file, bytesRead, 'it ends within its header')
      if (!header.subarray(0, 6).equals(MAGIC)) throw new StoreDamagedError(file, 0, 'it is not a segment')
      const format = header.readUInt16LE(6)
      if (format !== FORMAT) throw new StoreDamagedError(file, 6, `format ${format} is not known to this release`)
      return new Segment(number, file, handle, header, (await handle.stat()).size)
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  /** Writes pages at the end; where they begin. Not synced. If it fails nothing has been appended. */
  async append(bytes: Buffer, length: number): Promise<number> {
    if (this.torn) await this.truncate(this.size)
    const offset = this.size
    this.torn = true
    await writeWhole(this.handle, bytes, length, offset)
    this.torn = false
    this.size += length
    return offset
  }

  /** Everything from `size` on goes. */
  async truncate(size: number): Promise<void> {
    await this.handle.truncate(size)
    this.size = size
    this.torn = false
  }

  /**
   * Reads about `limit` bytes of pages from `from` on, at least one page, and shows each to `visit`. Stops where a page
   * is not whole. `scratch` is used where a page fits in.
   */
  async readPages(from: number, limit: number, scratch: Buffer, visit: PageVisitor): Promise<PagesRead> {
    const rest = this.size - from
    let bytes = scratch
    let at = 0
    let read = await this.fill(bytes, Math.min(rest, limit, bytes.length), from)
    if (read === UNREADABLE) return { next: from, damage: UNREADABLE_PLACE }
    while (at + PAGE_HEADER_BYTES <= read) {
      const page = readPageHeader(bytes, at)
      if (at + page.length > rest) return { next: from + at, damage: 'a page that is longer than the file' }
      if (at + page.length > read) {
        if (at > 0) break
        bytes = Buffer.allocUnsafeSlow(page.length)
        read = await this.fill(bytes, page.length, from)
        if (read === UNREADABLE) return { next: from, damage: UNREADABLE_PLACE }
        if (read < page.length) break
      }
      if (!isWhole(bytes, at, page.length)) return { next: from + at, damage: 'a page whose checksum is wrong' }
      if (!visit(bytes, at, page, from + at)) {
        return { next: from + at, damage: 'a page that does not follow the one before it' }
      }
      at += page.length
    }
    return { next: from + at, damage: at === 0 && rest > 0 ? 'a page that is cut off' : null }
  }

  /** The bytes of one page, in `scratch` if it fits. Blocks: for an entry that is not in memory. Throws StoreDamagedError. */
  readPage(offset: number, scratch: Buffer): { readonly bytes: Buffer; readonly length: number } {
    let bytes = scratch
    const want = Math.min(PAGE_READ_BYTES, this.size - offset)
    let read = this.readAt(bytes, want, offset)
    const length = read < PAGE_HEADER_BYTES ? 0 : readPageHeader(bytes, 0).length
    if (length === 0 || length > this.size - offset) {
      throw new StoreDamagedError(this.file, offset, 'a page that is longer than the file')
    }
    if (length > read) {
      bytes = length > scratch.length ? Buffer.allocUnsafeSlow(length) : scratch
      read = this.readAt(bytes, length, offset)
    }
    if (read < length || !isWhole(bytes, 0, length)) {
      throw new StoreDamagedError(this.file, offset, 'a page whose checksum is wrong')
    }
    return { bytes, length }
  }

  /**
   * Waits until all that was appended is on the disk. A failure is final: the kernel drops what it could not write, and says
   * yes the next time. So the file goes: the next start finds the state of the segments before it, or none. Throws
   * StoreDamagedError.
   */
  async sync(): Promise<void> {
    if (this.unsynced === null) {
      try {
        return await this.handle.datasync()
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error)
        this.unsynced = new StoreDamagedError(this.file, this.size, `the disk has not taken what was written (${why})`)
        await rm(this.file, { force: true }).catch(() => undefined)
      }
    }
    throw this.unsynced
  }

  async close(): Promise<void> {
    await this.handle.close()
  }

  /** Closes and deletes it. */
  async remove(): Promise<void> {
    try {
      await this.handle.close()
    } finally {
      await rm(this.file, { force: true })
    }
  }

  /** Bytes read; blocks. */
  private readAt(bytes: Buffer, length: number, from: number): number {
    try {
      return readSync(this.handle.fd, bytes, 0, length, from)
    } catch (error) {
      if (!isUnreadable(error)) throw error
      throw new StoreDamagedError(this.file, from, UNREADABLE_PLACE)
    }
  }

  /** Bytes read, UNREADABLE where the disk cannot. */
  private async fill(bytes: Buffer, length: number, from: number): Promise<number> {
    let read = 0
    try {
      while (read < length) {
        const { bytesRead } = await this.handle.read(bytes, read, length - read, from + read)
        if (bytesRead === 0) break
        read += bytesRead
      }
    } catch (error) {
      if (!isUnreadable(error)) throw error
      return UNREADABLE
    }
    return read
  }
}

/** A bad sector: as good as wrong bytes, and mended by the same wiping. Anything else may pass. */
function isUnreadable(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EIO'
}

async function writeWhole(handle: FileHandle, bytes: Buffer, length: number, offset: number): Promise<void> {
  let written = 0
  while (written < length) {
    const { bytesWritten } = await handle.write(bytes, written, length - written, offset + written)
    written += bytesWritten
  }
}
