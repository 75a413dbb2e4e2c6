import type { CardOutcome, CardSuppression, ProvisioningCommand, SourcePosition } from '../../src/domain/records.ts'

/** Where a record stands. */
export type Position = Pick<SourcePosition, 'topic' | 'partition' | 'offset'>

/** `card-lifecycle-1@17`: as Kafka's own tools write it. */
export const positionText = ({ topic, partition, offset }: Position): string => `${topic}-${partition}@${offset}`

/** A record of the issuer's two topics, or an operator's order. */
export interface InputRecord extends Position {
  /** Name of the webhook; null for a lifecycle event and for what cannot be read. */
  readonly knotEvent: string | null
  /** Whom a webhook or an order names; null for lifecycle events. */
  readonly userId: string | null
}

/** A record of the dead-letter topic: the position is the one of the issuer's record. */
export interface DeadLetter extends Position {
  readonly reason: string
  /** The value was left out, because it holds a card number or is too large. */
  readonly byReference: boolean
}

/** A record of `card-suppressions`; null is a tombstone. */
export interface SuppressionRecord {
  readonly key: string
  readonly suppression: CardSuppression | null
}

/** What a read_committed reader of the topics has seen so far, each list in the order of its partitions. */
export interface Evidence {
  readonly inputs: readonly InputRecord[]
  readonly outcomes: readonly CardOutcome[]
  readonly commands: readonly ProvisioningCommand[]
  readonly suppressions: readonly SuppressionRecord[]
  readonly deadLetters: readonly DeadLetter[]
}

/** Knot events that always lead to an outcome. All others concern no card switch, or (CARD_UPDATING) no attempt. */
const EXPLAINED_EVENTS: readonly string[] = ['CARD_UPDATED', 'CARD_FAILED', 'AUTHENTICATED', 'ACCOUNT_LOGIN_REQUIRED']

/** The record may be left without outcome and dead letter (contract.md 1 and 2). */
export const mayBeIgnored = ({ knotEvent }: InputRecord): boolean =>
  knotEvent !== null && !EXPLAINED_EVENTS.includes(knotEvent)

/** Suppressions in force, by key: the last record of each, unless it lifts or is a tombstone. */
export const activeSuppressions = (records: readonly SuppressionRecord[]): ReadonlyMap<string, CardSuppression> => {
  const active = new Map<string, CardSuppression>()
  for (const { key, suppression } of records) {
    if (suppression?.state === 'ACTIVE') active.set(key, suppression)
    else active.delete(key)
  }
  return active
}

/**
 * Positions of records that an outcome explains: named as `source`, or as `origin` of a final one. A trigger whose work
 * is stopped before its first outcome is explained by the CANCELLED alone, and the source of that is the record that
 * stopped it (contract.md 9).
 */
export const explainedPositions = (outcomes: readonly CardOutcome[]): ReadonlySet<string> =>
  new Set(
    outcomes.flatMap(({ source, origin, final }) =>
      final ? [positionText(source), positionText(origin)] : [positionText(source)],
    ),
  )

const sameRecord = (left: Position, right: Position): boolean =>
  left.offset === right.offset && left.partition === right.partition && left.topic === right.topic

/**
 * What is still under way for a user, in words; empty when nothing is. A command is done with its final outcome, a
 * look-up with whatever it led to, a scheduled attempt with the next word about it.
 */
export const openWork = (userId: string, { outcomes, commands }: Evidence): string[] => {
  const ofUser = outcomes.filter(outcome => outcome.user_id === userId)
  const open: string[] = []
  for (const command of commands) {
    if (command.user_id !== userId) continue
    const { command_id, kind, decision_seq, origin } = command
    // What is tried again has the end of the try after it; that one is looked at as any other.
    const isAnswered = (outcome: CardOutcome): boolean =>
      outcome.command_id === command_id && (outcome.final || outcome.status === 'RETRY_SCHEDULED')
    if (kind === 'SWITCH' && !ofUser.some(isAnswered)) {
      open.push(`push ${command_id} to ${command.merchant_name ?? 'a merchant'} has no final outcome`)
    }
    const later = (record: { user_id: string; decision_seq: number; origin: Position }): boolean =>
      record.user_id === userId && record.decision_seq > decision_seq && sameRecord(record.origin, origin)
    if (kind === 'DISCOVER' && !ofUser.some(later) && !commands.some(later)) {
      open.push(`look-up ${command_id} led to nothing yet`)
    }
  }
  for (const [index, outcome] of ofUser.entries()) {
    if (outcome.final) continue
    const answered = ofUser
      .slice(index + 1)
      .some(
        later =>
          later.final &&
          sameRecord(later.origin, outcome.origin) &&
          (outcome.merchant_id === null || later.merchant_id === outcome.merchant_id),
      )
    if (!answered) open.push(`${outcome.status}/${outcome.reason} (${outcome.outcome_id}) is not final`)
  }
  return open
}
