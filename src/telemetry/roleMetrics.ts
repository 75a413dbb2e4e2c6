import { BoundedLabel } from './boundedLabel.ts'
import type { Instruments } from './instruments.ts'
import { pacingMetrics } from './pacingMetrics.ts'
import type { PacingMetrics } from './pacingMetrics.ts'

/** Reasons of dead letters (contract.md 4): there from the start with 0, so that the first one is an increase. */
export const DEAD_LETTER_REASONS = [
  'invalid_json',
  'invalid_avro',
  'unknown_schema',
  'schema_violation',
  'empty_value',
  'bad_timestamp',
  'future_timestamp',
  'user_unresolved',
  'too_large',
  'contains_pan',
] as const

/** More reasons than the contract and Knot's list have together. */
const MAX_REASONS = 120
const MAX_KINDS = 60
const PUSH_BUCKETS_SECONDS = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20]

/** What INGEST reports. */
export interface IngestMetrics {
  forwarded(topic: string, kind: string): void
  ignored(topic: string, kind: string): void
  deadLettered(topic: string, reason: string): void
}

/** @param inputs INGEST's input topics */
export function ingestMetrics(instruments: Instruments, inputs: readonly string[]): IngestMetrics {
  const kinds = new BoundedLabel(MAX_KINDS)
  const reasons = new BoundedLabel(MAX_REASONS, DEAD_LETTER_REASONS)
  const forwarded = instruments.counter('onfile_records_forwarded_total', 'Input records that found their user.', [
    'topic',
    'kind',
  ])
  const ignored = instruments.counter(
    'onfile_records_ignored_total',
    'Input records that concern no card and no user, by kind.',
    ['topic', 'kind'],
  )
  const deadLetters = instruments.counter(
    'onfile_dlq_records_total',
    'Records that could not be processed, by reason.',
    ['topic', 'reason'],
  )
  for (const topic of inputs) {
    for (const reason of DEAD_LETTER_REASONS) deadLetters.inc({ topic, reason }, 0)
  }
  return {
    forwarded: (topic, kind) => forwarded.inc({ topic, kind: kinds.bound(kind) }),
    ignored: (topic, kind) => ignored.inc({ topic, kind: kinds.bound(kind) }),
    deadLettered: (topic, reason) => deadLetters.inc({ topic, reason: reasons.bound(reason) }),
  }
}

/** What DECIDE reports. */
export interface DecideMetrics {
  outcome(status: string, reason: string): void
  command(kind: string): void
  suppression(state: string, reason: string): void
  ignored(kind: string): void
}

export function decideMetrics(instruments: Instruments): DecideMetrics {
  const reasons = new BoundedLabel(MAX_REASONS)
  const kinds = new BoundedLabel(MAX_KINDS)
  const outcomes = instruments.counter('onfile_outcomes_total', 'Outcomes written, by what happened and why.', [
    'status',
    'reason',
  ])
  const commands = instruments.counter('onfile_commands_total', 'Commands given to PROVISION, by kind.', ['kind'])
  const suppressions = instruments.counter('onfile_suppressions_total', 'Suppression records written.', [
    'state',
    'reason',
  ])
  const ignored = instruments.counter(
    'onfile_user_events_ignored_total',
    'Webhooks of a user that change nothing and have no outcome, by kind.',
    ['kind'],
  )
  return {
    ignored: kind => ignored.inc({ kind: kinds.bound(kind) }),
    outcome: (status, reason) => outcomes.inc({ status, reason: reasons.bound(reason) }),
    command: kind => commands.inc({ kind }),
    suppression: (state, reason) => suppressions.inc({ state, reason: reasons.bound(reason) }),
  }
}

/** What PROVISION reports. */
export interface ProvisionMetrics extends PacingMetrics {
  appliedCancelOffset(partition: number, offset: number): void
  openCommands(partition: number, count: number): void
  answered(kind: string, result: string, reason: string | null): void
  notAccepted(cause: string): void
  pushMs(durationMs: number): void
  paused(reason: string, paused: boolean): void
}

export function provisionMetrics(instruments: Instruments): ProvisionMetrics {
  const reasons = new BoundedLabel(MAX_REASONS)
  const causes = new BoundedLabel(MAX_KINDS)
  const pauseReasons = new BoundedLabel(MAX_KINDS)
  const cancelOffset = instruments.gauge(
    'onfile_provision_applied_cancel_offset',
    'Offset of the last CANCEL that PROVISION applied.',
    ['partition'],
  )
  const open = instruments.gauge('onfile_provision_open_commands', 'Commands in the ledger.', ['partition'])
  const answered = instruments.counter('onfile_commands_answered_total', 'Commands answered, by result.', [
    'kind',
    'result',
    'reason',
  ])
  const notAccepted = instruments.counter(
    'onfile_requests_not_accepted_total',
    'Requests that come again within their attempt, by cause.',
    ['cause'],
  )
  const pushSeconds = instruments.histogram(
    'onfile_push_duration_seconds',
    'From a push on the wire to its end.',
    [],
    PUSH_BUCKETS_SECONDS,
  )
  const paused = instruments.gauge('onfile_paused', '1 while a role pushes nothing, by reason.', ['role', 'reason'])
  return {
    ...pacingMetrics(instruments),
    appliedCancelOffset: (partition, offset) => cancelOffset.set({ partition: String(partition) }, offset),
    openCommands: (partition, count) => open.set({ partition: String(partition) }, count),
    answered: (kind, result, reason) => answered.inc({ kind, result, reason: reasons.bound(reason ?? '') }),
    notAccepted: cause => notAccepted.inc({ cause: causes.bound(cause) }),
    pushMs: durationMs => pushSeconds.observe(durationMs / 1_000),
    paused: (reason, isPaused) =>
      paused.set({ role: 'provision', reason: pauseReasons.bound(reason) }, isPaused ? 1 : 0),
  }
}
