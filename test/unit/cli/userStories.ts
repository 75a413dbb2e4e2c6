import type {
  CardOutcome,
  CardSuppression,
  OperatorCommand,
  SourcePosition,
  UserEventBody,
} from '../../../src/domain/records.ts'
import { newMerchant } from '../../../src/domain/merchantState.ts'
import type { Attempt, MerchantState } from '../../../src/domain/merchantState.ts'
import { newCard, NEW_USER } from '../../../src/domain/userState.ts'
import type { UserState } from '../../../src/domain/userState.ts'
import type { KnownState, Told, UserStory } from '../../../src/cli/user/story.ts'

export const T0 = Date.UTC(2026, 10, 28, 4, 0, 0)
export const SOURCE: SourcePosition = { topic: 'card-lifecycle', partition: 0, offset: 7, event_id: 'e' }

/** A story that is built record by record, a second between two. */
export class StoryOf {
  readonly #userEvents: UserStory['userEvents'][number][] = []
  readonly #outcomes: Told<CardOutcome>[] = []
  readonly #suppressions: UserStory['suppressions'][number][] = []
  readonly #commands: UserStory['commands'][number][] = []
  readonly #unreadable: UserStory['unreadable'][number][] = []
  #state: KnownState = { kind: 'unknown' }
  #pushes: UserStory['pushes'] = { kind: 'running' }
  #atMs = T0
  #seq = 0

  event(body: UserEventBody): this {
    const value = { user_id: 'u-1', source: SOURCE, origin: SOURCE, occurred_at: this.#atMs, body }
    this.#userEvents.push(this.#told('onfile-user-events', value))
    return this
  }

  lifecycle(type: string, more: { updated_at?: number; status?: string } = {}): this {
    const { updated_at = this.#atMs, status = null } = more
    return this.event({
      kind: 'lifecycle',
      event_uid: 'e',
      card_ref: 'card-1',
      type,
      status,
      updated_at,
      own_stamp: true,
    })
  }

  webhook(event: string, reason: string | null = null): this {
    const ids = { merchant_id: 16, merchant_name: 'Netflix', task_id: null, card_id: null, send_card: null }
    return this.event({ kind: 'knot', event, ...ids, reason, timestamp: this.#atMs, dedupe_key: 'k' })
  }

  order(command: Partial<OperatorCommand>): this {
    const scope = { card_ref: null, merchant_id: null, until: null }
    const order = { request_id: 'r', action: 'SUPPRESS', actor: 'jo', reason: 'ticket 7' } as const
    return this.event({ kind: 'operator', ...order, ...scope, ...command })
  }

  outcome(status: CardOutcome['status'], reason: string, more: Partial<CardOutcome> = {}): this {
    const seq = ++this.#seq
    this.#outcomes.push(
      this.#told('card-outcomes', {
        outcome_id: `u-1:${seq}`,
        user_id: 'u-1',
        card_ref: 'card-1',
        card_version: 1,
        merchant_id: 16,
        merchant_name: 'Netflix',
        status,
        final: true,
        reason,
        raw_reason: null,
        attempt: 1,
        command_id: null,
        next_attempt_at: null,
        decision_seq: seq,
        source: SOURCE,
        origin: SOURCE,
        occurred_at: this.#atMs,
        recorded_at: this.#atMs,
        ...more,
      }),
    )
    return this
  }

  suppression(record: Partial<CardSuppression> | null): this {
    const suppression: CardSuppression | null =
      record === null
        ? null
        : {
            user_id: 'u-1',
            card_ref: 'card-1',
            merchant_id: null,
            scope: 'CARD',
            state: 'ACTIVE',
            reason: 'closed',
            lifted_reason: null,
            since: this.#atMs,
            until: null,
            actor: null,
            decision_seq: ++this.#seq,
            source: SOURCE,
            recorded_at: this.#atMs,
            ...record,
          }
    this.#suppressions.push(this.#told('card-suppressions', { key: 'u-1/card-1/*', suppression }))
    return this
  }

  command(kind: 'DISCOVER' | 'SWITCH'): this {
    const seq = ++this.#seq
    const ids = { command_id: `u-1:${seq}`, user_id: 'u-1', card_ref: 'card-1', card_version: 1 }
    const merchant = { merchant_id: kind === 'SWITCH' ? 16 : null, merchant_name: null, task_id: null }
    const times = { not_before: null, not_after: null, issued_at: this.#atMs }
    const origin = { source: SOURCE, origin: SOURCE }
    const rest = { attempt: 1, cancels: null, reason: 'expired', decision_seq: seq }
    this.#commands.push(
      this.#told('provisioning-commands', { kind, ...ids, ...merchant, ...times, ...origin, ...rest }),
    )
    return this
  }

  known(user: Partial<UserState>, ...merchants: MerchantState[]): this {
    this.#state = { kind: 'known', user: { ...NEW_USER, cards: [newCard('card-1')], ...user }, merchants }
    return this
  }

  /** Somebody wrote a record that no schema reads. */
  garbage(topic: string): this {
    this.#unreadable.push(this.#told(topic, null))
    return this
  }

  pushes(state: UserStory['pushes']): this {
    this.#pushes = state
    return this
  }

  forgotten(atMs: number): this {
    this.#state = { kind: 'forgotten', left: { decision_seq: 9, forgotten_at: atMs } }
    return this
  }

  get story(): UserStory {
    return {
      userId: 'u-1',
      partition: 2,
      sinceMs: T0 - 86_400_000,
      readAtMs: T0 + 3_600_000,
      userEvents: this.#userEvents,
      commands: this.#commands,
      outcomes: this.#outcomes,
      suppressions: this.#suppressions,
      unreadable: this.#unreadable,
      state: this.#state,
      pushes: this.#pushes,
    }
  }

  #told<T>(topic: string, value: T): Told<T> {
    const told = { topic, offset: this.#atMs, atMs: this.#atMs, value }
    this.#atMs += 1_000
    return told
  }
}

export function netflix(change: Partial<MerchantState> = {}): MerchantState {
  return { ...newMerchant(16, 'Netflix'), ...change }
}

export function attempt(change: Partial<Attempt>): Attempt {
  return {
    card_ref: 'card-1',
    card_version: 1,
    reason: 'expired',
    vault_version: null,
    source: SOURCE,
    origin: SOURCE,
    phase: 'ISSUED',
    number: 1,
    command_id: null,
    issued_at: null,
    busy_count: 0,
    next_at: null,
    hard_at: T0 + 86_400_000,
    started_at: null,
    stop: null,
    retry_after: null,
    reconcile_id: null,
    reconciled_at: null,
    ...change,
  }
}
