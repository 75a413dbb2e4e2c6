/**
 * A Produce sooner after EndTxn meets markers that are not written yet, and the broker holds it for one back-off:
 * `add.partitions.to.txn.retry.backoff.ms`, 20 ms by default (transactions V2).
 */
const MIN_GAP_AFTER_COMMIT_MS = 10
/** A position that moved over markers only is committed after this: lag reaches 0, and an idle topic costs nothing. */
const POSITION_ONLY_COMMIT_MS = 1_000

/**
 * When a task commits: the first change after a pause at once, a busy task every `intervalMs`, a full cycle as soon as the
 * broker is ready for it. Runs on the monotonic clock: a wall clock that jumps back must not stop commits.
 */
export class CommitSchedule {
  private readonly intervalMs: number
  private startedMs = Number.NEGATIVE_INFINITY
  private endedMs = Number.NEGATIVE_INFINITY
  /** When the position moved first since the last commit began. */
  private positionMovedMs = Number.NEGATIVE_INFINITY

  constructor(intervalMs: number) {
    this.intervalMs = intervalMs
  }

  started(): void {
    this.startedMs = performance.now()
  }

  ended(): void {
    this.endedMs = performance.now()
  }

  /** Moving on does not put its commit off: else a stream of aborted records would never have one. */
  positionMoved(): void {
    if (this.positionMovedMs <= this.startedMs) this.positionMovedMs = performance.now()
  }

  /** Milliseconds until the cycle is due; 0 or less = now. */
  dueInMs(cycle: 'open' | 'full' | 'position-only'): number {
    const now = performance.now()
    const afterLast = this.endedMs + MIN_GAP_AFTER_COMMIT_MS - now
    switch (cycle) {
      case 'full':
        return afterLast
      case 'open':
        return Math.max(afterLast, this.startedMs + this.intervalMs - now)
      case 'position-only':
        return Math.max(afterLast, this.positionMovedMs + POSITION_ONLY_COMMIT_MS - now)
    }
  }
}
