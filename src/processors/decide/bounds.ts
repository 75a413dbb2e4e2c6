import type { SourcePosition, UserEvent } from '../../domain/records.ts'

/** As INGEST bounds an issuer's ids, and the command line an operator's. Bytes of UTF-8. */
const MAX_ID_BYTES = 255
const MAX_TEXT_LENGTH = 500

/**
 * Texts of an event that others wrote are no longer than those that INGEST and the command line let pass. What DECIDE keeps
 * and copies of it (state, outcomes, suppressions) must fit into one record each, whatever somebody writes: a record that
 * the brokers refuse would stop the partition for good. And times are such as there are dates for.
 */
export function isWithinBounds({ user_id, source, origin, occurred_at, body }: UserEvent): boolean {
  if (!isId(user_id) || !isTime(occurred_at)) return false
  switch (body.kind) {
    case 'operator':
      return isId(body.request_id) && isId(body.card_ref) && isText(body.actor) && isTime(body.until)
    case 'lifecycle':
      return (
        [body.event_uid, body.card_ref, body.type, body.status].every(isId) &&
        isTime(body.updated_at) &&
        isPlace(source) &&
        isPlace(origin)
      )
    case 'knot':
      return (
        [body.event, body.task_id, body.card_id, body.merchant_name, body.dedupe_key].every(isId) &&
        isText(body.reason) &&
        isTime(body.timestamp) &&
        isPlace(source) &&
        isPlace(origin)
      )
    case 'result':
      return true
  }
}

function isPlace({ topic, event_id }: SourcePosition): boolean {
  return isId(topic) && isId(event_id)
}

function isId(text: string | null): boolean {
  return text === null || (text.length <= MAX_ID_BYTES && Buffer.byteLength(text) <= MAX_ID_BYTES)
}

function isText(text: string | null): boolean {
  return text === null || text.length <= MAX_TEXT_LENGTH
}

function isTime(ms: number | null): boolean {
  return ms === null || !Number.isNaN(new Date(ms).getTime())
}
