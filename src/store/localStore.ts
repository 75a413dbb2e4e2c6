import { resolve } from 'node:path'
import { setImmediate as yieldToIo } from 'node:timers/promises'
import { StoreDamagedError, StoreInUseError } from './errors.ts'
import { dropSnapshot, readSnapshot, writeSnapshot } from './indexSnapshot.ts'
import { KeyIndex } from './keyIndex.ts'
import { PAGE_BYTES, PageEntries, type PageHeader } from './page.ts'
import { type Segment, SEGMENT_HEADER_BYTES } from './segment.ts'
import { SCAN_BYTES, SegmentLog } from './segmentLog.ts'

/** What the store knows about itself, written behind the state that it describes. */
export interface Checkpoint {
  /** Next changelog offset to replay: everything before it is in the store. */
  readonly changelogPosition: number
  readonly stateVersion: number
  /** When it was written: a store older than the changelog's tombstone retention may have missed deletes. */
  readonly writtenAtMs: number
}

/** Takes the entries of one write; of a key that comes twice the last one counts. */
export interface StoreWrite {
  put(key: string, source: Buffer, start: number, end: number): void
  delete(key: string): void
}

export interface LocalStoreOptions {
  /** A segment with so many bytes is complete, and less garbage is left alone. Smaller ones are for tests. */
  readonly segmentBytes: number
}

/** The store's own key; no table name starts with a control character. */
const CHECKPOINT_KEY = '\u0000checkpoint'
/** What a start after a crash walks through at most, with each byte that the index has. */
const SEGMENT_BYTES = 16 << 20
/** A snapshot is written when at least half its size was logged since the last one. */
const MIN_LOGGED_SHARE = 0.5
/** Per byte that is written so many of the oldest segment are walked through: two keep pace at half garbage. */
const RECLAIM_FACTOR = 3
const RECLAIM_BYTES = 256 << 10
/** Pages read by `entries` between two turns of the event loop. */
const PAGES_PER_TURN = 128

const PAGES_WORTH_A_SNAPSHOT = 256

const openDirectories = new Set<string>()

/**
 * The local copy of one task's changelog, in a directory of its own: a log of segments, and in memory where the newest
 * value of each key stands (`KeyIndex`). It is a cache: losing it costs time, never data.
 *
 * - Writes are appended and not synced. After a crash of the operating system the last ones may be gone or torn: the log
 *   is cut at the first page that is not whole. What is before it is an earlier state with an earlier checkpoint.
 * - Damage anywhere else is the disk's: the store is wiped.
 * - Where half of it is garbage the oldest segment is walked through, a piece with each write: entries that are still the
 *   newest are appended again. It is deleted when the segment that has the copies is complete and synced, never before:
 *   a cut of the log must not lose what was in it. Oldest first, so a delete has nothing before it to hide, and goes.
 *
 * One process at a time: the lock of the state directory is the caller's (`src/cli/stateLock.ts`).
 */
export class LocalStore {
  readonly directory: string
  private readonly log: SegmentLog
  private readonly minGarbageBytes: number
  private index = new KeyIndex()
  private current: Checkpoint | null = null
  private readonly entry = new PageEntries()
  private keyScratch = Buffer.allocUnsafe(512)
  private readonly pageScratch = Buffer.allocUnsafeSlow(16 << 10)
  /** The page that was read last. */
  private page: { segment: Segment; offset: number; bytes: Buffer; length: number } | null = null
  /** How far the oldest segment has been walked through. */
  private reclaimedTo = SEGMENT_HEADER_BYTES
  /** The last snapshot: how large, and up to which page. */
  private snapshotBytes = 0
  private snapshotSequence = 0
  /** One write at a time. */
  private turn: Promise<unknown> = Promise.resolve()

  private constructor(directory: string, options: LocalStoreOptions) {
    this.directory = directory
    this.log = new SegmentLog(directory, options.segmentBytes, () => this.snapshot())
    this.minGarbageBytes = options.segmentBytes
  }

  /**
   * Opens or creates it. A store that is damaged anywhere but at its end is wiped: `wiped` says why.
   * Throws StoreInUseError, and what the file system throws.
   */
  static async open(
    directory: string,
    options: LocalStoreOptions = { segmentBytes: SEGMENT_BYTES },
  ): Promise<{ store: LocalStore; wiped: Error | null }> {
    const path = resolve(directory)
    if (openDirectories.has(path)) throw new StoreInUseError(path)
    openDirectories.add(path)
    const store = new LocalStore(path, options)
    try {
      return { store, wiped: await store.load() }
    } catch (error) {
      await store.close()
      throw error
    }
  }

  /** Null for a new store. */
  checkpoint(): Checkpoint | null {
    return this.current
  }

  get sizeBytes(): number {
    return this.log.sizeBytes
  }

  /** True if there is anything but the checkpoint: a position may also have moved over markers and aborted records only. */
  get hasEntries(): boolean {
    return this.index.size > (this.current === null ? 0 : 1)
  }

  /** The value, good until the next call of anything here. Blocks: it reads the disk. Throws StoreDamagedError. */
  get(key: string): Buffer | undefined {
    if (key.length * 3 > this.keyScratch.length) this.keyScratch = Buffer.allocUnsafe(key.length * 3)
    const slot = this.index.find(this.keyScratch, 0, this.keyScratch.write(key))
    return slot < 0 ? undefined : this.valueOf(slot)
  }

  /** Every entry whose key starts with `prefix`, in no order; not to be used beside writes. Throws StoreDamagedError. */
  async *entries(prefix: string): AsyncGenerator<[key: string, value: Buffer]> {
    let pages = 0
    for (const slot of this.index.slotsOf(Buffer.from(prefix))) {
      const before = this.page
      const value = this.valueOf(slot)
      yield [this.index.keyOf(slot), value]
      if (this.page !== before && ++pages % PAGES_PER_TURN === 0) await yieldToIo()
    }
  }

  /** The changes, and behind them the checkpoint that they lead to. `sync` waits for the disk. */
  write(
    fill: (write: StoreWrite) => void,
    checkpoint: Checkpoint,
    options: { sync: boolean } = { sync: false },
  ): Promise<void> {
    const bytes = Buffer.from(JSON.stringify(checkpoint))
    return this.inTurn(async () => {
      await this.append(write => {
        fill(write)
        write.put(CHECKPOINT_KEY, bytes, 0, bytes.length)
      })
      this.current = checkpoint
      if (options.sync) await this.log.sync()
    })
  }

  /**
   * Committed changes that a later checkpoint will stand for. Until it is written the one in force stays true: a replay
   * from there repeats these changes and comes to the same state.
   */
  writeAhead(fill: (write: StoreWrite) => void): Promise<void> {
    return this.inTurn(() => this.append(fill))
  }

  /** Empties it: the next checkpoint is null. */
  clear(): Promise<void> {
    return this.inTurn(() => this.wipe())
  }

  /** Closes the files; what it would have cost the next start to walk through the log goes into a snapshot. */
  async close(): Promise<void> {
    await this.turn.catch(() => undefined)
    try {
      if (this.log.position.sequence - this.snapshotSequence > PAGES_WORTH_A_SNAPSHOT) {
        await this.log.sync()
        await this.snapshot()
      }
    } finally {
      await this.log.close()
      openDirectories.delete(this.directory)
    }
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.turn.catch(() => undefined).then(work)
    this.turn = done
    return done
  }

  /** Reads the log. The damage for which the store was wiped, if it was. */
  private async load(): Promise<Error | null> {
    try {
      if (!(await this.loadBehindSnapshot())) await this.log.load(this.apply, null)
      const checkpoint = this.get(CHECKPOINT_KEY)
      if (checkpoint !== undefined) this.current = JSON.parse(checkpoint.toString('utf8')) as Checkpoint
      return null
    } catch (error) {
      if (!(error instanceof StoreDamagedError)) throw error
      await this.wipe()
      return error
    }
  }

  /** False where there is no snapshot that fits the log. */
  private async loadBehindSnapshot(): Promise<boolean> {
    const snapshot = await readSnapshot(this.directory)
    if (snapshot === null) return false
    try {
      this.index = snapshot.index
      await this.log.load(this.apply, snapshot.log)
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
    const { position } = this.log
    if ((position.sequence - this.snapshotSequence) * PAGE_BYTES < this.snapshotBytes * MIN_LOGGED_SHARE) return
    this.snapshotBytes = await writeSnapshot(this.directory, position, this.index)
    this.snapshotSequence = position.sequence
  }

  private async wipe(): Promise<void> {
    await this.log.wipe()
    this.index = new KeyIndex()
    this.current = null
    this.page = null
    this.reclaimedTo = SEGMENT_HEADER_BYTES
    this.snapshotBytes = 0
    this.snapshotSequence = 0
  }

  private async append(fill: (write: StoreWrite) => void): Promise<void> {
    const writer = this.log.start()
    fill(writer)
    await this.log.append(this.apply)
    await this.reclaim(RECLAIM_BYTES + writer.length * RECLAIM_FACTOR)
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
      if (size > 0) {
        const before = log.segment(index.segmentOf(slot))
        if (before !== undefined) before.liveBytes -= size
      }
      if (isDelete) index.remove(slot)
      else {
        index.setPlace(slot, segment.number, offset, entry.size)
        segment.liveBytes += entry.size
      }
    }
  }

  /** Walks through about so many bytes of the oldest segments, while there is more garbage than state. */
  private async reclaim(budgetBytes: number): Promise<void> {
    let scratch: Buffer | undefined
    for (let budget = budgetBytes; budget > 0;) {
      const { oldest } = this.log
      const { liveBytes, garbageBytes } = this.log.use
      if (oldest === this.log.last || garbageBytes <= Math.max(this.minGarbageBytes, liveBytes)) return
      scratch ??= Buffer.allocUnsafeSlow(SCAN_BYTES)
      const from = this.reclaimedTo
      if (oldest.liveBytes > 0) {
        const writer = this.log.start()
        const read = await oldest.readPages(from, SCAN_BYTES, scratch, (bytes, at, page, offset) => {
          this.entry.open(bytes, at, page.length)
          while (this.entry.advance()) {
            if (this.isNewest(oldest, offset)) writer.copy(bytes, this.entry.start, this.entry.start + this.entry.size)
          }
          return true
        })
        if (read.damage !== null) throw this.damaged(new StoreDamagedError(oldest.file, read.next, read.damage))
        await this.log.append(this.apply)
        this.reclaimedTo = read.next
      } else {
        this.reclaimedTo = oldest.size
      }
      budget -= this.reclaimedTo - from
      if (this.reclaimedTo < oldest.size) continue
      this.log.retireOldest()
      this.reclaimedTo = SEGMENT_HEADER_BYTES
    }
  }

  /** True if the page at `offset` of the segment has the newest value of the entry's key. */
  private isNewest(segment: Segment, offset: number): boolean {
    const { index, entry } = this
    if (entry.isDelete) return false
    const slot = index.find(entry.bytes, entry.keyStart, entry.keyEnd)
    return slot >= 0 && index.segmentOf(slot) === segment.number && index.offsetOf(slot) === offset
  }

  private valueOf(slot: number): Buffer {
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

  private readPage(segment: Segment, offset: number): void {
    this.page = null
    try {
      this.page = { segment, offset, ...segment.readPage(offset, this.pageScratch) }
    } catch (error) {
      throw error instanceof StoreDamagedError ? this.damaged(error) : error
    }
  }

  /** So that the next start looks at all of the log, finds the damage, and wipes the store. */
  private damaged(error: StoreDamagedError): StoreDamagedError {
    dropSnapshot(this.directory)
    return error
  }
}
