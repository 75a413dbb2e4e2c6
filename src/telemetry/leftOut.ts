/**
 * What platforms often ask for and onfile does not have, and where its question is answered instead: a part of
 * `docs/metrics.md`. A test finds a metric that is named here and does not exist.
 */
export const LEFT_OUT: readonly (readonly [asked: string, why: string])[] = [
  [
    'time of the last poll, a poll loop that is silent',
    'there is no poll loop that a partition depends on: `onfile_consumer_lag_seconds` grows and `onfile_consumer_position` stands, whatever the cause (OnfileConsumerStalled)',
  ],
  [
    'records consumed per topic, records in flight',
    'positions say it per partition (`onfile_consumer_position`); `onfile_records_processed_total` counts what is committed. In flight is at most `engine.maxRecordsPerCycle` per task, and none of it counts before its commit',
  ],
  [
    'duration of each stage of one record',
    'a cycle processes and commits many records at once, and a stage has no duration of its own: `onfile_record_end_to_end_duration_seconds` per role, `onfile_commit_duration_seconds`, `onfile_call_duration_seconds` and `onfile_push_duration_seconds` are what can be waited for',
  ],
  [
    'exemplars, traces',
    'a user or a card must not be in a metric; what happened to one is told by `onfile user`, by event id in the log',
  ],
  [
    'retries by class',
    '`onfile_requests_not_accepted_total` by cause (within an attempt), `onfile_outcomes_total{status="RETRY_SCHEDULED"}` by reason (attempts), `onfile_timers_waiting{kind="switch"}`',
  ],
  [
    'failed writes of dead letters',
    'a dead letter is in the transaction of its record: where it cannot be written nothing is committed (`onfile_reconciles_total`, lag), and nothing is lost',
  ],
  [
    'dead letters that were replayed, age of the oldest one',
    'a replay comes in by the retry topic: `onfile_records_forwarded_total` of that topic. Who has not been replayed only the operator knows',
  ],
  [
    'reason of a rebalance',
    'the protocol does not tell it; `onfile_consumer_rebalances_total` with `onfile_task_transitions_total` shows what it did',
  ],
  [
    'duplicates found',
    '`onfile_outcomes_total{status="SKIPPED",reason="duplicate"}` by the source, `onfile_transactions_total{result="lost"}` by the engine',
  ],
  ['transitions of a breaker', '`onfile_breaker_opened_total`, and `changes(onfile_breaker_state[1h])`'],
  [
    'refused logins at Kafka',
    'a refusal at a start is exit code 78 (OnfileRoleAbsent, OnfileTargetDown); later each connection that cannot be made is in the log with `KAFKA_AUTHENTICATION_FAILED`, and lag grows. Knot, vault, directory and registry: `onfile_calls_total{answer="unauthorized"}`',
  ],
  [
    'time of the last reload of the configuration',
    'the configuration is not reloaded. Of the files that are read anew, `onfile_certificate_not_after_timestamp_seconds` shows that a new certificate has come',
  ],
  [
    'an alert on one fenced transaction',
    'a takeover fences its predecessor each time; only repeated ones mean something (OnfileCommitsLost)',
  ],
  [
    'metrics of each member of the group, of the brokers',
    "the brokers' own exporters have them, also while no onfile runs",
  ],
]
