import type { PushEntry } from '../../../sandbox/knot/pushLog.ts'
import type { CommittedOffsets } from '../../support/onfile/committedOffsets.ts'
import { positionText } from '../../support/onfile/evidence.ts'
import type { Evidence } from '../../support/onfile/evidence.ts'
import { judgeEach } from '../../support/onfile/exactness.ts'
import type { ExactnessCheck, Verdict } from '../../support/onfile/exactness.ts'

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
}

export type FaultsCheck =
  ExactnessCheck | 'explainedOnce' | 'oneInFlight' | 'afterSuppression' | 'updatedIsTrue' | 'redirects'

/**
 * From a request on the wire to the moment at which the simulator reads it: seconds, where the run takes all of the machine.
 * What this hides from one check another one sees: by the product's own clock, or by the second push that landed.
 */
const ARRIVAL_SLACK_MS = 10_000
/** What stops the pushes of a card or a user. */
const STOPPING = new Set(['opt_out', 'closed'])

/** What must hold at the end of a run with faults and kills. `missing` could only be mended by what comes later. */
export function judgeFaults(evidence: Evidence, facts: RunFacts): Record<FaultsCheck, Verdict> {
  return {
    ...judgeEach(evidence, facts.knotTopic, facts.pushes, ARRIVAL_SLACK_MS),
    explainedOnce: { missing: [], wrong: explainedTwice(evidence) },
    oneInFlight: { missing: [], wrong: severalInFlight(facts) },
    afterSuppression: { missing: [], wrong: [...switchesAfterStop(evidence), ...pushesAfterCancel(evidence, facts)] },
    updatedIsTrue: { missing: [], wrong: updatedWithoutPush(evidence, facts) },
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
    const { source, origin, merchant_id, status, reason, command_id } = value
    if (status === 'RETRY_SCHEDULED') continue
    const effect = [positionText(source), positionText(origin), merchant_id, status, reason, command_id].join(' ')
    if (seen.has(effect)) wrong.push(`${positionText(source)} is explained twice: ${effect}`)
    seen.add(effect)
  }
  return wrong
}

/**
 * Neither two requests of one (user, merchant) open at once, nor a request while Knot's own operation of the one before
 * runs: those are over long before anything could allow the next push.
 */
function severalInFlight({ pushes, inFlightMax }: RunFacts): string[] {
  const busy = pushes.filter(({ errorCode }) => errorCode === 'ONGOING_OPERATION')
  return [
    ...(inFlightMax > 1 ? [`${inFlightMax} pushes of one user and merchant were open at once`] : []),
    ...busy.map(push => `${placeOf(push)}: a push at ${push.atMs}, while the one before was under way at Knot`),
  ]
}

/** No SWITCH is decided for a user whose card has been stopped: nothing in this run lifts that. */
function switchesAfterStop({ commands, suppressions }: Evidence): string[] {
  const stopped = new Map<string, number>()
  for (const { value } of suppressions) {
    if (!STOPPING.has(value.reason)) continue
    stopped.set(value.user_id, Math.min(value.decision_seq, stopped.get(value.user_id) ?? Number.POSITIVE_INFINITY))
  }
  return commands.flatMap(({ value }) => {
    const { kind, user_id, command_id, decision_seq } = value
    const stop = stopped.get(user_id)
    if (kind !== 'SWITCH' || stop === undefined || decision_seq < stop) return []
    return [`${command_id} is a SWITCH after the suppression ${stop} of ${user_id}`]
  })
}

/**
 * G4: no push once the group's committed offset has passed the CANCEL. By the moment on the wire that the product reports,
 * which is exact, and by Knot's log, which needs no word of the product's.
 */
function pushesAfterCancel({ commands, userEvents }: Evidence, { pushes, offsets }: RunFacts): string[] {
  const seen = Map.groupBy(pushes, ({ userId }) => userId)
  const starts = Map.groupBy(
    userEvents.flatMap(({ user_id, body }) =>
      body.kind === 'result' && body.command_kind === 'SWITCH' && body.started_at !== null
        ? [{ user_id, command_id: body.command_id, startedAtMs: body.started_at }]
        : [],
    ),
    ({ user_id }) => user_id,
  )
  return commands.flatMap(({ partition, offset, value }) => {
    const { kind, reason, user_id, command_id } = value
    if (kind !== 'CANCEL' || !STOPPING.has(reason)) return []
    const passedAtMs = offsets.passedAtMs(partition, offset)
    if (passedAtMs === undefined) return [`${command_id}: PROVISION's group was never seen behind this CANCEL`]
    const started = (starts.get(user_id) ?? []).filter(({ startedAtMs }) => startedAtMs > passedAtMs)
    const late = (seen.get(user_id) ?? []).filter(({ atMs }) => atMs > passedAtMs + ARRIVAL_SLACK_MS)
    return [
      ...started.map(start => `${start.command_id} was started after ${command_id} (${reason}) was committed`),
      ...late.map(push => `${placeOf(push)}: a push ${push.atMs - passedAtMs} ms after ${command_id} was committed`),
    ]
  })
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

function placeOf({
  userId,
  merchantId,
}: {
  readonly userId: string | null
  readonly merchantId: number | null
}): string {
  return `${userId ?? 'somebody'} at ${merchantId ?? 'a merchant'}`
}
