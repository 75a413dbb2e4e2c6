import type {
  CardOutcome,
  CommandResult,
  KnotEvent,
  Lifecycle,
  OperatorCommand,
  UserEvent,
} from '../../domain/records.ts'
import { lifecycleWords, outcomeWords, webhookWords } from '../words.ts'
import { dayText, momentText, timeText } from './clock.ts'
import type { Told, ToldSuppression, UserStory } from './story.ts'

/** One thing that happened. */
export interface TimelineRow {
  readonly atMs: number
  /** Merchant or card that it is about. */
  readonly subject: string
  /** In lower case: what came in. In upper case: what onfile made of it. */
  readonly word: string
  readonly text: string
}

/** A row before it has its place: of the same moment what came in stands before what came of it. */
interface Unplaced extends TimelineRow {
  readonly rank: 0 | 1
  readonly seq: number
}

/**
 * The story as rows in the order of time. What a person need not know to answer a cardholder (commands, their answers,
 * records of suppressions that an outcome has told already) is left out unless `everything` is asked for.
 */
export function timelineOf(story: UserStory, everything: boolean): TimelineRow[] {
  const naming = namingOf(story)
  const rows: Unplaced[] = [
    ...story.userEvents.flatMap(event => eventRows(event, naming, everything)),
    ...story.outcomes.map(outcome => outcomeRow(outcome, naming)),
    ...suppressionRows(story.suppressions, naming, everything),
    ...story.unreadable.map(unreadableRow),
    ...(everything ? story.commands.map(({ atMs, value }) => commandRow(atMs, value, naming)) : []),
  ]
  return rows.sort((a, b) => a.atMs - b.atMs || a.rank - b.rank || a.seq - b.seq)
}

function unreadableRow({ atMs, topic, offset }: Told<null>): Unplaced {
  const text = `a record that no schema reads, ${topic} at offset ${offset}: it had no effect, see the dead letters`
  return { atMs, subject: 'user', word: 'unreadable', text, rank: 0, seq: offset }
}

/** Below it a cardholder would not see the difference. */
const DATED_FROM_MS = 60_000

/** How merchants and cards are called in this story. */
interface Naming {
  readonly merchant: (id: number) => string
  /** Of one card nobody needs the name in every row. */
  readonly hasManyCards: boolean
}

function namingOf({ outcomes, userEvents, state }: UserStory): Naming {
  const names = new Map<number, string>()
  const cards = new Set<string>()
  for (const { value } of outcomes) {
    if (value.merchant_id !== null && value.merchant_name !== null) names.set(value.merchant_id, value.merchant_name)
    if (value.card_ref !== null) cards.add(value.card_ref)
  }
  for (const { value } of userEvents) {
    const { body } = value
    if (body.kind !== 'knot' || body.merchant_id === null || body.merchant_name === null) continue
    names.set(body.merchant_id, body.merchant_name)
  }
  if (state.kind === 'known') {
    for (const { merchant_id, merchant_name } of state.merchants) {
      if (merchant_name !== null) names.set(merchant_id, merchant_name)
    }
  }
  return { merchant: id => names.get(id) ?? `merchant ${id}`, hasManyCards: cards.size > 1 }
}

function eventRows({ atMs, value, offset }: Told<UserEvent>, naming: Naming, everything: boolean): Unplaced[] {
  const { body } = value
  const row = (subject: string, word: string, text: string): Unplaced[] => [
    { atMs, subject, word, text, rank: 0, seq: offset },
  ]
  switch (body.kind) {
    case 'lifecycle':
      return row(body.card_ref, 'card event', lifecycleText(body, atMs))
    case 'knot':
      return row(knotSubject(body, naming), 'webhook', webhookText(body))
    case 'operator':
      return row(scopeOf(body, naming), 'operator', orderText(body))
    case 'result':
      return everything ? row(scopeOf(body, naming), 'answer', answerText(body)) : []
  }
}

function lifecycleText({ type, status, updated_at }: Lifecycle, atMs: number): string {
  const closed = status === 'closed' && type !== 'closed' ? ', status closed' : ''
  return `${type}${closed}: ${lifecycleWords(type)}${dated(updated_at, atMs)}`
}

/** The event's own time, where it says more than the time of its row. */
function dated(ownMs: number, rowMs: number): string {
  if (Math.abs(rowMs - ownMs) < DATED_FROM_MS) return ''
  return ` (dated ${dayText(ownMs) === dayText(rowMs) ? timeText(ownMs) : momentText(ownMs)})`
}

function webhookText({ event, reason }: KnotEvent): string {
  return `${event}: ${webhookWords(event)}${reason === null ? '' : ` ("${reason}")`}`
}

function knotSubject({ merchant_id, merchant_name }: KnotEvent, naming: Naming): string {
  return merchant_name ?? (merchant_id === null ? 'user' : naming.merchant(merchant_id))
}

function orderText({ action, actor, reason, until }: OperatorCommand): string {
  return `${action} by ${actor}: ${reason}${until === null ? '' : `, until ${momentText(until)}`}`
}

function answerText({ command_id, command_kind, result, reason, http_status, error_code }: CommandResult): string {
  const details = [reason, http_status === null ? null : `HTTP ${http_status}`, error_code].filter(
    part => part !== null,
  )
  return `${command_kind} ${command_id}: ${result}${details.length === 0 ? '' : ` (${details.join(', ')})`}`
}

function outcomeRow({ atMs, value }: Told<CardOutcome>, naming: Naming): Unplaced {
  const { status, attempt, card_ref, merchant_id, merchant_name, next_attempt_at, decision_seq } = value
  const details = [
    ...(attempt > 1 || next_attempt_at !== null ? [`attempt ${attempt}`].filter(() => attempt > 0) : []),
    ...(naming.hasManyCards && card_ref !== null && merchant_id !== null ? [card_ref] : []),
  ]
  const next = next_attempt_at === null ? '' : `; next at ${momentText(next_attempt_at)}`
  return {
    atMs,
    subject: merchant_id === null ? (card_ref ?? 'user') : (merchant_name ?? naming.merchant(merchant_id)),
    word: status,
    text: `${outcomeWords(value)}${details.length === 0 ? '' : ` (${details.join(', ')})`}${next}`,
    rank: 1,
    seq: decision_seq,
  }
}

function suppressionRows(told: readonly Told<ToldSuppression>[], naming: Naming, everything: boolean): Unplaced[] {
  const last = new Map<string, ToldSuppression['suppression']>()
  const rows: Unplaced[] = []
  for (const { atMs, value } of told) {
    const { key, suppression } = value
    const before = last.get(key)
    last.set(key, suppression)
    if (suppression === null) {
      // After LIFTED it says the same once more.
      if (before?.state !== 'LIFTED')
        rows.push({ atMs, subject: 'user', word: 'erased', text: `suppression ${key}`, rank: 1, seq: 0 })
      continue
    }
    const { state, reason, lifted_reason, until, actor, decision_seq } = suppression
    const by = actor === null ? '' : ` by ${actor}`
    const subject = scopeOf(suppression, naming)
    if (state === 'LIFTED') {
      const text = `no longer suppressed (${reason}): ${lifted_reason ?? 'unknown'}${by}`
      rows.push({ atMs, subject, word: 'LIFTED', text, rank: 1, seq: decision_seq })
    } else if (everything) {
      const end = until === null ? '' : `, until ${momentText(until)}`
      rows.push({
        atMs,
        subject,
        word: 'suppression',
        text: `in force: ${reason}${by}${end}`,
        rank: 1,
        seq: decision_seq,
      })
    }
  }
  return rows
}

function commandRow(atMs: number, command: UserStory['commands'][number]['value'], naming: Naming): Unplaced {
  const { kind, command_id, reason, decision_seq, attempt } = command
  const which = attempt > 1 ? `, attempt ${attempt}` : ''
  return {
    atMs,
    subject: scopeOf(command, naming),
    word: 'command',
    text: `${kind} ${command_id} (${reason}${which})`,
    rank: 1,
    seq: decision_seq,
  }
}

/** Merchant, else card, else the user as a whole. */
function scopeOf(
  { card_ref, merchant_id }: { readonly card_ref: string | null; readonly merchant_id: number | null },
  naming: Naming,
): string {
  if (merchant_id !== null) return naming.merchant(merchant_id)
  return card_ref ?? 'user'
}
