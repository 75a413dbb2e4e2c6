import type { SourcePosition, UserEvent } from '../../domain/records.ts'
import { InputNotReadyError } from '../../engine/processor.ts'
import type { Codec } from '../../engine/processor.ts'
import type { RecordView } from '../../kafka/recordBatch.ts'
import type { PanFields } from '../ingest/panFields.ts'
import { isWithinBounds } from './bounds.ts'
import { withoutCardNumbers } from './orderWithoutNumbers.ts'
import { holdsCardNumber } from './panInEvent.ts'
import type { UnreadableReason } from './ports.ts'

export type ReadUserEvent =
  | {
      readonly kind: 'event'
      readonly event: UserEvent
      /** A card number was taken out of it: the record is a dead letter too, by reference. */
      readonly isWithheld: boolean
    }
  | { readonly kind: 'unreadable'; readonly reason: UnreadableReason }

/** Where the record was read from. */
export interface ReadFrom {
  readonly topic: string
  readonly partition: number
  /** Where everything of a user belongs. */
  readonly partitionOf: (userId: string) => number
  /** INGEST wrote it, or PROVISION: it bears their header. */
  readonly isOurs: boolean
  /** For the search of what others write. */
  readonly panFields: PanFields
}

/**
 * The event in a record, or why there is none. INGEST and PROVISION write no other; operators and connectors may. An
 * operator's order is its own source: where it stands is known here, and not yet when it was written.
 *
 * What others write may stand in another partition than the user's (the default partitioner of librdkafka is not Java's).
 * There nothing is known of the user: a stop would be confirmed, and nothing would be stopped. So it is refused. Nor does
 * anybody but the command line keep card numbers out of it: an event that holds one is refused, an order only where it is
 * unclear whom it is about.
 *
 * @throws InputNotReadyError while the record's schema is not loaded
 */
export function readUserEvent(record: RecordView, codec: Codec<UserEvent>, from: ReadFrom): ReadUserEvent {
  if (record.valueEnd < 0) return { kind: 'unreadable', reason: 'empty_value' }
  let event: UserEvent
  try {
    event = codec.decode(record.buffer, record.valueStart, record.valueEnd)
  } catch (error) {
    if (error instanceof InputNotReadyError) throw error
    return { kind: 'unreadable', reason: 'invalid_avro' }
  }
  if (event.user_id === '') return { kind: 'unreadable', reason: 'schema_violation' }
  const { body } = event
  const { kind } = body
  // After a restart PROVISION's answers lack the header; they stand where their command stood.
  if (kind === 'operator' || (!from.isOurs && kind !== 'result')) {
    if (!isWithinBounds(event)) return { kind: 'unreadable', reason: 'schema_violation' }
    if (holdsCardNumber(event, from.panFields)) return { kind: 'unreadable', reason: 'contains_pan' }
    if (from.partitionOf(event.user_id) !== from.partition) return { kind: 'unreadable', reason: 'wrong_partition' }
  }
  if (kind !== 'operator') return { kind: 'event', event, isWithheld: false }
  const { topic, partition } = from
  const source: SourcePosition = { topic, partition, offset: record.offset, event_id: null }
  const { command, isWithheld } = withoutCardNumbers(body, from.panFields)
  return { kind: 'event', event: { ...event, source, origin: source, body: command }, isWithheld }
}
