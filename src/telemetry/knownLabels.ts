/**
 * Label values that are known before they happen. Their series are there from the start with 0: `increase()` does not see
 * the first event of a series that begins with it, and the first event may be the one that matters.
 */

/** Reasons of dead letters (contract.md 4). */
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

/** What DECIDE and PROVISION can say of a record that they cannot read. */
export const UNREADABLE_REASONS = [
  'empty_value',
  'invalid_avro',
  'schema_violation',
  'too_large',
  'contains_pan',
  'wrong_partition',
] as const

/** What SWITCHER can say of a task. `missed`: ready after its window. */
export const TASK_RESULTS = [
  'accepted',
  'ambiguous',
  'missed',
  'suppressed',
  'card_refused',
  'rejected',
  'duplicate',
  'no_card',
  'no_key',
  'no_task',
] as const

/** Outcomes that are not a failure reason of Knot's, by status (contract.md 2). */
export const OUTCOME_REASONS: Readonly<Record<string, readonly string[]>> = {
  ACCEPTED: ['accepted', 'in_progress', 'ambiguous', 'accepted_before_opt_out', 'accepted_before_closed'],
  RETRY_SCHEDULED: ['min_gap', 'ongoing_operation', 'inactive_card', 'vault_stale', 'operator'],
  UPDATED: ['updated', 'corrected', 'reconciled'],
  FAILED: ['unknown_reason'],
  NEEDS_USER_ACTION: ['relink'],
  SUPPRESSED: ['closed', 'opt_out', 'operator', 'contact_cardholder', 'forgotten'],
  HELD: ['contact_cardholder'],
  CANCELLED: ['closed', 'opt_out', 'contact_cardholder', 'operator', 'superseded', 'corrected', 'window_missed'],
  SKIPPED: [
    'enrolled',
    'unknown',
    'no_participating',
    'unknown_type',
    'duplicate',
    'stale',
    'not_linked',
    'not_connected',
    'no_scope',
    'other_card_on_file',
    'already_current',
    'under_way',
    'holder_unknown',
    'card_unknown',
    'inactive_card',
    'vault_stale',
    'unsupported_region',
    'contradicts_success',
    'relinked',
    'operator',
    'forgotten',
  ],
  REJECTED: [
    'uid_conflict',
    'limit',
    'invalid_card_data',
    'invalid_field',
    'invalid_jwe',
    'unknown_error',
    'operator',
    'duplicate',
    'forgotten',
  ],
  NO_RESULT: ['no_result', 'superseded', 'forgotten'],
  EXTERNAL: ['updated'],
}

/** What an outcome with a failure reason of Knot's can be. */
export const FAILURE_STATUSES = ['FAILED', 'NEEDS_USER_ACTION', 'RETRY_SCHEDULED'] as const

/** A merchant gets these series with its first outcome: the first failure comes later, and is then an increase. */
export const MERCHANT_STATUSES = ['ACCEPTED', 'UPDATED', 'FAILED', 'NEEDS_USER_ACTION', 'NO_RESULT', 'SKIPPED'] as const

export const COMMAND_KINDS = ['DISCOVER', 'SWITCH', 'RECONCILE', 'CANCEL'] as const

/** Results of commands, with the reasons that they have. */
export const COMMAND_RESULTS: readonly [kind: string, result: string, reasons: readonly string[]][] = [
  ['DISCOVER', 'DISCOVERED', ['']],
  ['DISCOVER', 'REJECTED', ['unknown_error']],
  ['RECONCILE', 'RECONCILED', ['']],
  ['RECONCILE', 'REJECTED', ['unknown_error']],
  ['CANCEL', 'CANCELLED', ['']],
  ['SWITCH', 'ACCEPTED', ['']],
  ['SWITCH', 'AMBIGUOUS', ['timeout', 'connection_lost', 'server_error', 'restarted']],
  ['SWITCH', 'BUSY', ['']],
  ['SWITCH', 'INVALID_CARD', ['invalid_card_data']],
  [
    'SWITCH',
    'NOT_SENT',
    ['suppressed', 'not_after', 'send_by', 'ownership', 'card_unknown', 'inactive_card', 'unsupported_region'],
  ],
  ['SWITCH', 'REJECTED', ['invalid_field', 'invalid_jwe', 'not_linked', 'relink', 'unknown_error']],
]

/** Why a request is made again within its attempt. */
export const NOT_ACCEPTED_CAUSES = [
  'unreachable',
  'rate_limited',
  'unavailable',
  'merchant_unavailable',
  'invalid_jwe',
  'unauthorized',
  'forbidden',
  'paused',
  'send_by',
  'ownership',
  'key_unusable',
  'key_unavailable',
  'accounts_unavailable',
  'accounts_forbidden',
  'vault_timeout',
  'vault_connection',
  'vault_server_error',
  'vault_bad_answer',
  'failed',
] as const

export const PAUSE_REASONS = [
  'knot_unauthorized',
  'knot_forbidden',
  'vault_unauthorized',
  'operator',
  'switch_unknown',
  'suppressions_unknown',
] as const

export const SUPPRESSION_REASONS = ['opt_out', 'operator', 'closed', 'contact_cardholder'] as const

const FAILED_LOOK_UPS = ['unauthorized', 'unavailable', 'unusable'] as const

/** Calls to other systems, and their answers. */
export const CALLS: readonly [system: string, operation: string, answers: readonly string[]][] = [
  [
    'knot',
    'push',
    [
      'accepted',
      'ambiguous',
      'busy',
      'invalid_field',
      'invalid_jwe',
      'not_linked',
      'relink',
      'unknown_error',
      'rate_limited',
      'unavailable',
      'merchant_unavailable',
      'unreachable',
      'unauthorized',
      'forbidden',
    ],
  ],
  ['knot', 'accounts', ['accounts', 'unauthorized', 'forbidden', 'unavailable', 'refused']],
  ['knot', 'key', ['key', 'unauthorized', 'forbidden', 'unavailable', 'unusable']],
  ['vault', 'card', ['card', 'unknown', 'unauthorized', 'unavailable']],
  ['vault', 'status', ['status', 'unknown', 'unauthorized', 'unavailable']],
  ['directory', 'owner', ['found', 'unknown', ...FAILED_LOOK_UPS]],
  ['registry', 'schema', ['found', 'unknown', 'unauthorized', 'unavailable']],
  ['registry', 'subject', ['found', 'unknown', 'refused', 'unauthorized', 'unavailable']],
]

/** Answers of the directory and the registry that say nothing about what was asked. */
export const OUTAGE_ANSWERS: ReadonlySet<string> = new Set(FAILED_LOOK_UPS)
