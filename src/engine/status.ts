/** The states of a task, in order. Metric, `/readyz`, log and tests all read this one field. */
export type TaskState = 'assigned' | 'locking' | 'restoring' | 'running' | 'draining' | 'closed' | 'fenced' | 'failed'

/** What one task shows of itself. Offsets are -1 while unknown. */
export interface TaskStatus {
  readonly role: string
  readonly topic: string
  readonly partition: number
  readonly state: TaskState
  /** Why the task does not go on by itself right now (a registry that is down, a commit in doubt), null when it does. */
  readonly waiting: { readonly reason: string; readonly sinceMs: number } | null
  /** Set while an operator has paused it: it takes no input and fires no timer. Wall clock, milliseconds. */
  readonly paused: { readonly reason: string; readonly sinceMs: number; readonly untilMs: number } | null
  /** Next input offset to process. */
  readonly position: number
  /** Last stable offset of the input, as the broker last said. */
  readonly endOffset: number
  /**
   * Records that are not committed yet, up to the last stable offset. Measured by positions, which move over markers and
   * aborted records: 0 when caught up.
   */
  readonly lagRecords: number
  /** Age of the oldest of them (append to now): it rises while a commit is in doubt as well. 0 when caught up. */
  readonly lagSeconds: number
  /** Offsets that open transactions of the input hide, once everything before them is processed. */
  readonly blockedRecords: number
  readonly restoredRecords: number
  /** Changelog records still to restore. */
  readonly restoreRemaining: number
  /**
   * Milliseconds since its loop began a turn; null outside of the loop (before it is open, after its end). It turns every
   * second even when idle, paused, or while a commit is in doubt: minutes mean a defect.
   */
  readonly turnAgeMs: number | null
  readonly cycle: number
  readonly effectsInFlight: number
  /** Durable timers that wait, by kind (the part of their name before a colon). */
  readonly timers: Readonly<Record<string, number>>
  /** Bytes of committed changes that the local store has not taken yet. */
  readonly unflushedBytes: number
  /** What its local store takes on disk; 0 for a task without state. */
  readonly storeBytes: number
  readonly transactionProtocol: 'v1' | 'v2' | null
  readonly error: { readonly code: string; readonly message: string } | null
}

export interface RoleStatus {
  readonly role: string
  readonly groupId: string
  readonly state: 'starting' | 'joining' | 'stable' | 'stopped' | 'failed'
  /**
   * Why the role cannot join its group (a topic that does not exist, a right or a session timeout that the broker refuses),
   * or is not heard by it; null when all is well.
   */
  readonly waiting: { readonly reason: string; readonly sinceMs: number } | null
  readonly error: { readonly code: string; readonly message: string } | null
  /** Milliseconds since the loop of its group membership last joined or sent a heartbeat; null while there is none. */
  readonly memberTurnAgeMs: number | null
  /** Partition counts of the input topics, by topic; empty until they are known. */
  readonly inputPartitions: Readonly<Record<string, number>>
  readonly tasks: readonly TaskStatus[]
}
