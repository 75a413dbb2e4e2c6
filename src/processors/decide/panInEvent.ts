import type { UserEvent, UserEventBody } from '../../domain/records.ts'
import type { PanFields } from '../ingest/panFields.ts'
import { holdsPan } from '../ingest/panScan.ts'

/**
 * A card number in an event that others wrote: DECIDE would carry it on, into state, changelog, suppressions and outcomes.
 * It is INGEST's search, which its own events have had; `ids` knows which ids only look like a card number. Of an order it
 * is whom and what it is about, without which nothing can be done; the rest is for `orderWithoutNumbers.ts`.
 */
export function holdsCardNumber({ user_id, source, origin, body }: UserEvent, ids: PanFields): boolean {
  // Those of an order are put in by DECIDE.
  const places = body.kind === 'operator' ? [] : [source, origin]
  return (
    [user_id, ...idsOf(body), ...places.map(({ event_id }) => event_id)].some(id => ids.inId(id)) ||
    [...textsOf(body), ...places.map(({ topic }) => topic)].some(text => text !== null && holdsPan(text))
  )
}

function idsOf(body: UserEventBody): (string | null)[] {
  switch (body.kind) {
    case 'operator':
      return [body.card_ref]
    case 'lifecycle':
      return [body.event_uid, body.card_ref]
    case 'knot':
      return [body.task_id, body.card_id, body.dedupe_key]
    case 'result':
      return []
  }
}

function textsOf(body: UserEventBody): (string | null)[] {
  switch (body.kind) {
    case 'operator':
      return []
    case 'lifecycle':
      return [body.type, body.status]
    case 'knot':
      return [body.event, body.merchant_name, body.reason]
    case 'result':
      return []
  }
}
