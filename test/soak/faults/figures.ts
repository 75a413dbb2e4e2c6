import type { PushEntry } from '../../../sandbox/knot/pushLog.ts'
import type { CardOutcome } from '../../../src/domain/records.ts'
import { positionText } from '../../support/onfile/evidence.ts'
import type { Evidence } from '../../support/onfile/evidence.ts'
import type { Verdict } from '../../support/onfile/exactness.ts'
import type { FaultsCheck } from './faultsOracle.ts'

/** How often each name was counted. */
export type Counts = ReadonlyMap<string, number>

/** What a run with faults is told by. */
export interface FaultsFigures {
  readonly users: number
  readonly merchants: number
  readonly seed: number
  readonly seconds: number
  readonly kills: number
  readonly killsWhenReady: number
  /** Records of the issuer and webhooks. */
  readonly inputs: number
  readonly commands: Counts
  readonly outcomes: number
  /** Last final outcome per trigger and merchant, by status and reason. */
  readonly ends: Counts
  readonly deadLetters: number
  readonly pushes: number
  readonly landed: number
  readonly faults: Counts
  readonly readFaults: Counts
  readonly webhooks: number
  readonly inFlightMax: number
  readonly unexplained: number
  readonly explainedTwice: number
  readonly open: number
  readonly afterSuppression: number
  readonly residentMaxBytes: number
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
  | 'ends'
  | 'deadLetters'
  | 'pushes'
  | 'landed'
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
    ends: countBy(endsOf(evidence), ({ status, reason }) => `${status}/${reason}`),
    deadLetters: evidence.deadLetters.length,
    pushes: pushes.length,
    landed: pushes.filter(({ landed }) => landed).length,
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
