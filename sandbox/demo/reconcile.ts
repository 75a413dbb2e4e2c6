import type { CommandKind, OutcomeStatus } from '../../src/domain/records.ts'
import { activeSuppressions, explainedPositions, mayBeIgnored, openWork, positionText } from './evidence.ts'
import type { Evidence, InputRecord } from './evidence.ts'

/** What the other systems say about the same run. */
export interface Witnesses {
  /** What INGEST and DECIDE count as ignored, over all kinds, from `/metrics`. */
  readonly ignoredByMetric: number
  /** Pushes that Knot got, how many took effect, and the most that were open at once for one (user, merchant). */
  readonly pushes: { readonly received: number; readonly landed: number; readonly maxInFlight: number }
  /** Merchants whose last word is UPDATED: what Knot has on file there. */
  readonly cardsOnFile: readonly CardOnFile[]
}

/** What a merchant charges where the last attempt succeeded. */
export interface CardOnFile {
  readonly userId: string
  readonly merchantName: string
  /** The card at the merchant is the one in the vault, or the card was suppressed since. */
  readonly isCurrent: boolean
}

/** The counts of a run, and what is wrong with them. */
export interface Reconciliation {
  readonly inputs: {
    readonly total: number
    readonly explained: number
    readonly deadLettered: number
    readonly ignored: number
  }
  readonly commands: ReadonlyMap<CommandKind, number>
  readonly outcomes: ReadonlyMap<OutcomeStatus, number>
  /** Suppressions in force, by reason. */
  readonly suppressions: ReadonlyMap<string, number>
  readonly deadLetters: ReadonlyMap<string, number>
  readonly pushes: Witnesses['pushes']
  readonly cardsOnFile: { readonly total: number; readonly current: number }
  /** What does not add up, one sentence each; empty when everything does. */
  readonly problems: readonly string[]
}

/** Compares what went in with what came out, from the topics themselves, and with what Knot saw. */
export const reconcile = (evidence: Evidence, witnesses: Witnesses): Reconciliation => {
  const { inputs, outcomes, commands, deadLetters } = evidence
  const explanations = explainedPositions(outcomes)
  const dead = new Set(deadLetters.map(positionText))
  const explained = inputs.filter(input => explanations.has(positionText(input)))
  const deadLettered = inputs.filter(input => dead.has(positionText(input)))
  const rest = inputs.filter(input => !explanations.has(positionText(input)) && !dead.has(positionText(input)))
  const ignored = rest.filter(mayBeIgnored)
  const suppressions = [...activeSuppressions(evidence.suppressions).values()]
  return {
    inputs: {
      total: inputs.length,
      explained: explained.length,
      deadLettered: deadLettered.length,
      ignored: ignored.length,
    },
    commands: countBy(commands, ({ kind }) => kind),
    outcomes: countBy(outcomes, ({ status }) => status),
    suppressions: countBy(suppressions, ({ reason }) => reason),
    deadLetters: countBy(deadLetters, ({ reason }) => reason),
    pushes: witnesses.pushes,
    cardsOnFile: {
      total: witnesses.cardsOnFile.length,
      current: witnesses.cardsOnFile.filter(({ isCurrent }) => isCurrent).length,
    },
    problems: [
      ...rest.filter(input => !mayBeIgnored(input)).map(unexplained),
      ...deadLettered.filter(input => explanations.has(positionText(input))).map(explainedTwice),
      ...foreignPositions(evidence),
      ...repeatedDeadLetters(evidence),
      ...sequenceProblems(evidence),
      ...[...new Set(outcomes.map(({ user_id }) => user_id))].flatMap(userId =>
        openWork(userId, evidence).map(work => `${userId}: ${work}.`),
      ),
      ...witnessProblems(witnesses, ignored.length, evidence),
    ],
  }
}

const countBy = <T, K>(items: readonly T[], keyOf: (item: T) => K): ReadonlyMap<K, number> =>
  new Map([...Map.groupBy(items, keyOf)].map(([key, group]) => [key, group.length]))

const unexplained = (input: InputRecord): string =>
  `${positionText(input)} has no outcome and no dead letter${input.knotEvent === null ? '' : ` (${input.knotEvent})`}.`

const explainedTwice = (input: InputRecord): string =>
  `${positionText(input)} has an outcome and a dead letter: it must have one of them.`

/** Sources and dead letters that no input record stands for. */
const foreignPositions = ({ inputs, outcomes, deadLetters }: Evidence): string[] => {
  const known = new Set(inputs.map(positionText))
  return [
    ...outcomes
      .filter(({ source }) => !known.has(positionText(source)))
      .map(({ outcome_id, source }) => `Outcome ${outcome_id} names ${positionText(source)}, which is no input.`),
    ...deadLetters
      .filter(letter => !known.has(positionText(letter)))
      .map(letter => `A dead letter names ${positionText(letter)}, which is no input.`),
  ]
}

const repeatedDeadLetters = ({ deadLetters }: Evidence): string[] =>
  [...countBy(deadLetters, positionText)]
    .filter(([, count]) => count > 1)
    .map(([position, count]) => `${position} was dead-lettered ${count} times.`)

/** A user's public records are numbered once each, and each topic has them in that order. */
const sequenceProblems = ({ outcomes, commands, suppressions }: Evidence): string[] => {
  const written = suppressions.flatMap(({ suppression }) => (suppression === null ? [] : [suppression]))
  const problems: string[] = []
  const owners = new Map<string, number>()
  for (const records of [outcomes, commands, written]) {
    const last = new Map<string, number>()
    for (const { user_id, decision_seq } of records) {
      if (decision_seq <= (last.get(user_id) ?? 0)) {
        problems.push(`Decision ${decision_seq} of ${user_id} comes after decision ${last.get(user_id) ?? 0}.`)
      }
      last.set(user_id, decision_seq)
      const id = `${user_id}:${decision_seq}`
      owners.set(id, (owners.get(id) ?? 0) + 1)
    }
  }
  const repeated = [...owners].filter(([, count]) => count > 1)
  return [...problems, ...repeated.map(([id, count]) => `Decision ${id} was published ${count} times.`)]
}

const witnessProblems = (witnesses: Witnesses, ignored: number, { commands }: Evidence): string[] => {
  const { ignoredByMetric, pushes, cardsOnFile } = witnesses
  const problems: string[] = []
  if (ignoredByMetric !== ignored) {
    problems.push(`${ignored} inputs were left without an outcome by design, /metrics counts ${ignoredByMetric}.`)
  }
  if (pushes.maxInFlight > 1) {
    problems.push(`Knot saw ${pushes.maxInFlight} pushes at once for one user and merchant.`)
  }
  const switches = commands.filter(({ kind }) => kind === 'SWITCH').length
  if (pushes.landed > switches) problems.push(`Knot took ${pushes.landed} pushes, but ${switches} were ordered.`)
  for (const { userId, merchantName, isCurrent } of cardsOnFile) {
    if (!isCurrent) problems.push(`${merchantName} has an old card of ${userId} on file, although it says UPDATED.`)
  }
  return problems
}
