import type { CardSuppression, CommandKind, OutcomeStatus, SuppressionReason } from '../../domain/records.ts'
import type { TaskContext } from '../../engine/processor.ts'
import type { RecordView } from '../../kafka/recordBatch.ts'

export type UnreadableReason = 'empty_value' | 'invalid_avro' | 'schema_violation' | 'contains_pan' | 'wrong_partition'

/** What a dead-letter writer needs of the task. `forward` makes it part of the cycle's transaction. */
export type DeadLetterContext = Pick<
  TaskContext<object, never>,
  'topic' | 'partition' | 'now' | 'forward' | 'partitionFor'
>

/**
 * Writes a user event that cannot be read, or held a card number beside what could be done, to the dead-letter topic. Called inside of `onRecord`: it must use `context`
 * and nothing that waits. `record` is valid during the call only.
 */
export type DeadLetterPort = (record: RecordView, reason: UnreadableReason, context: DeadLetterContext) => void

/** What operators see of the decisions. Called once per record written: must be cheap. */
export interface DecideMetrics {
  outcome(status: OutcomeStatus, reason: string, merchantId: number | null): void
  /**
   * What is told the age of an outcome when it is committed, from the append of the issuer's record in `topic`. `decided`:
   * an outcome to that record itself; `pushed`: to the answer of a command that it had caused.
   */
  freshness(topic: string, path: 'decided' | 'pushed'): (ageMs: number) => void
  command(kind: CommandKind): void
  /** Suppressions in force in a partition, by reason. */
  suppressionsActive(partition: number, counts: Readonly<Record<SuppressionReason, number>>): void
  suppression(state: CardSuppression['state'], reason: SuppressionReason): void
  /** A webhook that concerns nothing of ours: the topic it was read from (`onfile-user-events`) and its kind. */
  ignored(topic: string, kind: string): void
}
