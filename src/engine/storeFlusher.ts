import type { Logger } from 'pino'
import { StoreDamagedError } from '../store/errors.ts'
import type { LocalStore, StoreWork } from '../store/localStore.ts'
import { storeUnwritableError } from './errors.ts'
import type { StoreFlush } from './observer.ts'
import type { EngineStep } from './options.ts'
import type { PartitionState } from './state.ts'

/**
 * Committed changes are gathered for so long, or until all that is in memory waits: one write for many changes of one
 * entry (`--flush` of bench/cycle.ts). A crash replays as much, and what a flush takes.
 */
const FLUSH_INTERVAL_MS = 500
/** The checkpoint's stamp is renewed so often while nothing changes, so that its age means "not owned since". */
const STAMP_INTERVAL_MS = 3_600_000

export interface StoreFlusherOptions {
  readonly state: PartitionState
  readonly store: LocalStore
  /** See `EngineOptions`. */
  readonly maxUnflushedBytes: number
  readonly log: Logger
  /** The store takes nothing and too much waits for it, or it is damaged: only opening it anew mends it. */
  readonly onUnusable: (error: Error) => void
  /** After each write, successful or not. */
  readonly onFlushed: (flush: StoreFlush) => void
  /** See `EngineOptions`; both are for tests. */
  readonly writeEntries?: number | undefined
  readonly onStep?: ((step: Extract<EngineStep, 'store-ahead' | 'stored'>) => Promise<void> | void) | undefined
}

/** Step 5, second half: writes committed changes behind, coalesced. A failing disk costs restart time, not data. */
export class StoreFlusher {
  private readonly options: StoreFlusherOptions
  private flushedAtMs = performance.now()
  private running: Promise<void> | null = null
  private closed = false
  /** The store did not take the last one: tried again after the interval, however much waits. */
  private hasFailed = false
  private reported: StoreWork
  private reportedTrouble: unknown = null

  constructor(options: StoreFlusherOptions) {
    this.options = options
    this.reported = options.store.work
  }

  flushWhenDue(): void {
    const { state, store, maxUnflushedBytes, log, onUnusable } = this.options
    // A commit that was under way when its task ended comes back later: the store is closed then.
    if (this.closed || state.flushUnderWay) return
    const now = performance.now()
    const ageMs = now - this.flushedAtMs
    const due = (state.mustFlush && !this.hasFailed) || (state.hasUnflushed && ageMs > FLUSH_INTERVAL_MS)
    if (!due && ageMs < STAMP_INTERVAL_MS) return
    this.flushedAtMs = now
    this.flush({ sync: false }).catch((error: unknown) => {
      if (error instanceof StoreDamagedError) return onUnusable(error)
      log.warn({ err: error }, 'local store cannot be written; state is safe in the changelog, and is tried again')
      if (state.unflushedBytes > maxUnflushedBytes) {
        onUnusable(storeUnwritableError(store.directory, maxUnflushedBytes, error))
      }
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
      this.options.log.warn({ err: error }, 'local store cannot be written on close; the changelog will refill it')
    }
  }

  private async flush(options: { sync: boolean }): Promise<void> {
    this.running = this.write(options)
    await this.running
  }

  private async write(options: { sync: boolean }): Promise<void> {
    const { state, store, log, onFlushed, writeEntries, onStep } = this.options
    const startedMs = performance.now()
    let written = false
    try {
      await state.flush(Date.now(), { ...options, writeEntries, onAhead: onStep && (() => onStep('store-ahead')) })
      written = true
      await onStep?.('stored')
    } finally {
      const { work, trouble } = store
      if (trouble !== null && trouble !== this.reportedTrouble) {
        log.warn({ err: trouble }, 'old segments of the local store do not go: its volume fills; nothing is lost')
      }
      this.reportedTrouble = trouble
      const before = this.reported
      this.reported = work
      this.hasFailed = !written
      if (!written) this.flushedAtMs = performance.now()
      onFlushed({
        durationMs: performance.now() - startedMs,
        written,
        writtenBytes: work.writtenBytes - before.writtenBytes,
        reclaimedBytes: work.reclaimedBytes - before.reclaimedBytes,
      })
    }
  }
}
