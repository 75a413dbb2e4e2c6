import { isFramed } from '../../avro/frame.ts'
import type { SourcePosition } from '../../domain/records.ts'
import type { RecordView } from '../../kafka/recordBatch.ts'
import { readInputValue } from '../ingest/inputValue.ts'
import type { InputReader } from '../ingest/inputValue.ts'
import { knotInput } from '../ingest/knotInput.ts'
import type { PanFields } from '../ingest/panFields.ts'

/** An AUTHENTICATED with `send_card`: the user has linked a merchant, and its task waits for the card. */
export interface Task {
  readonly taskId: string
  readonly userId: string
  readonly merchantId: number
  /** `data.card_id`: the issuer's reference of the card; null where the webhook names none. */
  readonly cardRef: string | null
  /** When the task began to wait, as early as it can have been. */
  readonly openedAtMs: number
  readonly source: SourcePosition
}

export type ReadTask =
  | { readonly kind: 'task'; readonly task: Task }
  /** Not ours: INGEST judges every record, and explains it. */
  | { readonly kind: 'other' }
  /** A link that waits for a card, and without the id of its task nobody can send one. */
  | { readonly kind: 'nameless' }
  | { readonly kind: 'schema_needed'; readonly schemaId: number }

const EVENT = 'AUTHENTICATED'
const MAX_VALUE_BYTES = 1_048_576
const OTHER: ReadTask = { kind: 'other' }

/** Reads a record of `knot-events`. What is no AUTHENTICATED is told by its bytes, so that a backlog of others costs little. */
export function readTask(
  record: RecordView,
  at: { readonly topic: string; readonly partition: number },
  reader: InputReader,
  panFields: PanFields,
): ReadTask {
  if (!mayBeTask(record)) return OTHER
  const read = readInputValue(record, reader, MAX_VALUE_BYTES)
  if (read.kind === 'schema_needed') return read
  if (read.kind === 'rejected') return OTHER
  const input = knotInput(read.value)
  if (input.kind !== 'knot' || input.event !== EVENT || input.sendCard !== true) return OTHER
  if (panFields.inKnot(input)) return OTHER
  const { taskId, userId, merchantId, cardId, timestamp } = input
  if (taskId === null) return { kind: 'nameless' }
  const appendedAtMs = record.timestamp > 0 ? record.timestamp : Number.POSITIVE_INFINITY
  const task: Task = {
    taskId,
    userId,
    merchantId,
    cardRef: cardId,
    // Of two clocks the earlier one: a late copy of a webhook bears the time of the first.
    openedAtMs: Math.min(appendedAtMs, timestamp ?? Number.POSITIVE_INFINITY),
    source: { topic: at.topic, partition: at.partition, offset: record.offset, event_id: null },
  }
  return { kind: 'task', task }
}

/** False where the record certainly is none. Avro may write the event as the number of a symbol. */
export function mayBeTask({ buffer, valueStart, valueEnd }: RecordView): boolean {
  if (valueEnd < 0) return false
  return isFramed(buffer, valueStart, valueEnd) || buffer.subarray(valueStart, valueEnd).includes(EVENT)
}
