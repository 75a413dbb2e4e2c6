import { mkdir, open, readdir, rm } from 'node:fs/promises'
import { StoreDamagedError } from './errors.ts'
import type { LogPosition } from './indexSnapshot.ts'
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
  private readonly onComplete: () => Promise<void>
  private segments: Segment[] = []
  private sequence = 0
  /** So many of the oldest hold nothing that a newer one does not hold, and wait for that one to be complete. */
  private retired = 0
  /** Why a segment that is needed no more could not be deleted, the last time. */
  trouble: unknown = null

  /** `onComplete` is called when a segment is complete and synced, before anything goes into the next one. */
  constructor(directory: string, segmentBytes: number, onComplete: () => Promise<void>) {
    this.directory = directory
    this.segmentBytes = segmentBytes
    this.onComplete = onComplete
  }

  get isOpen(): boolean {
    return this.segments.length > 0
  }

  get last(): Segment {
    return this.segments.at(-1)!
  }

  /** The oldest one that is not retired. */
  get oldest(): Segment {
    return this.segments[this.retired]!
  }

  /** Undefined for one that has been deleted. */
  segment(number: number): Segment | undefined {
    return this.segments[number - this.segments[0]!.number]
  }

  get firstNumber(): number {
    return this.segments[0]!.number
  }

  /** Up to here, with all that it holds. */
  get position(): LogPosition {
    const segments = this.segments.map(({ number, firstSequence, size, liveBytes }) => {
      return { number, firstSequence, size, liveBytes }
    })
    return { sequence: this.sequence, segments }
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

  /**
   * Opens or creates the files, and shows `visit` every page behind what is `covered`. Throws StoreDamagedError, also where
   * the log does not reach as far as that, what the file system throws, and what `giveWay` throws.
   */
  async load(visit: LogVisitor, covered: LogPosition | null, giveWay: () => Promise<void>): Promise<void> {
    await mkdir(this.directory, { recursive: true })
    const names = await readdir(this.directory)
    await giveWay()
    const numbers = names.map(name => Segment.numberOf(name)).filter(number => number !== null)
    numbers.sort((a, b) => a - b)
    const scratch = Buffer.allocUnsafeSlow(numbers.length === 0 ? 0 : SCAN_BYTES)
    const opened = await this.openAll(numbers)
    try {
      for (const segment of opened) {
        const from = this.enter(segment, covered)
        await this.walk(segment, from, segment === opened.at(-1), scratch, visit, giveWay)
      }
    } catch (error) {
      for (const segment of opened.slice(this.segments.length)) await segment.close()
      throw error
    }
    if (covered !== null && (this.segments.at(-1)?.number ?? 0) < covered.segments.at(-1)!.number) {
      throw new StoreDamagedError(this.directory, 0, 'its last segments are missing')
    }
    if (this.segments.length === 0) await this.begin(1, 1)
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
    await this.begin(number + 1, number + 1)
  }

  async close(): Promise<void> {
    for (const segment of this.segments.splice(0)) await segment.close()
  }

  /**
   * The segments of these numbers that the last one needs. Older ones are left from a crash, or could not be deleted: they
   * go. Throws StoreDamagedError where one of the oldest is missing: a wipe that was cut short leaves such a log.
   */
  private async openAll(numbers: readonly number[]): Promise<Segment[]> {
    const opened: Segment[] = []
    try {
      for (const number of numbers) {
        const segment = await this.openSegment(number, number === numbers.at(-1) && opened.length > 0)
        if (segment !== null) opened.push(segment)
      }
      const needed = opened.at(-1)?.oldestNeeded ?? 0
      while (opened.length > 0 && opened[0]!.number < needed) await opened.shift()!.remove()
      const first = opened[0]
      if (first === undefined || first.number === needed) return opened
      throw new StoreDamagedError(first.file, 0, `segment ${needed} is missing before it`)
    } catch (error) {
      for (const segment of opened) await segment.close()
      throw error
    }
  }

  /** Null for one that was begun in the moment of a crash: there is nothing in it, and its number is used again. */
  private async openSegment(number: number, mayBeNothing: boolean): Promise<Segment | null> {
    try {
      return await Segment.open(this.directory, number)
    } catch (error) {
      if (mayBeNothing && error instanceof StoreDamagedError) return null
      throw error
    }
  }

  /**
   * The segment follows those before it; where its pages are to be looked at from. What is covered was synced: if it is
   * not there, one of the two is of another log.
   */
  private enter(segment: Segment, covered: LogPosition | null): number {
    const before = this.segments.at(-1)
    this.segments.push(segment)
    const known = covered?.segments.find(({ number }) => number === segment.number)
    if (before === undefined) this.sequence = segment.firstSequence
    else if (segment.number !== before.number + 1 || (!known && segment.firstSequence !== this.sequence)) {
      throw new StoreDamagedError(segment.file, 0, `pages are missing between it and ${before.file}`)
    }
    if (!covered || !known) return SEGMENT_HEADER_BYTES
    const isLastKnown = known === covered.segments.at(-1)
    const isLonger = segment.size > known.size && !isLastKnown
    if (segment.firstSequence !== known.firstSequence || segment.size < known.size || isLonger) {
      throw new StoreDamagedError(segment.file, segment.size, 'it is not the one that the snapshot of the index knows')
    }
    segment.liveBytes = known.liveBytes
    if (isLastKnown) this.sequence = covered.sequence
    return known.size
  }

  private async walk(
    segment: Segment,
    from: number,
    isLast: boolean,
    scratch: Buffer,
    visit: LogVisitor,
    giveWay: () => Promise<void>,
  ): Promise<void> {
    let at = from
    while (at < segment.size) {
      await giveWay()
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
    await this.begin(complete.number + 1, this.oldest.number)
    const gone = this.segments.splice(0, this.retired)
    this.retired = 0
    this.trouble = null
    // One that cannot be deleted is no reason to fail a write: it goes at the next start.
    for (const removed of await Promise.allSettled(gone.map(segment => segment.remove()))) {
      if (removed.status === 'rejected') this.trouble = removed.reason
    }
    await this.onComplete()
  }

  private async begin(number: number, oldestNeeded: number): Promise<void> {
    this.segments.push(await Segment.create(this.directory, number, this.sequence, oldestNeeded))
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
