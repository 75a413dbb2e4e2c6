import type { TaskState } from './status.ts'

/** How one commit cycle ended: at once, or by a reconcile that found it committed, sent it again, or found it lost. */
export type CommitVerdict = 'committed' | 'found-committed' | 'resent' | 'lost'

/** One attempt to bring what was committed into the local store. */
export interface StoreFlush {
  readonly durationMs: number
  /** False: the store did not take it, and it is tried again. */
  readonly written: boolean
  /** Bytes appended, and bytes of old segments walked through to free them, since the flush before. */
  readonly writtenBytes: number
  readonly reclaimedBytes: number
}

/** The engine's one observability seam: metrics are built on it, tests listen to it. Calls must be cheap and not throw. */
export interface EngineObserver {
  taskState(role: string, topic: string, partition: number, state: TaskState): void
  /** Steps 2 to 4 of one cycle took `durationMs`; `records` input records became true at once. */
  cycle(
    role: string,
    topic: string,
    partition: number,
    verdict: CommitVerdict,
    durationMs: number,
    records: number,
  ): void
  restored(role: string, topic: string, partition: number, records: number, durationMs: number): void
  flushed(role: string, topic: string, partition: number, flush: StoreFlush): void
  /** Time from the append of an input record to the commit of what it caused, of the oldest record in the cycle. */
  freshness(role: string, topic: string, ageMs: number): void
  rebalanced(role: string, generation: number, tasks: number): void
}

const ignore = (): void => undefined

export const silentObserver: EngineObserver = {
  taskState: ignore,
  cycle: ignore,
  restored: ignore,
  flushed: ignore,
  freshness: ignore,
  rebalanced: ignore,
}
