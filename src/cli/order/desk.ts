import type { Config } from '../../config/config.ts'
import type { CardOutcome, SourcePosition } from '../../domain/records.ts'
import type { UserOrder } from './flags.ts'

/** Where an order stands, and how to hear of what became of it. */
export interface WrittenOrder {
  readonly position: SourcePosition
  /**
   * The outcomes that name the order as their `source`, once its own is among them: the one whose `origin` is the order
   * too. The others tell what it has stopped or started. Rejects with the signal's reason when that aborts.
   */
  outcomes(signal: AbortSignal): Promise<readonly CardOutcome[]>
}

/** What the order commands need of Kafka and the registry; owned here, so that they can be tested without. */
export interface OrderDesk {
  /** Writes the order to `onfile-user-events`, once, acknowledged by all in-sync replicas. */
  write(order: UserOrder, signal: AbortSignal): Promise<WrittenOrder>
  close(): Promise<void>
}

export type OpenOrderDesk = (config: Config, signal: AbortSignal) => Promise<OrderDesk>

/** The outcome of the order itself, among those that name it. */
export function ownOutcome(outcomes: readonly CardOutcome[], position: SourcePosition): CardOutcome | undefined {
  return outcomes.find(({ source, origin }) => isAt(source, position) && isAt(origin, position))
}

/** Same record: what else a position says (`event_id`) does not count. */
export function isAt(one: SourcePosition, other: SourcePosition): boolean {
  return one.offset === other.offset && one.partition === other.partition && one.topic === other.topic
}
