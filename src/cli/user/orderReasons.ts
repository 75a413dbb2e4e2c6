import { actorOf } from '../../domain/operatorProof.ts'
import type { OperatorCommand, UserEvent } from '../../domain/records.ts'
import type { SuppressionEntry } from '../../domain/userState.ts'
import type { ReasonOf } from './present.ts'
import type { Told } from './story.ts'

/**
 * Why operators suppressed something. The state holds who and until when; why stands in the order alone, as long as
 * `onfile-user-events` keeps it: the last one of exactly this scope, author and end is the one in force.
 */
export function reasonsOfOrders(userEvents: readonly Told<UserEvent>[]): ReasonOf {
  const orders = userEvents.flatMap(({ value }) => (value.body.kind === 'operator' ? [value.body] : []))
  return entry => orders.findLast(order => isBehind(order, entry))?.reason ?? null
}

function isBehind(order: OperatorCommand, entry: SuppressionEntry): boolean {
  return (
    entry.reason === 'operator' &&
    order.action === 'SUPPRESS' &&
    order.card_ref === entry.card_ref &&
    order.merchant_id === entry.merchant_id &&
    order.until === entry.until &&
    actorOf(order) === entry.actor
  )
}
