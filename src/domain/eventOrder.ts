import type { Lifecycle } from './records.ts'
import type { CardState, EventStamp } from './userState.ts'

/** The eight types of the account updater (seed 004), and `unknown_type` for all the rest. */
export type LifecycleType =
  | 'updated'
  | 'expired'
  | 'closed'
  | 'opt_out'
  | 'contact_cardholder_advice'
  | 'enrolled'
  | 'unknown'
  | 'no_participating'
  | 'unknown_type'

/** Precedence among events of one card with the same `updated_at` (domain.md 6.1.4): the higher one wins. */
const RANKS: Readonly<Record<LifecycleType, number>> = {
  opt_out: 5,
  closed: 4,
  contact_cardholder_advice: 3,
  updated: 2,
  expired: 1,
  enrolled: 0,
  unknown: 0,
  no_participating: 0,
  unknown_type: -1,
}

/** What an event means: opt_out over closed (by type or status) over everything else. */
export function lifecycleType(event: Lifecycle): LifecycleType {
  if (event.type === 'opt_out') return 'opt_out'
  if (event.status === 'closed') return 'closed'
  if (event.type === 'non_participating') return 'no_participating'
  return isListed(event.type) ? event.type : 'unknown_type'
}

export function stampOf(type: LifecycleType, updatedAt: number, identity: string): EventStamp {
  return { updated_at: updatedAt, rank: RANKS[type], identity }
}

/**
 * An event that speaks about a time before what counted already (domain.md 6.1.3 and 4). A tie that loses is stale too.
 * An older `closed` counts unless the card was renewed or closed after it; whether an opt_out counts is not asked here.
 */
export function isStale(card: CardState, type: LifecycleType, stamp: EventStamp): boolean {
  const { applied } = card
  if (applied === null) return false
  if (stamp.updated_at < applied.updated_at) {
    return type !== 'closed' || (card.renewed_at !== null && stamp.updated_at < card.renewed_at)
  }
  return !isAfter(stamp, applied)
}

/** The later one of two places in the order. */
export function laterStamp(a: EventStamp | null, b: EventStamp): EventStamp {
  return a === null || isAfter(b, a) ? b : a
}

function isAfter(a: EventStamp, b: EventStamp): boolean {
  if (a.updated_at !== b.updated_at) return a.updated_at > b.updated_at
  if (a.rank !== b.rank) return a.rank > b.rank
  return a.identity > b.identity
}

function isListed(type: string): type is LifecycleType {
  return Object.hasOwn(RANKS, type) && type !== 'unknown_type'
}
