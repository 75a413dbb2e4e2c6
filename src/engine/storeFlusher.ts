import type { Logger } from 'pino'
import { StoreDamagedError } from '../store/errors.ts'
import type { LocalStore, StoreWork } from '../store/localStore.ts'
import { TaskError } from './errors.ts'
import type { StoreFlush } from './observer.ts'
import type { PartitionState } from './state.ts'

/**
 * Committed changes are gathered for so long, or until all that is in memory waits: one write for many changes of one
 * entry. A crash replays as much, and what a flush takes: at full load it is the longer of the two.
 */
const FLUSH_INTERVAL_MS = 500
/** The checkpoint's stamp is renewed so often while nothing changes, so that its age means "not owned since". */
const STAMP_INTERVAL_MS = 3_600_000
/** Committed changes that the store could not take (a full disk): beyond this the task stops rather than fill the heap. */
const MAX_UNFLUSHED_BYTES = 256 << 20

/** Step 5, second half: writes committed changes behind, coalesced. A failing disk costs restart time, not data. */
export class StoreFlusher {
  private readonly state: PartitionState
  private readonly store: LocalStore
  private readonly log: Logger
  private readonly onUnusable: (error: Error) => void
  private readonly onFlushed: (flush: StoreFlush) => void
  private flushedAtMs = performance.now()
  private running: Promise<void> | null = null
  private closed = false
  private reported: StoreWork
  private reportedTrouble: unknown = null

  constructor(
    state: PartitionState,
    store: LocalStore,
    log: Logger,
    onUnusable: (error: Error) => void,
    onFlushed: (flush: StoreFlush) => void = () => undefined,
  ) {
    this.state = state
    this.store = store
    this.log = log
    this.onUnusable = onUnusable
    this.onFlushed = onFlushed
    this.reported = store.work
  }

  flushWhenDue(): void {
    const { state } = this
    // A commit that was under way when its task ended comes back later: the store is closed then.
    if (this.closed || state.flushUnderWay) return
    const now = performance.now()
    const ageMs = now - this.flushedAtMs
    const due = state.mustFlush || (state.hasUnflushed && ageMs > FLUSH_INTERVAL_MS)
    if (!due && ageMs < STAMP_INTERVAL_MS) return
    this.flushedAtMs = now
    this.flush({ sync: false }).catch((error: unknown) => {
      // Only opening it anew mends it.
      if (error instanceof StoreDamagedError) return this.onUnusable(error)
      this.log.warn({ err: error }, 'local store cannot be written; state is safe in the changelog, and is tried again')
      if (state.unflushedBytes > MAX_UNFLUSHED_BYTES) this.onUnusable(unwritableError(this.store.directory, error))
    })
  }

  /**
   * Writes what is left and waits for the disk; the store may be closed behind it, not before: a flush is several writes.
   * Everything in it was committed, whatever ended the task.
   */
  async close(): Promise<void> {
    this.closed = true
    // Whoever began it says why it failed.
    await this.running?.catch(() => undefined)
    try {
      await this.flush({ sync: true })
    } catch (error) {
      this.log.warn({ err: error }, 'local store cannot be written on close; the changelog will refill it')
    }
  }

  private async flush(options: { sync: boolean }): Promise<void> {
    this.running = this.write(options)
    await this.running
  }

  private async write(options: { sync: boolean }): Promise<void> {
    const startedMs = performance.now()
    let written = false
    try {
      await this.state.flush(Date.now(), options)
      written = true
    } finally {
      const { work, trouble } = this.store
      if (trouble !== null && trouble !== this.reportedTrouble) {
        this.log.warn({ err: trouble }, 'old segments of the local store do not go: its volume fills; nothing is lost')
      }
      this.reportedTrouble = trouble
      const before = this.reported
      this.reported = work
      this.onFlushed({
        durationMs: performance.now() - startedMs,
        written,
        writtenBytes: work.writtenBytes - before.writtenBytes,
        reclaimedBytes: work.reclaimedBytes - before.reclaimedBytes,
      })
    }
  }
}

function unwritableError(directory: string, cause: unknown): TaskError {
  return new TaskError(
    'STORE_UNWRITABLE',
    `${directory} has not taken a write for ${MAX_UNFLUSHED_BYTES} bytes: the volume of state.dir is full or broken. ` +
      'The operator must free it; nothing is lost.',
    { retry: 'reopen', cause },
  )
}
