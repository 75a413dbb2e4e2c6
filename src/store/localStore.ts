import { mkdir, rm } from 'node:fs/promises'
import { ClassicLevel } from 'classic-level'

/** What the store knows about itself, written in the same atomic batch as the state that it describes. */
export interface Checkpoint {
  /** Next changelog offset to replay: everything before it is in the store. */
  readonly changelogPosition: number
  readonly stateVersion: number
  /** When it was written: a store older than the changelog's tombstone retention may have missed deletes. */
  readonly writtenAtMs: number
}

/** Sorts before every table's keys; no table name starts with a control character. */
const CHECKPOINT_KEY = '\u0000checkpoint'

/** Raw entries of a store: null deletes. */
export type Changes = ReadonlyMap<string, Buffer | null>

/**
 * The local copy of one task's changelog, in a directory of its own. It is a cache: losing it costs time, never data.
 * A write is one atomic batch that is not synced: after an operating-system crash LevelDB recovers a prefix of its own
 * log, so state and checkpoint stay consistent and at worst older, and the changelog refills the rest.
 */
export class LocalStore {
  readonly directory: string
  private readonly db: ClassicLevel<string, Buffer>

  private constructor(directory: string, db: ClassicLevel<string, Buffer>) {
    this.directory = directory
    this.db = db
  }

  /** Opens or creates it. A store that LevelDB cannot open (damaged files) is wiped: `wiped` says so. */
  static async open(directory: string): Promise<{ store: LocalStore; wiped: Error | null }> {
    try {
      return { store: await LocalStore.openOnce(directory), wiped: null }
    } catch (error) {
      if (isLocked(error)) throw error
      await rm(directory, { recursive: true, force: true })
      return { store: await LocalStore.openOnce(directory), wiped: error as Error }
    }
  }

  private static async openOnce(directory: string): Promise<LocalStore> {
    await mkdir(directory, { recursive: true })
    const db = new ClassicLevel<string, Buffer>(directory, {
      keyEncoding: 'utf8',
      valueEncoding: 'buffer',
      writeBufferSize: 16 << 20,
    })
    await db.open()
    return new LocalStore(directory, db)
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
    for await (const _key of this.db.keys({ gt: CHECKPOINT_KEY, limit: 1 })) return true
    return false
  }

  /** No entry but the checkpoint. A checkpoint alone is no state: the changelog may have held nothing but aborted records. */
  async isEmpty(): Promise<boolean> {
    const [first] = await this.db.keys({ gt: CHECKPOINT_KEY, limit: 1 }).all()
    return first === undefined
  }

  /** Every entry whose key starts with `prefix`, in key order; `prefix` must not be empty. */
  async *entries(prefix: string): AsyncGenerator<[key: string, value: Buffer]> {
    const end = prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1)
    yield* this.db.iterator({ gte: prefix, lt: end })
  }

  /** One atomic batch: the changes and the checkpoint that they lead to. `sync` waits for the disk. */
  async write(changes: Changes, checkpoint: Checkpoint, options: { sync: boolean } = { sync: false }): Promise<void> {
    const batch = this.db.batch()
    for (const [key, value] of changes) {
      if (value === null) batch.del(key)
      else batch.put(key, value)
    }
    batch.put(CHECKPOINT_KEY, Buffer.from(JSON.stringify(checkpoint)))
    await batch.write({ sync: options.sync })
  }

  /** Empties it in place: the next checkpoint is null. */
  async clear(): Promise<void> {
    await this.db.clear()
  }

  async close(): Promise<void> {
    await this.db.close()
  }
}

function isLocked(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined
  return cause instanceof Error && 'code' in cause && cause.code === 'LEVEL_LOCKED'
}
