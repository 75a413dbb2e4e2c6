import type { PushEntry } from '../../../sandbox/knot/pushLog.ts'
import type { CommittedOffsets } from '../../support/onfile/committedOffsets.ts'
import { positionText } from '../../support/onfile/evidence.ts'
import type { Evidence } from '../../support/onfile/evidence.ts'
import { isHidden, judgeEach } from '../../support/onfile/exactness.ts'
import type { ExactnessCheck, Verdict } from '../../support/onfile/exactness.ts'
import { attemptsTooMany, gapsTooShort } from './attemptChecks.ts'
import { placeOf } from './placeOf.ts'
import { decidedWhileStopped, pushedAfterCancel } from './suppressionChecks.ts'

/** What the run knows beside the topics. */
export interface RunFacts {
  readonly knotTopic: string
  /** Knot's own log, in order. */
  readonly pushes: readonly Readonly<PushEntry>[]
  /** Most requests that were open at once at any one (user, merchant). */
  readonly inFlightMax: number
  /** What PROVISION's group had committed on the commands topic, and when. */
  readonly offsets: Pick<CommittedOffsets, 'passedAtMs'>
  /** Requests that followed a redirect to another origin. */
  readonly redirected: number
  /** `policy.minGap`. */
  readonly minGapMs: number
}

export type FaultsCheck =
  | ExactnessCheck
  | 'explainedOnce'
  | 'oneInFlight'
  | 'afterSuppression'
  | 'updatedIsTrue'
  | 'attempts'
  | 'gaps'
  | 'redirects'

/**
 * From a request on the wire to the moment at which the simulator reads it: seconds, where the run takes all of the machine.
 * What this hides from one check another one sees: by the product's own clock, or by the second push that landed.
 */
const ARRIVAL_SLACK_MS = 10_000

/** What must hold at the end of a run with faults and kills. `missing` could only be mended by what comes later. */
export function judgeFaults(evidence: Evidence, facts: RunFacts): Record<FaultsCheck, Verdict> {
  const { knotTopic, pushes, offsets, minGapMs } = facts
  return {
    ...judgeEach(evidence, knotTopic, pushes, ARRIVAL_SLACK_MS),
    explainedOnce: { missing: [], wrong: explainedTwice(evidence) },
    oneInFlight: { missing: [], wrong: severalInFlight(facts) },
    afterSuppression: {
      missing: [],
      wrong: [...decidedWhileStopped(evidence), ...pushedAfterCancel(evidence, pushes, offsets, ARRIVAL_SLACK_MS)],
    },
    updatedIsTrue: { missing: [], wrong: updatedWithoutPush(evidence, facts) },
    attempts: { missing: [], wrong: attemptsTooMany(evidence, knotTopic) },
    gaps: { missing: [], wrong: gapsTooShort(evidence, pushes, minGapMs) },
    redirects: {
      missing: [],
      wrong: facts.redirected === 0 ? [] : [`${facts.redirected} requests followed a redirect to another origin`],
    },
  }
}

/** G1: no record has the same effect twice. Retries that are announced again are no effect of their own. */
function explainedTwice({ outcomes }: Evidence): string[] {
  const seen = new Set<string>()
  const wrong: string[] = []
  for (const { value } of outcomes) {
    const { source, origin, card_ref, merchant_id, status, reason, command_id } = value
    if (status === 'RETRY_SCHEDULED') continue
    const effect = [positionText(source), positionText(origin), card_ref, merchant_id, status, reason, command_id].join(
      ' ',
    )
    if (seen.has(effect)) wrong.push(`${positionText(source)} is explained twice: ${effect}`)
    seen.add(effect)
  }
  return wrong
}

/**
 * Neither two requests of one (user, merchant) open at once, nor a request while Knot's own operation of the one before
 * runs: those are over long before anything could allow the next push. Unless Knot had said of the one before that it did
 * not take it.
 */
function severalInFlight({ pushes, inFlightMax }: RunFacts): string[] {
  const hidden = Map.groupBy(pushes.filter(isHidden), placeOf)
  const busy = pushes.filter(push => {
    if (push.errorCode !== 'ONGOING_OPERATION') return false
    return !hidden.get(placeOf(push))?.some(({ atMs }) => atMs <= push.atMs)
  })
  return [
    ...(inFlightMax > 1 ? [`${inFlightMax} pushes of one user and merchant were open at once`] : []),
    ...busy.map(push => `${placeOf(push)}: a push at ${push.atMs}, while the one before was under way at Knot`),
  ]
}

/** No success is told of a merchant that never took a card. */
function updatedWithoutPush({ outcomes }: Evidence, { pushes }: RunFacts): string[] {
  const landed = new Set(pushes.filter(push => push.landed).map(placeOf))
  return outcomes.flatMap(({ value }) => {
    const { status, user_id, merchant_id, outcome_id } = value
    if (status !== 'UPDATED' || landed.has(placeOf({ userId: user_id, merchantId: merchant_id }))) return []
    return [`${outcome_id} is UPDATED at ${merchant_id ?? 'no merchant'}, where no push landed`]
  })
}
