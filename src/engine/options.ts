import type { Logger } from 'pino'
import type { Cluster } from '../kafka/cluster.ts'
import type { Compression } from '../kafka/compression.ts'
import type { EngineObserver } from './observer.ts'

/**
 * Points at which a test may stop or kill the process, in the order of the commit cycle in `docs/design.md`: after the
 * step of that number, after the lock, the writes and the restore of a takeover, and in a reconcile. The local store is
 * written behind, for many cycles at once: step 6 does not wait for it.
 */
export type EngineStep =
  | 'locked'
  | 'restore-written' // each time that a restore has written to the local store
  | 'restored'
  | 'gathered' // 1
  | 'produced' // 2
  | 'offset-committed' // 3
  | 'reconcile-proved' // R1 of a reconcile is granted
  | 'reconcile-read' // R2 is answered
  | 'committed' // 4
  | 'queued' // 5, first half: what the cycle changed waits for the local store
  | 'store-ahead' // 5, second half: changes are in the store, more follow, its checkpoint is still the one before
  | 'stored' // 5: the store has all of them, and the checkpoint behind them
  | 'effects-started' // 6

export interface EngineOptions {
  readonly cluster: Cluster
  /** Prefix of groups and transactional ids (`application.id`). */
  readonly applicationId: string
  /** Parent of the tasks' store directories. */
  readonly stateDirectory: string
  /** A task with something to commit starts a transaction at most so often. */
  readonly commitIntervalMs: number
  readonly maxRecordsPerCycle: number
  readonly compression: Compression
  readonly sessionTimeoutMs: number
  readonly instanceId: string | null
  /** Where the admin server of this process is reached, told to the group; null: nothing is told. */
  readonly adminUrl: string | null
  /** Broker-side limit for an open transaction: bounds how long a dead owner blocks readers if nobody takes over. */
  readonly transactionTimeoutMs: number
  /** State entries kept in memory per task, encoded, about. */
  readonly cacheEntries: number
  /** A local store not written for longer may have missed deletes: it is wiped. Below the changelog's delete.retention.ms. */
  readonly maxStoreAgeMs: number
  /** Committed changes of one task that its local store could not take: beyond this the task stops rather than fill the heap. */
  readonly maxUnflushedBytes: number
  /** Fails a restore that has not moved for so long. */
  readonly restoreNoProgressMs: number
  readonly log: Logger
  readonly observer: EngineObserver
  /** Tests only: transactions of protocol v1 on a cluster that has finalized v2. */
  readonly forceTransactionProtocol?: 'v1'
  /** Tests only: the local store gets so many entries per write, so that a flush of little state is several writes. */
  readonly forceStoreWriteEntries?: number
  readonly onStep?: (step: EngineStep, topic: string, partition: number) => Promise<void> | void
}

export const ENGINE_DEFAULTS = {
  commitIntervalMs: 100,
  maxRecordsPerCycle: 5000,
  compression: 'none',
  sessionTimeoutMs: 45_000,
  instanceId: null,
  adminUrl: null,
  transactionTimeoutMs: 60_000,
  cacheEntries: 50_000,
  maxStoreAgeMs: 20 * 3_600_000,
  maxUnflushedBytes: 256 << 20,
  restoreNoProgressMs: 180_000,
} as const satisfies Partial<EngineOptions>
