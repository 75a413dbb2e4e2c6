import type { CommandResult, ProvisioningCommand } from '../../../src/domain/records.ts'
import type { PushEntry } from '../../../sandbox/knot/pushLog.ts'
import type { Evidence } from '../../support/onfile/evidence.ts'
import { isHidden } from '../../support/onfile/exactness.ts'
import { placeOf } from './placeOf.ts'

/** Attempts per (user, merchant, card version): contract.md 3. */
const ATTEMPTS_MOST = 3
/** Two clocks of one machine. */
const CLOCK_SLACK_MS = 5

/** A SWITCH that Knot has, or may have. */
interface Sent {
  readonly command: ProvisioningCommand
  readonly result: CommandResult
}

/**
 * At most three attempts that Knot has, or may have, per (user, merchant, card version), each number once. A login
 * (AUTHENTICATED) that restarts a version begins to count anew: its webhook is the origin then.
 */
export function attemptsTooMany(evidence: Evidence, knotTopic: string): string[] {
  const versions = Map.groupBy(sentOf(evidence), ({ command }) =>
    [command.user_id, command.merchant_id, command.card_ref, command.card_version].join(' '),
  )
  return [...versions].flatMap(([version, sent]) => {
    const wrong: string[] = []
    let counted = new Set<number>()
    let login: number | null = null
    for (const { command } of sent) {
      const { origin, attempt, command_id } = command
      if (origin.topic === knotTopic && origin.offset !== login) {
        login = origin.offset
        counted = new Set()
      }
      if (counted.has(attempt)) wrong.push(`${command_id}: attempt ${attempt} of ${version} was sent before`)
      if (attempt > ATTEMPTS_MOST) wrong.push(`${command_id}: attempt ${attempt} of ${version}`)
      counted.add(attempt)
    }
    return wrong
  })
}

/**
 * `policy.minGap` lies between the answer to a push that Knot has, or may have, and the start of the next one at that
 * merchant: by what the product reports; and by Knot's own log, where the product has heard each of Knot's answers.
 */
export function gapsTooShort(evidence: Evidence, pushes: readonly Readonly<PushEntry>[], minGapMs: number): string[] {
  const told = Map.groupBy(sentOf(evidence), ({ command: { user_id, merchant_id } }) =>
    placeOf({ userId: user_id, merchantId: merchant_id }),
  )
  const landed = Map.groupBy(
    pushes.filter(push => push.landed && !isHidden(push)),
    placeOf,
  )
  return [...told].flatMap(([place, sent]) => {
    const times = sent.map(({ result }) => [result.started_at ?? 0, result.answered_at ?? 0] as const)
    const isHeard = sent.every(({ result }) => result.result === 'ACCEPTED')
    const seen = (isHeard ? (landed.get(place) ?? []) : []).map(({ atMs }) => [atMs, atMs] as const)
    return [
      ...shorterThan(minGapMs, times).map(gapMs => `${place}: pushed ${gapMs} ms after the answer before`),
      ...shorterThan(minGapMs, seen).map(gapMs => `${place}: Knot took pushes with ${gapMs} ms between them`),
    ]
  })
}

function sentOf({ commands, userEvents }: Evidence): Sent[] {
  const results = new Map<string, CommandResult>()
  for (const { body } of userEvents) {
    if (body.kind === 'result' && (body.result === 'ACCEPTED' || body.result === 'AMBIGUOUS')) {
      results.set(body.command_id, body)
    }
  }
  return commands.flatMap(({ value: command }) => {
    const result = command.kind === 'SWITCH' ? results.get(command.command_id) : undefined
    return result === undefined ? [] : [{ command, result }]
  })
}

/** Gaps between the end of one and the start of the next, in the order of their starts, that are too short. */
function shorterThan(minGapMs: number, times: readonly (readonly [startMs: number, endMs: number])[]): number[] {
  const sorted = [...times].sort(([a], [b]) => a - b)
  return sorted.flatMap(([startMs], index) => {
    const before = sorted[index - 1]
    const gapMs = before === undefined ? Number.POSITIVE_INFINITY : startMs - before[1]
    return gapMs < minGapMs - CLOCK_SLACK_MS ? [gapMs] : []
  })
}
