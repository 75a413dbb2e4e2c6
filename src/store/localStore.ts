import { mkdir, rm } from 'node:fs/promises'
import { ClassicLevel } from 'classic-level'
import { MARK_RANGE, WriteMarks } from './writeMarks.ts'

/** What the store knows about itself, written in the same atomic batch as the state that it describes. */
export interface Checkpoint {
  /** Next changelog offset to replay: everything before it is in the store. */
  readonly changelogPosition: number
  readonly stateVersion: number
  /** When it was written: a store older than the changelog's tombstone retention may have missed deletes. */
  readonly writtenAtMs: number
}

/** The store's own keys sort before every table's; no table name starts with a control character. */
const CHECKPOINT_KEY = '\u0000checkpoint'
const FIRST_ENTRY = '\u0001'

/** Raw entries of a store: null deletes. */
export type Changes = Iterable<readonly [key: string, value: Buffer | null]>

const NO_BYTES = Buffer.alloc(0)

interface Opened {
  readonly db: ClassicLevel<string, Buffer>
  readonly marks: WriteMarks
}

/**
 * The local copy of one task's changelog, in a directory of its own. It is a cache: losing it costs time, never data.
 * A write is one atomic batch that is not synced: after an operating-system crash the last ones may be gone, so state and
 * checkpoint are older and the changelog refills the rest. Where one in the middle is gone (`WriteMarks`) all is wiped.
 */
export class LocalStore {
  readonly directory: string
  private db: ClassicLevel<string, Buffer>
  private marks: WriteMarks

  private constructor(directory: string, opened: Opened) {
    this.directory = directory
    this.db = opened.db
    this.marks = opened.marks
  }

  /** Opens or creates it. A store that LevelDB cannot open or that misses writes is wiped: `wiped` says so. */
  static async open(directory: string): Promise<{ store: LocalStore; wiped: Error | null }> {
    try {
      return { store: new LocalStore(directory, await openDatabase(directory)), wiped: null }
    } catch (error) {
      if (isLocked(error)) throw error
      await rm(directory, { recursive: true, force: true })
      return { store: new LocalStore(directory, await openDatabase(directory)), wiped: error as Error }
    }
  }

  /** Null for a new store and for one whose checkpoint cannot be read. */
  checkpoint(): Checkpoint | null {
    const bytes = this.db.getSync(CHECKPOINT_KEY)
    if (bytes === undefined) return null
    try {
      const value = JSON.parse(bytes.toString('utf8')) as Partial<Checkpoint>
      const { changelogPosition, stateVersion, writtenAtMs } = value
      if (
        typeof changelogPosition !== 'number' ||
        typeof stateVersion !== 'number' ||
        typeof writtenAtMs !== 'number'
      ) {
        return null
      }
      return { changelogPosition, stateVersion, writtenAtMs }
    } catch {
      return null
    }
  }

  get(key: string): Buffer | undefined {
    return this.db.getSync(key)
  }

  /** True if there is anything but the checkpoint: a position may also have moved over markers and aborted records only. */
  async hasEntries(): Promise<boolean> {
    for await (const _key of this.db.keys({ gte: FIRST_ENTRY, limit: 1 })) return true
    return false
  }

  /** Every entry whose key starts with `prefix`, in key order; `prefix` must not be empty. */
  async *entries(prefix: string): AsyncGenerator<[key: string, value: Buffer]> {
    const end = prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1)
    yield* this.db.iterator({ gte: prefix, lt: end })
  }

  /** One atomic batch: the changes and the checkpoint that they lead to. `sync` waits for the disk. */
  async write(changes: Changes, checkpoint: Checkpoint, options: { sync: boolean } = { sync: false }): Promise<void> {
    const batch = this.batchOf(changes)
    batch.put(CHECKPOINT_KEY, Buffer.from(JSON.stringify(checkpoint)))
    await batch.write({ sync: options.sync })
  }

  /**
   * Committed changes that a later checkpoint will stand for. Until it is written the one in force stays true: a replay
   * from there repeats these changes and comes to the same state.
   */
  async writeAhead(changes: Changes): Promise<void> {
    await this.batchOf(changes).write({ sync: false })
  }

  private batchOf(changes: Changes) {
    const batch = this.db.batch()
    let bytes = 0
    for (const [key, value] of changes) {
      if (value === null) batch.del(key)
      else batch.put(key, value)
      bytes += key.length + (value?.length ?? 0)
    }
    const { put, prune } = this.marks.next(bytes)
    batch.put(put, NO_BYTES)
    for (const key of prune) batch.del(key)
    return batch
  }

  /** Empties it: the next checkpoint is null. */
  async clear(): Promise<void> {
    await this.db.close()
    await rm(this.directory, { recursive: true, force: true })
    const { db, marks } = await openDatabase(this.directory)
    this.db = db
    this.marks = marks
  }

  async close(): Promise<void> {
    await this.db.close()
  }
}

/** Throws MissingWritesError, and what LevelDB throws. */
async function openDatabase(directory: string): Promise<Opened> {
  await mkdir(directory, { recursive: true })
  const db = new ClassicLevel<string, Buffer>(directory, {
    keyEncoding: 'utf8',
    valueEncoding: 'buffer',
    writeBufferSize: 16 << 20,
    // Ids and numbers hardly shrink.
    compression: false,
  })
  await db.open()
  try {
    return { db, marks: new WriteMarks(directory, await db.keys(MARK_RANGE).all()) }
  } catch (error) {
    await db.close()
    throw error
  }
}

function isLocked(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined
  return cause instanceof Error && 'code' in cause && cause.code === 'LEVEL_LOCKED'
}
