import type { Instruments } from './instruments.ts'
import { TASK_STATES } from './taskGauges.ts'

const VERDICTS = ['committed', 'found-committed', 'resent', 'lost'] as const
type Verdict = (typeof VERDICTS)[number]

const COMMIT_BUCKETS_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
const AGE_BUCKETS_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 7_200]

/** One write of the local store, and what it did since the one before. */
interface Flush {
  readonly durationMs: number
  readonly written: boolean
  readonly writtenBytes: number
  readonly reclaimedBytes: number
}

/** What the engine reports: fits its `EngineObserver`. */
export interface EngineMetrics {
  taskState(role: string, topic: string, partition: number, state: string): void
  cycle(role: string, topic: string, partition: number, verdict: Verdict, durationMs: number, records: number): void
  restored(role: string, topic: string, partition: number, records: number, durationMs: number): void
  flushed(role: string, topic: string, partition: number, flush: Flush): void
  freshness(role: string, topic: string, ageMs: number): void
  rebalanced(role: string, generation: number, tasks: number): void
}

/** @param roles their counters are there from the start, with 0, so that the first event is an increase */
export function engineMetrics(instruments: Instruments, roles: readonly string[]): EngineMetrics {
  const transitions = instruments.counter('onfile_task_transitions_total', 'Times that a task came into a state.', [
    'role',
    'state',
  ])
  const records = instruments.counter('onfile_records_processed_total', 'Input records whose effect is committed.', [
    'role',
  ])
  const cycles = instruments.counter('onfile_transactions_total', 'Commit cycles by how they ended (see `result`).', [
    'role',
    'result',
  ])
  const reconciles = instruments.counter(
    'onfile_reconciles_total',
    'Commits in doubt that were looked up, by what was found.',
    ['role', 'result'],
  )
  const rebalances = instruments.counter('onfile_consumer_rebalances_total', 'Assignments received from the group.', [
    'role',
  ])
  const restoredRecords = instruments.counter(
    'onfile_state_restore_records_total',
    'Changelog records read by restores.',
    ['role'],
  )
  const commitSeconds = instruments.histogram(
    'onfile_commit_duration_seconds',
    'Steps 2 to 4 of a commit cycle: produce, offset, end of the transaction, and what a doubt about it costs.',
    ['role'],
    COMMIT_BUCKETS_SECONDS,
  )
  const restoreSeconds = instruments.histogram(
    'onfile_state_restore_duration_seconds',
    'Time that a restore took.',
    ['role'],
    AGE_BUCKETS_SECONDS,
  )
  const store = storeCounters(instruments)
  const freshnessSeconds = instruments.histogram(
    'onfile_record_end_to_end_duration_seconds',
    'From the append of a record to the commit of its processing, within one role; the oldest record of each cycle.',
    ['role', 'topic'],
    AGE_BUCKETS_SECONDS,
  )
  for (const role of roles) {
    records.inc({ role }, 0)
    rebalances.inc({ role }, 0)
    restoredRecords.inc({ role }, 0)
    commitSeconds.zero({ role })
    restoreSeconds.zero({ role })
    store.zero(role)
    for (const state of TASK_STATES) transitions.inc({ role, state }, 0)
    for (const result of VERDICTS) {
      cycles.inc({ role, result }, 0)
      if (result !== 'committed') reconciles.inc({ role, result }, 0)
    }
  }
  return {
    taskState(role, _topic, _partition, state) {
      transitions.inc({ role, state })
    },
    cycle(role, _topic, _partition, result, durationMs, count) {
      cycles.inc({ role, result })
      if (result !== 'committed') reconciles.inc({ role, result })
      if (result !== 'lost') records.inc({ role }, count)
      commitSeconds.observe({ role }, durationMs / 1_000)
    },
    restored(role, _topic, _partition, count, durationMs) {
      restoredRecords.inc({ role }, count)
      restoreSeconds.observe({ role }, durationMs / 1_000)
    },
    flushed(role, _topic, _partition, flush) {
      store.count(role, flush)
    },
    freshness(role, topic, ageMs) {
      freshnessSeconds.observe({ role, topic }, Math.max(0, ageMs) / 1_000)
    },
    rebalanced(role) {
      rebalances.inc({ role })
    },
  }
}

/** What the local stores of a role do; how much waits for them is a gauge of each task. */
function storeCounters(instruments: Instruments): {
  zero(role: string): void
  count(role: string, flush: Flush): void
} {
  const seconds = instruments.histogram(
    'onfile_store_flush_duration_seconds',
    'Time that a write of committed changes into the local store took, failed ones included. Nothing waits for it but memory.',
    ['role'],
    COMMIT_BUCKETS_SECONDS,
  )
  const errors = instruments.counter(
    'onfile_store_flush_errors_total',
    'Writes that the local store did not take. The changes are safe in the changelog and are tried again.',
    ['role'],
  )
  const written = instruments.counter('onfile_store_written_bytes_total', 'Bytes written into the local stores.', [
    'role',
  ])
  const reclaimed = instruments.counter(
    'onfile_store_reclaimed_bytes_total',
    'Bytes of old segments of the local stores walked through to free what is stale in them.',
    ['role'],
  )
  return {
    zero(role) {
      seconds.zero({ role })
      for (const counter of [errors, written, reclaimed]) counter.inc({ role }, 0)
    },
    count(role, flush) {
      seconds.observe({ role }, flush.durationMs / 1_000)
      if (!flush.written) errors.inc({ role })
      written.inc({ role }, flush.writtenBytes)
      reclaimed.inc({ role }, flush.reclaimedBytes)
    },
  }
}
