import type { CardOutcome, CommandResult, ProvisioningCommand } from '../../../src/domain/records.ts'
import { positionText } from './evidence.ts'
import type { Evidence, Placed } from './evidence.ts'

/** What the simulator says of one push: a part of its `PushEntry`. */
export interface SeenPush {
  readonly atMs: number
  readonly userId: string | null
  readonly merchantId: number | null
  readonly landed: boolean
  /** HTTP status of the answer. */
  readonly status?: number | null | undefined
}

/** Knot took the card and answered 503: the product has to believe that it did not, and may push again. It is nobody's. */
export function isHidden({ landed, status }: Pick<SeenPush, 'landed' | 'status'>): boolean {
  return landed && status === 503
}

/** Sentences about what is not as promised. `missing` may still come; `wrong` cannot be mended by waiting. */
export interface Verdict {
  readonly missing: readonly string[]
  readonly wrong: readonly string[]
}

/** Webhooks that always have an outcome (contract.md 2); all others may be ignored. */
const ANSWERED_WEBHOOKS = new Set(['CARD_UPDATED', 'CARD_FAILED', 'AUTHENTICATED', 'ACCOUNT_LOGIN_REQUIRED'])
/** The simulator's clock is the product's; its event loop may read a request late. */
const CLOCK_SLACK_MS = 5
const ARRIVAL_SLACK_MS = 1_000

/** What is looked at: the schemas of what was written, decision numbers, ids, inputs (G1), ends of triggers and of commands, pushes. */
export type ExactnessCheck = 'schemas' | 'sequences' | 'ids' | 'inputs' | 'triggers' | 'commands' | 'pushes'

/** G1, G2, G3 and G5 as far as the topics and Knot's own log can show them. */
export function judge(evidence: Evidence, knotTopic: string, pushes: readonly SeenPush[]): Verdict {
  const verdicts = Object.values(judgeEach(evidence, knotTopic, pushes))
  return {
    missing: verdicts.flatMap(({ missing }) => missing),
    wrong: verdicts.flatMap(({ wrong }) => wrong),
  }
}

/**
 * The same, check by check.
 *
 * @param arrivalSlackMs from the moment at which the product gave up waiting for an answer to the latest one at which Knot
 *   may read the request: the simulator of a run that takes all of the machine is slow
 */
export function judgeEach(
  evidence: Evidence,
  knotTopic: string,
  pushes: readonly SeenPush[],
  arrivalSlackMs = ARRIVAL_SLACK_MS,
): Record<ExactnessCheck, Verdict> {
  const verdictOf = (check: (missing: string[], wrong: string[]) => void): Verdict => {
    const missing: string[] = []
    const wrong: string[] = []
    check(missing, wrong)
    return { missing, wrong }
  }
  return {
    schemas: verdictOf((_missing, wrong) => checkSchemas(evidence, wrong)),
    sequences: verdictOf((missing, wrong) => checkSequences(evidence, missing, wrong)),
    ids: verdictOf((_missing, wrong) => checkIds(evidence, wrong)),
    inputs: verdictOf((missing, wrong) => checkInputs(evidence, knotTopic, missing, wrong)),
    triggers: verdictOf(missing => checkTriggers(evidence, missing)),
    commands: verdictOf((missing, wrong) => checkCommands(evidence, missing, wrong)),
    pushes: verdictOf((_missing, wrong) => checkPushes(evidence, pushes, arrivalSlackMs, wrong)),
  }
}

function checkSchemas({ foreign }: Evidence, wrong: string[]): void {
  for (const record of foreign) wrong.push(`${positionText(record)} is not in the schema of its topic`)
}

/** Per user 1..n over the three public topics, each number once, and rising within each topic. */
function checkSequences({ commands, outcomes, suppressions }: Evidence, missing: string[], wrong: string[]): void {
  const numbers = new Map<string, number[]>()
  const kinds: readonly (readonly Placed<{ user_id: string; decision_seq: number }>[])[] = [
    commands,
    outcomes,
    suppressions,
  ]
  for (const records of kinds) {
    const last = new Map<string, number>()
    for (const { value } of records) {
      const { user_id, decision_seq } = value
      const before = last.get(user_id) ?? 0
      if (decision_seq <= before) wrong.push(`${user_id}: decision ${decision_seq} comes after ${before} in its topic`)
      last.set(user_id, decision_seq)
      const ofUser = numbers.get(user_id)
      if (ofUser === undefined) numbers.set(user_id, [decision_seq])
      else ofUser.push(decision_seq)
    }
  }
  for (const [userId, found] of numbers) {
    found.sort((a, b) => a - b)
    found.forEach((number, index) => {
      const before = found[index - 1] ?? 0
      if (number === before) wrong.push(`${userId}: decision ${number} is published twice`)
      else if (number !== before + 1) missing.push(`${userId}: no decision between ${before} and ${number}`)
    })
  }
}

function checkIds({ commands, outcomes }: Evidence, wrong: string[]): void {
  const ids = [
    ...commands.map(({ value }) => [value.command_id, `${value.user_id}:${value.decision_seq}`] as const),
    ...outcomes.map(({ value }) => [value.outcome_id, `${value.user_id}:${value.decision_seq}`] as const),
  ]
  const seen = new Set<string>()
  for (const [id, expected] of ids) {
    if (id !== expected) wrong.push(`${id} should be ${expected}`)
    if (seen.has(id)) wrong.push(`the id ${id} is used twice`)
    seen.add(id)
  }
}

/**
 * Each input: an outcome that names it (as `source`, or as `origin` where another record stopped what it had opened), or
 * exactly one dead letter, or a webhook of a kind that may be ignored. Both have orders alone.
 */
function checkInputs(evidence: Evidence, knotTopic: string, missing: string[], wrong: string[]): void {
  const named = new Set(evidence.outcomes.flatMap(({ value }) => [value.source, value.origin].map(positionText)))
  const letters = Map.groupBy(evidence.deadLetters, positionText)
  const inputs = new Set(evidence.inputs.map(positionText))
  for (const input of evidence.inputs) {
    const position = positionText(input)
    const ofInput = letters.get(position) ?? []
    const letterCount = ofInput.length
    const isInstead = ofInput.some(({ mayStandBeside }) => mayStandBeside !== true)
    if (letterCount > 1) wrong.push(`${position} has ${letterCount} dead letters`)
    if (isInstead && named.has(position)) wrong.push(`${position} has an outcome and a dead letter`)
    if (letterCount > 0 || named.has(position)) continue
    if (input.topic === knotTopic && !ANSWERED_WEBHOOKS.has(webhookName(input.value))) continue
    missing.push(`${position} is not explained: ${input.value?.toString('utf8').slice(0, 300) ?? 'no value'}`)
  }
  for (const position of [...named, ...letters.keys()]) {
    if (!inputs.has(position)) wrong.push(`${position} is named, but is no input`)
  }
}

function webhookName(value: Buffer | null): string {
  try {
    return String((JSON.parse(value?.toString('utf8') ?? '') as { event?: unknown }).event)
  } catch {
    return 'unreadable'
  }
}

/**
 * Every input that opened something has, per merchant, an end. What was said before its merchants were known is over as
 * soon as one of them is named.
 */
function checkTriggers({ outcomes }: Evidence, missing: string[]): void {
  const last = new Map<string, CardOutcome>()
  for (const { value } of outcomes) {
    const before = `${positionText(value.origin)} at merchant none`
    if (value.merchant_id !== null && last.get(before)?.final === false) last.delete(before)
    const key = `${positionText(value.origin)} at merchant ${value.merchant_id ?? 'none'}`
    if (value.final || last.get(key)?.final !== true) last.set(key, value)
  }
  for (const [key, { final, status, reason }] of last) {
    if (!final) missing.push(`${key} stands at ${status}/${reason}`)
  }
}

/**
 * Every SWITCH ends in a final outcome, or in the announcement of the next attempt, or another one takes its place in the
 * same attempt because it was never sent; nothing provisional follows its end; every command is answered once.
 */
function checkCommands({ commands, outcomes, userEvents }: Evidence, missing: string[], wrong: string[]): void {
  const finalSeq = new Map<string, number>()
  const retried = new Set<string>()
  for (const { value } of outcomes) {
    const { command_id, final, decision_seq } = value
    if (command_id === null) continue
    if (value.status === 'RETRY_SCHEDULED') retried.add(command_id)
    const finished = finalSeq.get(command_id)
    if (final) finalSeq.set(command_id, finished ?? decision_seq)
    else if (finished !== undefined) {
      wrong.push(
        `${command_id}: ${value.status}/${value.reason} (${decision_seq}) follows its final outcome (${finished})`,
      )
    }
  }
  const answers = new Map<string, number>()
  const sent = new Set<string>()
  for (const { body } of userEvents) {
    if (body.kind !== 'result') continue
    answers.set(body.command_id, (answers.get(body.command_id) ?? 0) + 1)
    if (body.result !== 'NOT_SENT' && body.result !== 'CANCELLED') sent.add(body.command_id)
  }
  const newest = new Map<string, number>()
  for (const { value } of commands) if (value.kind === 'SWITCH') newest.set(attemptOf(value), value.decision_seq)
  for (const { value } of commands) {
    const { command_id, kind } = value
    const answered = answers.get(command_id) ?? 0
    const isReplaced = !sent.has(command_id) && (newest.get(attemptOf(value)) ?? 0) > value.decision_seq
    if (answered > 1) wrong.push(`${command_id} (${kind}) is answered ${answered} times`)
    if (kind !== 'SWITCH' || finalSeq.has(command_id) || retried.has(command_id) || isReplaced) continue
    missing.push(`${command_id} has no final outcome`)
  }
}

function attemptOf({ user_id, merchant_id, card_ref, card_version, attempt, origin }: ProvisioningCommand): string {
  return [user_id, merchant_id, card_ref, card_version, attempt, positionText(origin)].join(' ')
}

function timesOf({ command_id, result, reason, started_at, answered_at }: CommandResult): string {
  return `${command_id} ${result}/${reason ?? ''} ${started_at ?? '?'} to ${answered_at ?? '?'}`
}

/**
 * Knot accepted at most one push for each command: every one that landed falls into the time of exactly one command that
 * PROVISION reported as ACCEPTED or AMBIGUOUS, and an ACCEPTED one has its push.
 */
function checkPushes(
  { userEvents }: Evidence,
  pushes: readonly SeenPush[],
  arrivalSlackMs: number,
  wrong: string[],
): void {
  const keyOf = (userId: string | null, merchantId: number | null): string => `${userId ?? ''} at ${merchantId ?? ''}`
  const landed = Map.groupBy(
    pushes.filter(push => push.landed && !isHidden(push)),
    push => keyOf(push.userId, push.merchantId),
  )
  const sent = new Map<string, CommandResult[]>()
  for (const { user_id, body } of userEvents) {
    if (body.kind !== 'result' || body.command_kind !== 'SWITCH') continue
    if (body.result !== 'ACCEPTED' && body.result !== 'AMBIGUOUS') continue
    const key = keyOf(user_id, body.merchant_id)
    const ofLane = sent.get(key)
    if (ofLane === undefined) sent.set(key, [body])
    else ofLane.push(body)
  }
  for (const key of new Set([...landed.keys(), ...sent.keys()])) {
    const left = [...(landed.get(key) ?? [])]
    const results = [...(sent.get(key) ?? [])].sort((a, b) => (a.started_at ?? 0) - (b.started_at ?? 0))
    results.forEach((result, index) => {
      const from = (result.started_at ?? 0) - CLOCK_SLACK_MS
      const next = results[index + 1]?.started_at ?? Number.POSITIVE_INFINITY
      const until = result.answered_at === null ? next : Math.min(next, result.answered_at + arrivalSlackMs)
      const own = left.filter(({ atMs }) => atMs >= from && atMs < until)
      for (const push of own) left.splice(left.indexOf(push), 1)
      if (own.length > 1) wrong.push(`${result.command_id}: Knot took ${own.length} pushes for it (${key})`)
      if (own.length === 0 && result.result === 'ACCEPTED') {
        wrong.push(`${result.command_id} is reported as accepted, but Knot took no push (${key})`)
      }
    })
    if (left.length > 0) {
      const at = left.map(({ atMs, status }) => `${atMs} (${status ?? 'no answer'})`).join(', ')
      const times = results.map(timesOf).join(', ')
      wrong.push(`${key}: Knot took ${left.length} pushes that no command accounts for, at ${at}; results: ${times}`)
    }
  }
}
