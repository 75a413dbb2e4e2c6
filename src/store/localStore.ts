import { resolve } from 'node:path'
import { setImmediate as yieldToIo, setTimeout as pause } from 'node:timers/promises'
import { StoreDamagedError, StoreInUseError } from './errors.ts'
import { IndexedLog } from './indexedLog.ts'
import { Turns, type Urgency } from './turns.ts'

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
  /** The key's bytes stand in front of the value's. */
  putBytes(source: Buffer, keyStart: number, valueStart: number, end: number): void
  deleteBytes(source: Buffer, keyStart: number, keyEnd: number): void
}

/** What a store has done since it was opened. */
export interface StoreWork {
  /** Appended for writes; what reclaiming copied is not in it. */
  readonly writtenBytes: number
  /** Of old segments walked through, so that the room of what is stale in them comes back. */
  readonly reclaimedBytes: number
}

export interface LocalStoreOptions {
  /** A segment with so many bytes is complete, and less garbage is left alone. Smaller ones are for tests. */
  readonly segmentBytes?: number
  /** Aborted: nobody wants the store any more, and the next one need not wait for it to be read. */
  readonly signal?: AbortSignal
  /** Of the stores that are being opened the one with the greatest comes first; by default 0. */
  readonly urgency?: Urgency
  /** What it is opened for: no other one is opened until this has settled. True: done, and no other one waits again. */
  readonly keepTurn?: Promise<boolean>
  /** But no longer than what is left of the process's half second. Others are for tests. */
  readonly keepTurnMs?: number
}

/** The store's own key; no table name starts with a control character. */
const CHECKPOINT_KEY = '\u0000checkpoint'
/** What a start after a crash walks through is about so much. */
const SEGMENT_BYTES = 16 << 20
/** Per byte that is written so many of the oldest segment are walked through: two keep pace at half garbage. */
const RECLAIM_FACTOR = 3
const RECLAIM_BYTES = 256 << 10
/** More of it left to do is done before the next write, so that the log stays bounded whatever the disk is like. */
const MAX_RECLAIM_OWED = 64 << 20
/** Entries read by `entries` between two turns of the event loop: about a hundred pages. */
const ENTRIES_PER_TURN = 2_000

/**
 * So long may stores be kept waiting for what another one was opened for, all together in the life of a process, and not after
 * the first was done: the process has its first commit sooner so, and a wait after each of many would keep the last one silent.
 */
let keepTurnLeftMs = 500

const openDirectories = new Set<string>()
/**
 * Stores are opened one after the other, for all of a process stand on one volume and are read by one thread: side by side
 * each is ready when all are. Four of 250,000 keys after a crash: the first after 110 to 200 ms instead of 310 to 380, the
 * last as soon as before (`node bench/store.ts --keys 250000` prints when each is ready).
 */
const opening = new Turns()

/**
 * The local copy of one task's changelog, in a directory of its own: a log of segments, and in memory where the newest
 * value of each key stands. It is a cache: losing it costs time, never data.
 *
 * - Writes are appended and not synced. After a crash of the operating system the last ones may be gone or torn: the log
 *   is cut at the first page that is not whole. What is before it is an earlier state with an earlier checkpoint.
 * - Damage anywhere else is the disk's: the store is wiped.
 * - Where half of it is garbage the oldest segment is walked through, in pieces that let writes go first: entries that are
 *   still the newest are appended again. It is deleted when the segment that has the copies is complete and synced, never before:
 *   a cut of the log must not lose what was in it. Oldest first, so a delete has nothing before it to hide, and goes.
 *
 * One process at a time: the lock of the state directory is the caller's (`src/cli/stateLock.ts`).
 */
export class LocalStore {
  readonly directory: string
  private readonly log: IndexedLog
  private current: Checkpoint | null = null
  /** One write at a time. */
  private turn: Promise<unknown> = Promise.resolve()
  /** Bytes of the oldest segments that are to be walked through for what was written. */
  private reclaimOwed = 0
  private reclaiming = false
  private writtenBytes = 0
  private reclaimedBytes = 0
  private closing = false
  /** Damage that was found while nobody waited: the next write fails with it. */
  private damage: Error | null = null
  private reclaimFailure: unknown = null

  private constructor(directory: string, segmentBytes: number) {
    this.directory = directory
    this.log = new IndexedLog(directory, segmentBytes)
  }

  /**
   * Opens or creates it. A store that is damaged anywhere but at its end is wiped: `wiped` says why.
   * Throws StoreInUseError, what the file system throws, and the signal's reason where it is aborted while it is not open.
   */
  static async open(
    directory: string,
    options: LocalStoreOptions = {},
  ): Promise<{ store: LocalStore; wiped: Error | null }> {
    const { segmentBytes = SEGMENT_BYTES, signal, urgency = () => 0, keepTurn, keepTurnMs } = options
    const path = resolve(directory)
    if (openDirectories.has(path)) throw new StoreInUseError(path)
    openDirectories.add(path)
    const store = new LocalStore(path, segmentBytes)
    try {
      await opening.take(urgency, signal)
    } catch (error) {
      await store.close()
      throw error
    }
    try {
      const wiped = await store.load(async () => {
        await opening.giveWay(urgency)
        signal?.throwIfAborted()
      })
      void endTurnAfter(keepTurn, keepTurnMs)
      return { store, wiped }
    } catch (error) {
      await store.close().finally(() => opening.end())
      throw error
    }
  }

  /** Some store of this process is being opened: whoever else works on this thread should let it get on. */
  static get isAnyOpening(): boolean {
    return opening.isTaken
  }

  /** Null for a new store. */
  checkpoint(): Checkpoint | null {
    return this.current
  }

  /** Bytes on disk. */
  get sizeBytes(): number {
    return this.log.sizeBytes
  }

  /** Why room does not come back that nothing needs any more, the last time; null where it did. For the log. */
  get trouble(): unknown {
    return this.reclaimFailure ?? this.log.trouble
  }

  get work(): StoreWork {
    return { writtenBytes: this.writtenBytes, reclaimedBytes: this.reclaimedBytes }
  }

  /** True if there is anything but the checkpoint: a position may also have moved over markers and aborted records only. */
  get hasEntries(): boolean {
    return this.log.size > (this.current === null ? 0 : 1)
  }

  /** The value, good until the next call of anything here. Blocks: it reads the disk. Throws StoreDamagedError. */
  get(key: string): Buffer | undefined {
    const slot = this.log.find(key)
    return slot < 0 ? undefined : this.log.valueOf(slot)
  }

  /** Every entry whose key starts with `prefix`, in no order; not to be used beside writes. Throws StoreDamagedError. */
  async *entries(prefix: string): AsyncGenerator<[key: string, value: Buffer]> {
    for (const [number, slot] of this.log.slotsOf(prefix).entries()) {
      const value = this.log.valueOf(slot)
      yield [this.log.keyOf(slot), value]
      if (number % ENTRIES_PER_TURN === ENTRIES_PER_TURN - 1) await yieldToIo()
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
      this.reclaimBehind()
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

  async close(): Promise<void> {
    this.closing = true
    await this.turn.catch(() => undefined)
    try {
      await this.log.close()
    } finally {
      openDirectories.delete(this.directory)
    }
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.turn.catch(() => undefined).then(work)
    this.turn = done
    return done
  }

  /** The damage for which the store was wiped, if it was. */
  private async load(giveWay: () => Promise<void>): Promise<Error | null> {
    try {
      await this.log.load(giveWay)
      const checkpoint = this.get(CHECKPOINT_KEY)
      if (checkpoint !== undefined) this.current = JSON.parse(checkpoint.toString('utf8')) as Checkpoint
      return null
    } catch (error) {
      if (!(error instanceof StoreDamagedError)) throw error
      await this.wipe()
      return error
    }
  }

  private async wipe(): Promise<void> {
    await this.log.wipe()
    this.current = null
    this.reclaimOwed = 0
    this.damage = null
  }

  private async append(fill: (write: StoreWrite) => void): Promise<void> {
    if (this.damage !== null) throw this.damage
    while (this.reclaimOwed > MAX_RECLAIM_OWED) await this.reclaimPiece()
    const appended = await this.log.append(fill)
    this.writtenBytes += appended
    this.reclaimOwed += RECLAIM_BYTES + appended * RECLAIM_FACTOR
  }

  /** Reclaims piece by piece, each in a turn of its own: a write in between waits for one of them at most. */
  private reclaimBehind(): void {
    if (this.reclaiming || this.closing || this.reclaimOwed <= 0) return
    this.reclaiming = true
    this.inTurn(() => this.reclaimPiece())
      .catch((error: unknown) => {
        // A full disk lets the next write fail, too; what is owed is tried again behind it.
        if (error instanceof StoreDamagedError) this.damage = error
        else this.reclaimFailure = error
        this.reclaimOwed = 0
      })
      .finally(() => {
        this.reclaiming = false
        this.reclaimBehind()
      })
  }

  private async reclaimPiece(): Promise<void> {
    const walked = await this.log.reclaim()
    this.reclaimFailure = null
    this.reclaimedBytes += walked
    this.reclaimOwed = walked === 0 ? 0 : this.reclaimOwed - walked
  }
}

async function endTurnAfter(work: Promise<boolean> | undefined, givenMs: number | undefined): Promise<void> {
  const withinMs = givenMs ?? keepTurnLeftMs
  if (work !== undefined && withinMs > 0) {
    const startedMs = performance.now()
    const over = new AbortController()
    const late = pause(withinMs, undefined, { ref: false, signal: over.signal })
    const done = await Promise.race([work, late]).catch(() => false)
    over.abort()
    await late.catch(() => undefined)
    if (givenMs === undefined) keepTurnLeftMs = done === true ? 0 : keepTurnLeftMs - (performance.now() - startedMs)
  }
  opening.end()
}
