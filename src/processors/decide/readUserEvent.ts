import type { SourcePosition, UserEvent } from '../../domain/records.ts'
import { InputNotReadyError } from '../../engine/processor.ts'
import type { Codec } from '../../engine/processor.ts'
import type { RecordView } from '../../kafka/recordBatch.ts'
import type { UnreadableReason } from './ports.ts'

export type ReadUserEvent =
  | { readonly kind: 'event'; readonly event: UserEvent }
  | { readonly kind: 'unreadable'; readonly reason: UnreadableReason }

/**
 * The event in a record, or why there is none. INGEST and PROVISION write no other; operators and connectors may. An
 * operator's order is its own source: where it stands is known here, and not yet when it was written.
 *
 * @param partition of the topic that the record was read from
 * @throws InputNotReadyError while the record's schema is not loaded
 */
export function readUserEvent(
  record: RecordView,
  codec: Codec<UserEvent>,
  topic: string,
  partition: number,
): ReadUserEvent {
  if (record.valueEnd < 0) return { kind: 'unreadable', reason: 'empty_value' }
  let event: UserEvent
  try {
    event = codec.decode(record.buffer, record.valueStart, record.valueEnd)
  } catch (error) {
    if (error instanceof InputNotReadyError) throw error
    return { kind: 'unreadable', reason: 'invalid_avro' }
  }
  if (event.user_id === '') return { kind: 'unreadable', reason: 'schema_violation' }
  if (event.body.kind !== 'operator') return { kind: 'event', event }
  const source: SourcePosition = { topic, partition, offset: record.offset, event_id: null }
  return { kind: 'event', event: { ...event, source, origin: source } }
}
