import type { TaskContext } from '../engine/processor.ts'
import type { RecordView } from '../kafka/recordBatch.ts'
import { frameSchemaId } from '../avro/frame.ts'
import { deadLetter, rawEncoder } from './deadLetter.ts'
import type { DeadLetterReason } from './ingest/rejection.ts'

/** Kafka's own default of `max.message.bytes`, less what a batch and its fields take. */
const DEAD_LETTER_MAX_BYTES = 1_048_588 - 256

export interface DeadLetterWriterOptions {
  readonly role: string
  /** The dead-letter topic; must be among the role's outputs. */
  readonly topic: string
  readonly appVersion: string
  readonly metrics: { deadLettered(topic: string, reason: string): void }
}

type Context = Pick<TaskContext<object, never>, 'topic' | 'partition' | 'now' | 'forward' | 'partitionFor'>

/**
 * Dead letters of DECIDE and PROVISION: a record of one of onfile's own topics that cannot be read, as it came. It goes
 * out in the cycle's transaction, so exactly once.
 */
export function deadLetterWriter(
  options: DeadLetterWriterOptions,
): (record: RecordView, reason: DeadLetterReason, context: Context) => void {
  return (record, reason, context) => {
    const letter = deadLetter({
      record,
      position: { topic: context.topic, partition: context.partition, offset: record.offset },
      timestampMs: record.timestamp,
      reason,
      role: options.role,
      failedAtMs: context.now,
      appVersion: options.appVersion,
      replayCount: 0,
      schemaId: record.valueEnd < 0 ? undefined : frameSchemaId(record.buffer, record.valueStart, record.valueEnd),
      decoded: undefined,
      maxBytes: DEAD_LETTER_MAX_BYTES,
    })
    const partition = letter.key === null ? 0 : context.partitionFor(options.topic, letter.key)
    context.forward(options.topic, partition, letter.key, letter.value, rawEncoder, { headers: letter.headers })
    options.metrics.deadLettered(context.topic, letter.reason)
  }
}
