import type { RecordView } from '../../kafka/recordBatch.ts'
import type { PushMetrics } from '../provision/ports.ts'

/** Who must not be pushed; `SuppressionIndex` is one. */
export interface SuppressionPort {
  isSuppressed(userId: string, cardRef: string, merchantId: number): boolean
}

/**
 * Records of an input partition that were appended since a moment and stand before an offset, as far as `keep` wants
 * them: what the owner before has read. Rejects where the log cannot be read.
 */
export type RecentRecords = (
  at: { readonly topic: string; readonly partition: number },
  range: { readonly sinceMs: number; readonly beforeOffset: number },
  keep: (record: RecordView) => boolean,
  signal: AbortSignal,
) => Promise<readonly RecordView[]>

/**
 * How a task went, for operators. `missed`: read, or ready, after its window; `card_refused`: by the vault's word, or by
 * validation; `no_card`, `no_key`, `no_task`: what the record lacks.
 */
export type TaskCount =
  | 'accepted'
  | 'ambiguous'
  | 'missed'
  | 'suppressed'
  | 'card_refused'
  | 'rejected'
  | 'duplicate'
  | 'no_card'
  | 'no_key'
  | 'no_task'

/** What operators see of SWITCHER; its pushes, limits and breakers are its own. */
export interface SwitcherMetrics extends PushMetrics {
  task(result: TaskCount): void
  /** From the webhook to the push on the wire. */
  servedMs(durationMs: number): void
}
