import type { Processor, TaskContext, Topology } from '../../src/engine/processor.ts'
import type { RecordView } from '../../src/kafka/recordBatch.ts'
import { raceCodecs } from './records.ts'
import type { EventType, OutcomeStatus, RaceCodecs, UserEvent, UserState } from './records.ts'

/** Role of the topology: its consumer group is `<application id>-decide`. */
export const RACE_ROLE = 'decide'

const REMEMBERED_EVENT_IDS = 8
const VERSION_NIBBLE_AT = 14

export interface RaceTables {
  users: UserState
}

/** Names of the topics of one run. */
export interface RaceTopics {
  readonly events: string
  readonly commands: string
  readonly outcomes: string
  readonly suppressions: string
  readonly changelog: string
}

/** The input stands under one prefix, what a run writes under another; the changelog belongs to the group. */
export function raceTopics(inputPrefix: string, outputPrefix: string, group: string): RaceTopics {
  return {
    events: `${inputPrefix}user-events`,
    commands: `${outputPrefix}provisioning-commands`,
    outcomes: `${outputPrefix}card-outcomes`,
    suppressions: `${outputPrefix}card-suppressions`,
    changelog: `${group}-user-state-changelog`,
  }
}

/** An id derived from an event's: its UUID version nibble replaced. No clock, no chance: a replay gives it again. */
export function derivedId(eventId: string, nibble: string): string {
  return eventId.slice(0, VERSION_NIBBLE_AT) + nibble + eventId.slice(VERSION_NIBBLE_AT + 1)
}

/** 1000 + (the last two decimal digits of the card reference) mod 50. */
export function merchantOf(cardRef: string): number {
  const end = cardRef.length
  return 1000 + (((cardRef.charCodeAt(end - 2) - 48) * 10 + cardRef.charCodeAt(end - 1) - 48) % 50)
}

/** The processor of SPEC.md, step by step; the same as `Decide.java`. */
class DecideProcessor implements Processor<RaceTables> {
  private readonly topics: RaceTopics
  private readonly codecs: RaceCodecs
  private onFirst: (() => void) | undefined
  /** Of the record at hand: one options object for all, no allocation per output. */
  private readonly options = { timestampMs: 0 }

  constructor(topics: RaceTopics, codecs: RaceCodecs, onFirst: () => void) {
    this.topics = topics
    this.codecs = codecs
    this.onFirst = onFirst
  }

  onRecord(record: RecordView, ctx: TaskContext<RaceTables, never>): void {
    if (this.onFirst !== undefined) {
      this.onFirst()
      this.onFirst = undefined
    }
    const { users } = ctx.tables
    const event = this.codecs.events.decode(record.buffer, record.valueStart, record.valueEnd)
    const key = record.key()!
    const user = record.keyString()!
    this.options.timestampMs = record.timestamp
    let state = users.get(user)
    if (state === undefined) {
      state = { user_id: user, suppressed: false, last_updated_at: 0, seq: 0, recent_event_ids: [], cards: [] }
    } else if (state.recent_event_ids.includes(event.event_id)) {
      return this.outcome(ctx, key, user, event, 'd', 'duplicate')
    } else if (event.updated_at < state.last_updated_at) {
      return this.outcome(ctx, key, user, event, 'e', 'stale')
    }
    remember(state, event)
    switch (event.type) {
      case 'updated':
      case 'expired':
        if (state.suppressed) {
          this.outcome(ctx, key, user, event, 'a', 'skipped')
        } else {
          this.command(ctx, key, user, event)
          this.outcome(ctx, key, user, event, 'a', 'commanded')
        }
        break
      case 'closed':
      case 'opt_out':
        state.suppressed = true
        this.suppression(ctx, key, user, event)
        this.outcome(ctx, key, user, event, 'a', 'suppressed')
        break
      case 'enrolled':
        this.outcome(ctx, key, user, event, 'a', 'enrolled')
        break
    }
    users.put(user, state)
  }

  private command(ctx: TaskContext<RaceTables, never>, key: Buffer, user: string, event: UserEvent): void {
    const command = {
      command_id: derivedId(event.event_id, 'c'),
      user_id: user,
      card_ref: event.card_ref,
      merchant_id: merchantOf(event.card_ref),
      reason: event.type === 'updated' ? ('card_updated' as const) : ('card_expired' as const),
      issued_at: event.updated_at,
    }
    ctx.forward(this.topics.commands, ctx.partition, key, command, this.codecs.commands, this.options)
  }

  private suppression(ctx: TaskContext<RaceTables, never>, key: Buffer, user: string, event: UserEvent): void {
    const suppression = {
      suppression_id: derivedId(event.event_id, 'b'),
      user_id: user,
      card_ref: event.card_ref,
      reason: event.type,
      at: event.updated_at,
    }
    ctx.forward(this.topics.suppressions, ctx.partition, key, suppression, this.codecs.suppressions, this.options)
  }

  private outcome(
    ctx: TaskContext<RaceTables, never>,
    key: Buffer,
    user: string,
    event: UserEvent,
    nibble: string,
    status: OutcomeStatus,
  ): void {
    const outcome = {
      outcome_id: derivedId(event.event_id, nibble),
      user_id: user,
      card_ref: event.card_ref,
      status,
      detail: event.type,
      at: event.updated_at,
    }
    ctx.forward(this.topics.outcomes, ctx.partition, key, outcome, this.codecs.outcomes, this.options)
  }
}

function remember(state: UserState, event: UserEvent): void {
  state.last_updated_at = event.updated_at
  state.seq++
  if (state.recent_event_ids.length >= REMEMBERED_EVENT_IDS) state.recent_event_ids.shift()
  state.recent_event_ids.push(event.event_id)
  countCard(state, event.card_ref, event.type)
}

function countCard(state: UserState, cardRef: string, status: EventType): void {
  for (const card of state.cards) {
    if (card.card_ref !== cardRef) continue
    card.status = status
    card.version++
    return
  }
  state.cards.push({ card_ref: cardRef, status, version: 1 })
}

/** The peer's `decide` topology on this engine. `onFirst` is called before the first record of each task. */
export function raceTopology(topics: RaceTopics, onFirst: () => void = () => undefined): Topology<RaceTables> {
  const codecs = raceCodecs()
  return {
    role: RACE_ROLE,
    inputs: [topics.events],
    outputs: [topics.commands, topics.outcomes, topics.suppressions],
    changelog: topics.changelog,
    tables: { users: codecs.states },
    stateVersion: 1,
    startAt: () => 'earliest',
    createProcessor: () => new DecideProcessor(topics, codecs, onFirst),
  }
}
