import { StoreDamagedError } from './errors.ts'
import { dropSnapshot, readSnapshot, writeSnapshot } from './indexSnapshot.ts'
import { KeyIndex } from './keyIndex.ts'
import { PAGE_BYTES, PageEntries, type PageHeader, type PageWriter } from './page.ts'
import { type Segment, SEGMENT_HEADER_BYTES } from './segment.ts'
import { SegmentLog } from './segmentLog.ts'

/** A snapshot is written when at least half its size was logged since the last one. */
const MIN_LOGGED_SHARE = 0.5
/** And on close, when so many pages were. */
const PAGES_WORTH_A_SNAPSHOT = 256
/** Of the oldest segment so many bytes are read at once: about 10,000 entries, a few milliseconds. */
const RECLAIM_READ_BYTES = 1 << 20

/**
 * A log of entries and the index of where the newest of each key stands; what garbage it has is taken away from its old
 * end. One call of a writing method at a time; reading ones may come between.
 */
export class IndexedLog {
  readonly directory: string
  private readonly log: SegmentLog
  private readonly minGarbageBytes: number
  private index = new KeyIndex()
  private readonly entry = new PageEntries()
  private keyScratch = Buffer.allocUnsafe(512)
  private readonly pageScratch = Buffer.allocUnsafeSlow(16 << 10)
  private reclaimScratch: Buffer | undefined
  /** The page that was read last. */
  private page: { segment: Segment; offset: number; bytes: Buffer; length: number } | null = null
  /** How far the oldest segment has been walked through. */
  private reclaimedTo = SEGMENT_HEADER_BYTES
  /** The last snapshot: how large, and up to which page. */
  private snapshotBytes = 0
  private snapshotSequence = 0
  /** Damage was seen: no snapshot may hide it from the next start. */
  private distrusted = false
  /** The index knows all of the log: before, a snapshot would hide the rest from the next start. */
  private isWhole = false

  constructor(directory: string, segmentBytes: number) {
    this.directory = directory
    this.log = new SegmentLog(directory, segmentBytes, () => this.snapshot())
    this.minGarbageBytes = segmentBytes
  }

  /** Keys in it. */
  get size(): number {
    return this.index.size
  }

  /** What goes on without, and costs room: a segment that could not be deleted; null where there is nothing. */
  get trouble(): unknown {
    return this.log.trouble
  }

  /** Bytes on disk, without the snapshot. */
  get sizeBytes(): number {
    return this.log.sizeBytes
  }

  /**
   * Opens or creates it. Throws StoreDamagedError for a log that is damaged anywhere but at its end, and what `giveWay`
   * throws, which is called every few milliseconds: then nothing but `wipe` and `close` may follow.
   */
  async load(giveWay: () => Promise<void>): Promise<void> {
    if (!(await this.loadBehindSnapshot(giveWay))) await this.log.load(this.apply, null, giveWay)
    this.isWhole = true
  }

  /** The slot of a key, -1 if it has none; good until the next write. */
  find(key: string): number {
    if (key.length * 3 > this.keyScratch.length) this.keyScratch = Buffer.allocUnsafe(key.length * 3)
    return this.index.find(this.keyScratch, 0, this.keyScratch.write(key))
  }

  /** Slots of the keys that begin so, in the order in which their values stand in the log. */
  slotsOf(prefix: string): number[] {
    return this.index.slotsOf(Buffer.from(prefix))
  }

  keyOf(slot: number): string {
    return this.index.keyOf(slot)
  }

  /** The value of a slot, good until the next call. Blocks: it reads the disk. Throws StoreDamagedError. */
  valueOf(slot: number): Buffer {
    const { index, entry } = this
    const segment = this.log.segment(index.segmentOf(slot))!
    const offset = index.offsetOf(slot)
    if (this.page?.segment !== segment || this.page.offset !== offset) this.readPage(segment, offset)
    const { bytes, length } = this.page!
    entry.open(bytes, 0, length)
    let value: Buffer | undefined
    while (entry.advance()) {
      if (!index.isKey(slot, bytes, entry.keyStart, entry.keyEnd)) continue
      value = entry.isDelete ? undefined : bytes.subarray(entry.keyEnd, entry.keyEnd + entry.valueLength)
    }
    if (value !== undefined) return value
    throw this.damaged(new StoreDamagedError(segment.file, offset, 'an entry is not where it was written'))
  }

  /** Appends what `fill` writes; of how many bytes. If it fails nothing has been appended. */
  async append(fill: (writer: PageWriter) => void): Promise<number> {
    const writer = this.log.start()
    fill(writer)
    await this.log.append(this.apply)
    return writer.length
  }

  /**
   * Walks through a piece of the oldest segment while there is more garbage than state, and appends what is still the
   * newest again; of how many bytes, 0 where there is nothing to do. Throws StoreDamagedError.
   */
  async reclaim(): Promise<number> {
    const { oldest } = this.log
    const { liveBytes, garbageBytes } = this.log.use
    if (oldest === this.log.last || garbageBytes <= Math.max(this.minGarbageBytes, liveBytes)) return 0
    const from = this.reclaimedTo
    this.reclaimedTo = oldest.liveBytes > 0 ? await this.copyNewest(oldest, from) : oldest.size
    const walked = this.reclaimedTo - from
    if (this.reclaimedTo >= oldest.size) {
      this.log.retireOldest()
      this.reclaimedTo = SEGMENT_HEADER_BYTES
    }
    return walked
  }

  /** Waits until all is on the disk. */
  sync(): Promise<void> {
    return this.log.sync()
  }

  /** Deletes everything and begins anew. */
  async wipe(): Promise<void> {
    await this.log.wipe()
    this.index = new KeyIndex()
    this.page = null
    this.reclaimedTo = SEGMENT_HEADER_BYTES
    this.snapshotBytes = 0
    this.snapshotSequence = 0
    this.distrusted = false
    this.isWhole = true
  }

  /** Closes the files; what it would cost the next start to walk through them goes into a snapshot. */
  async close(): Promise<void> {
    try {
      if (!this.isWhole || !this.log.isOpen) return
      if (this.log.position.sequence - this.snapshotSequence <= PAGES_WORTH_A_SNAPSHOT) return
      await this.log.sync()
      await this.snapshot()
    } finally {
      await this.log.close()
    }
  }

  /** False where there is no snapshot that fits the log. */
  private async loadBehindSnapshot(giveWay: () => Promise<void>): Promise<boolean> {
    const snapshot = await readSnapshot(this.directory, giveWay)
    if (snapshot === null) return false
    try {
      this.index = snapshot.index
      await this.log.load(this.apply, snapshot.log, giveWay)
      this.snapshotSequence = snapshot.log.sequence
      if (this.index.isWithin(this.log.firstNumber)) return true
    } catch (error) {
      if (!(error instanceof StoreDamagedError)) throw error
    }
    dropSnapshot(this.directory)
    await this.log.close()
    this.index = new KeyIndex()
    return false
  }

  /** After a segment is complete, if so much was logged since the last one that it is worth its own size. */
  private async snapshot(): Promise<void> {
    if (this.distrusted) return
    const { position } = this.log
    if ((position.sequence - this.snapshotSequence) * PAGE_BYTES < this.snapshotBytes * MIN_LOGGED_SHARE) return
    this.snapshotBytes = await writeSnapshot(this.directory, position, this.index)
    this.snapshotSequence = position.sequence
  }

  /** The page's entries are the newest of their keys now. */
  private readonly apply = (segment: Segment, bytes: Buffer, at: number, page: PageHeader, offset: number): void => {
    const { index, entry, log } = this
    entry.open(bytes, at, page.length)
    while (entry.advance()) {
      const { keyStart, keyEnd, isDelete } = entry
      const slot = isDelete ? index.find(bytes, keyStart, keyEnd) : index.add(bytes, keyStart, keyEnd)
      if (slot < 0) continue
      const size = index.sizeOf(slot)
      // Where a snapshot is older than the log the segment may be gone.
      const before = size > 0 ? log.segment(index.segmentOf(slot)) : undefined
      if (before !== undefined) before.liveBytes -= size
      if (isDelete) index.remove(slot)
      else {
        index.setPlace(slot, segment.number, offset, entry.size)
        segment.liveBytes += entry.size
      }
    }
  }

  /** A piece of the segment, from one page on; where the next piece begins. */
  private async copyNewest(segment: Segment, from: number): Promise<number> {
    const { entry } = this
    const writer = this.log.start()
    const scratch = (this.reclaimScratch ??= Buffer.allocUnsafeSlow(RECLAIM_READ_BYTES))
    const { next, damage } = await segment.readPages(from, scratch.length, scratch, (bytes, at, page, offset) => {
      entry.open(bytes, at, page.length)
      while (entry.advance()) {
        if (this.isNewest(segment, offset)) writer.copy(bytes, entry.start, entry.start + entry.size)
      }
      return true
    })
    if (damage !== null) throw this.damaged(new StoreDamagedError(segment.file, next, damage))
    await this.log.append(this.apply)
    return next
  }

  /** True if the page at `offset` of the segment has the newest value of the entry's key. */
  private isNewest(segment: Segment, offset: number): boolean {
    const { index, entry } = this
    if (entry.isDelete) return false
    const slot = index.find(entry.bytes, entry.keyStart, entry.keyEnd)
    return slot >= 0 && index.segmentOf(slot) === segment.number && index.offsetOf(slot) === offset
  }

  private readPage(segment: Segment, offset: number): void {
    this.page = null
    try {
      this.page = { segment, offset, ...segment.readPage(offset, this.pageScratch) }
    } catch (error) {
      throw error instanceof StoreDamagedError ? this.damaged(error) : error
    }
  }

  /** So that the next start looks at all of the log, and finds the damage. */
  private damaged(error: StoreDamagedError): StoreDamagedError {
    this.distrusted = true
    dropSnapshot(this.directory)
    return error
  }
}
