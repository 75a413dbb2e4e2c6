import type { PushEntry } from '../../../sandbox/knot/pushLog.ts'
import type { CardOutcome } from '../../../src/domain/records.ts'
import { positionText } from '../../support/onfile/evidence.ts'
import type { Evidence } from '../../support/onfile/evidence.ts'
import { isHidden } from '../../support/onfile/exactness.ts'
import type { Verdict } from '../../support/onfile/exactness.ts'
import type { FaultsCheck } from './faultsOracle.ts'
import { placeOf } from './placeOf.ts'

/** How often each name was counted. */
export type Counts = ReadonlyMap<string, number>

/** What a run with faults is told by. */
export interface FaultsFigures {
  readonly users: number
  /** Of those asked for, where time was up before. */
  readonly usersAsked: number
  readonly merchants: number
  readonly seed: number
  readonly seconds: number
  readonly kills: number
  readonly killsWhenReady: number
  /** Orders by action, logins of users, windows in which nobody was served by kind. */
  readonly orders: Counts
  readonly logins: number
  readonly outages: Counts
  /** Records of the issuer, webhooks, orders. */
  readonly inputs: number
  readonly commands: Counts
  readonly outcomes: number
  /** Of all outcomes, by status. */
  readonly told: Counts
  /** UPDATED/updated, by the number of its attempt. */
  readonly updatedOnAttempt: Counts
  /** Last final outcome per trigger and merchant, by status and reason. */
  readonly ends: Counts
  readonly deadLetters: number
  readonly pushes: number
  readonly landed: number
  /** Knot took the card and answered 503; of them those that were followed by another push that it took. */
  readonly hidden: number
  readonly hiddenAndRepeated: number
  readonly faults: Counts
  readonly readFaults: Counts
  readonly webhooks: number
  readonly inFlightMax: number
  readonly unexplained: number
  readonly explainedTwice: number
  readonly open: number
  readonly afterSuppression: number
  readonly residentMaxBytes: number
  /** Of the process of the run itself (Knot, vault, the check at the end). */
  readonly ownResidentMaxBytes: number
  readonly processors: number
  /** Mean of the one-minute load. */
  readonly load: number
}

/** Counts what the evidence and Knot's log hold. */
export function countsOf(
  evidence: Evidence,
  pushes: readonly Readonly<PushEntry>[],
  verdicts: Record<FaultsCheck, Verdict>,
): Pick<
  FaultsFigures,
  | 'inputs'
  | 'commands'
  | 'outcomes'
  | 'told'
  | 'updatedOnAttempt'
  | 'ends'
  | 'deadLetters'
  | 'pushes'
  | 'landed'
  | 'hidden'
  | 'hiddenAndRepeated'
  | 'faults'
  | 'unexplained'
  | 'explainedTwice'
  | 'open'
  | 'afterSuppression'
> {
  const { inputs, triggers, commands, explainedOnce, afterSuppression } = verdicts
  return {
    inputs: evidence.inputs.length,
    commands: countBy(evidence.commands, ({ value }) => value.kind),
    outcomes: evidence.outcomes.length,
    told: countBy(evidence.outcomes, ({ value }) => value.status),
    updatedOnAttempt: countBy(
      evidence.outcomes.filter(({ value }) => value.status === 'UPDATED' && value.reason === 'updated'),
      ({ value }) => `attempt ${value.attempt}`,
    ),
    ends: countBy(endsOf(evidence), ({ status, reason }) => `${status}/${reason}`),
    deadLetters: evidence.deadLetters.length,
    pushes: pushes.length,
    landed: pushes.filter(({ landed }) => landed).length,
    ...countHidden(pushes),
    faults: countBy(
      pushes.flatMap(({ fault }) => (fault === null ? [] : [fault])),
      fault => fault,
    ),
    unexplained: inputs.missing.length,
    explainedTwice: inputs.wrong.length + explainedOnce.wrong.length,
    open: triggers.missing.length + commands.missing.length,
    afterSuppression: afterSuppression.wrong.length,
  }
}

function countHidden(pushes: readonly Readonly<PushEntry>[]): Pick<FaultsFigures, 'hidden' | 'hiddenAndRepeated'> {
  const landed = Map.groupBy(
    pushes.filter(push => push.landed),
    placeOf,
  )
  const hidden = pushes.filter(isHidden)
  const repeated = hidden.filter(push => landed.get(placeOf(push))!.some(({ atMs }) => atMs > push.atMs))
  return { hidden: hidden.length, hiddenAndRepeated: repeated.length }
}

/** The last final outcome of each (origin, merchant), as a reader takes it (contract.md 2). */
function endsOf({ outcomes }: Evidence): CardOutcome[] {
  const last = new Map<string, CardOutcome>()
  for (const { value } of outcomes) {
    if (value.final) last.set(`${positionText(value.origin)} ${value.merchant_id ?? ''}`, value)
  }
  return [...last.values()]
}

function countBy<T>(things: readonly T[], nameOf: (thing: T) => string): Counts {
  const counts = new Map<string, number>()
  for (const thing of things) counts.set(nameOf(thing), (counts.get(nameOf(thing)) ?? 0) + 1)
  return new Map([...counts].sort((a, b) => b[1] - a[1]))
}
