/** Why a record became a dead letter (contract.md 4): stable, for alerts and for `dlq replay`. */
export type DeadLetterReason =
  | 'invalid_json'
  | 'invalid_avro'
  | 'unknown_schema'
  | 'schema_violation'
  | 'empty_value'
  | 'bad_timestamp'
  | 'future_timestamp'
  | 'user_unresolved'
  | 'too_large'
  | 'contains_pan'
  /** Said by DECIDE alone: it stands in another partition than its user's. */
  | 'wrong_partition'

/** A record that INGEST does not pass on. */
export interface Rejection {
  readonly kind: 'rejected'
  readonly reason: DeadLetterReason
}

export function rejected(reason: DeadLetterReason): Rejection {
  return { kind: 'rejected', reason }
}
