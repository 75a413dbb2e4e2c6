import { mkdir, open, readdir, rm } from 'node:fs/promises'
import { StoreDamagedError } from './errors.ts'
import { PageWriter } from './page.ts'
import { Segment, SEGMENT_HEADER_BYTES, type PageVisitor } from './segment.ts'

/** Read at once when the log is walked through. */
export const SCAN_BYTES = 1 << 20

/** Sees each page that is in the log, in its order. */
export type LogVisitor = (segment: Segment, ...page: Parameters<PageVisitor>) => void

/**
 * The segments of a store, oldest first, and the numbering of their pages. Appends are not synced; a complete segment is
 * synced before the next one begins. So a crash can only damage the end of the last one, which is cut off when the log is
 * opened; any other damage is the disk's and an error.
 */
export class SegmentLog {
  readonly directory: string
  readonly writer = new PageWriter()
  private readonly segmentBytes: number
  private segments: Segment[] = []
  private sequence = 0
  /** So many of the oldest hold nothing that a newer one does not hold, and wait for that one to be complete. */
  private retired = 0

  constructor(directory: string, segmentBytes: number) {
    this.directory = directory
    this.segmentBytes = segmentBytes
  }

  get last(): Segment {
    return this.segments.at(-1)!
  }

  /** The oldest one that is not retired. */
  get oldest(): Segment {
    return this.segments[this.retired]!
  }

  segment(number: number): Segment {
    return this.segments[number - this.segments[0]!.number]!
  }

  /** Bytes on disk. */
  get sizeBytes(): number {
    return this.segments.reduce((sum, { size }) => sum + size, 0)
  }

  /** Bytes of entries that are the newest of their key, and of all else in segments that are not retired. */
  get use(): { readonly liveBytes: number; readonly garbageBytes: number } {
    let liveBytes = 0
    let sizeBytes = 0
    for (let i = this.retired; i < this.segments.length; i++) {
      liveBytes += this.segments[i]!.liveBytes
      sizeBytes += this.segments[i]!.size - SEGMENT_HEADER_BYTES
    }
    return { liveBytes, garbageBytes: sizeBytes - liveBytes }
  }

  /** Opens or creates the files, and shows `visit` every page. Throws StoreDamagedError, and what the file system throws. */
  async load(visit: LogVisitor): Promise<void> {
    await mkdir(this.directory, { recursive: true })
    const names = await readdir(this.directory)
    const numbers = names.map(name => Segment.numberOf(name)).filter(number => number !== null)
    numbers.sort((a, b) => a - b)
    const scratch = Buffer.allocUnsafeSlow(numbers.length === 0 ? 0 : SCAN_BYTES)
    for (const number of numbers) await this.loadSegment(number, number === numbers.at(-1), scratch, visit)
    if (this.segments.length === 0) await this.begin(1)
  }

  /** Begins a write: fill the writer, then `append`. */
  start(): PageWriter {
    this.writer.reset(this.sequence)
    return this.writer
  }

  /** Writes the writer's pages at the end and shows them to `visit`. If it fails nothing has been appended. */
  async append(visit: LogVisitor): Promise<void> {
    const { writer } = this
    writer.finish()
    if (writer.length === 0) return
    if (this.last.size >= this.segmentBytes) await this.roll()
    const segment = this.last
    const offset = await segment.append(writer.bytes, writer.length)
    this.sequence = writer.sequence
    writer.eachPage((at, page) => visit(segment, writer.bytes, at, page, offset + at))
  }

  /** All that the oldest segment holds is in newer ones too, or needed no more. */
  retireOldest(): void {
    this.retired++
  }

  /** Waits until all is on the disk. */
  async sync(): Promise<void> {
    await this.last.sync()
  }

  /** Deletes everything and begins anew. */
  async wipe(): Promise<void> {
    const number = this.segments.at(-1)?.number ?? 0
    await this.close()
    await rm(this.directory, { recursive: true, force: true })
    await mkdir(this.directory, { recursive: true })
    this.sequence = 0
    this.retired = 0
    await this.begin(number + 1)
  }

  async close(): Promise<void> {
    for (const segment of this.segments.splice(0)) await segment.close()
  }

  private async loadSegment(number: number, isLast: boolean, scratch: Buffer, visit: LogVisitor): Promise<void> {
    const before = this.segments.at(-1)
    let segment: Segment
    try {
      segment = await Segment.open(this.directory, number)
    } catch (error) {
      // Begun in the moment of a crash: there is nothing in it, and its number is used again.
      if (isLast && before !== undefined && error instanceof StoreDamagedError) return
      throw error
    }
    this.segments.push(segment)
    if (before === undefined) this.sequence = segment.firstSequence
    else if (number !== before.number + 1 || segment.firstSequence !== this.sequence) {
      throw new StoreDamagedError(segment.file, 0, `pages are missing between it and ${before.file}`)
    }
    let at = SEGMENT_HEADER_BYTES
    while (at < segment.size) {
      const read = await segment.readPages(at, SCAN_BYTES, scratch, (bytes, start, page, offset) => {
        if (page.sequence !== this.sequence) return false
        this.sequence++
        visit(segment, bytes, start, page, offset)
        return true
      })
      if (read.damage !== null) {
        if (!isLast) throw new StoreDamagedError(segment.file, read.next, read.damage)
        await segment.truncate(read.next)
        return
      }
      at = read.next
    }
  }

  /** The last segment is complete and on disk: the retired ones can go. */
  private async roll(): Promise<void> {
    const complete = this.last
    await complete.sync()
    await this.begin(complete.number + 1)
    const gone = this.segments.splice(0, this.retired)
    this.retired = 0
    for (const segment of gone) await segment.remove()
  }

  private async begin(number: number): Promise<void> {
    this.segments.push(await Segment.create(this.directory, number, this.sequence))
    await syncDirectory(this.directory)
  }
}

/** So that a file that was created or deleted is so after a crash, too. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
