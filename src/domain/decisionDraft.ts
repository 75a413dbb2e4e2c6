import type { Decision, Erasure, ForgottenChange, StateView, SuppressionWrite, TimerChange } from './decision.ts'
import { publicId } from './ids.ts'
import type { MerchantState } from './merchantState.ts'
import type { Policy } from './policy.ts'
import type {
  Cancels,
  CardOutcome,
  CardSuppression,
  CommandKind,
  OutcomeStatus,
  ProvisioningCommand,
  SourcePosition,
} from './records.ts'
import { cardOf, MERCHANT_LIMIT, NEW_USER } from './userState.ts'
import type { CardState, ForgottenUser, SeenRecord, SuppressionEntry, UserState } from './userState.ts'

/** What an outcome is about: null and 0 where it concerns no such thing. */
export interface OutcomeSubject {
  readonly card_ref: string | null
  readonly card_version: number | null
  readonly merchant_id: number | null
  readonly merchant_name: string | null
  readonly attempt: number
  readonly command_id: string | null
}

/** Of an outcome about the user as a whole: no card, no merchant. */
export const NO_SUBJECT: OutcomeSubject = {
  card_ref: null,
  card_version: null,
  merchant_id: null,
  merchant_name: null,
  attempt: 0,
  command_id: null,
}

/** What few outcomes have. */
export interface OutcomeDetails {
  readonly nextAttemptAt: number | null
  readonly rawReason: string | null
  /** The cause's own time where it is another one than the decision's: a webhook that was kept. */
  readonly occurredAt: number | null
}

const NO_DETAILS: OutcomeDetails = { nextAttemptAt: null, rawReason: null, occurredAt: null }

/** A command as its author knows it. */
export interface CommandOrder {
  readonly kind: CommandKind
  readonly card_ref: string | null
  readonly card_version: number | null
  readonly merchant_id: number | null
  readonly merchant_name: string | null
  readonly attempt: number
  readonly not_after: number | null
  readonly cancels: Cancels | null
  readonly reason: string
  readonly source: SourcePosition
  readonly origin: SourcePosition
}

/** A suppression as its author knows it. */
export type SuppressionOrder = Omit<CardSuppression, 'user_id' | 'decision_seq' | 'recorded_at'>

type Writable<T> = { -readonly [K in keyof T]: T[K] }

/**
 * The decision while it is being made: one per event, written by the functions of this folder in turn. State is copied
 * when it first changes; cards and merchants are replaced whole. No record of a user gets a number twice.
 */
export class DecisionDraft implements Decision {
  readonly userId: string
  /** The cause's own time; for timers the firing time. */
  readonly occurredAt: number
  readonly now: number
  readonly policy: Policy
  readonly changedMerchants: MerchantState[] = []
  readonly outcomes: CardOutcome[] = []
  readonly commands: ProvisioningCommand[] = []
  readonly suppressions: SuppressionWrite[] = []
  readonly timers: TimerChange[] = []
  readonly ignored: string[] = []
  readonly #view: StateView
  readonly #before: UserState
  #after: Writable<UserState> | null = null
  #erasure: Erasure | null = null
  /** The user is erased, before this decision or by it. */
  #forgotten: ForgottenUser | null
  #isBack = false
  #ownsMerchants = false

  constructor(view: StateView, userId: string, occurredAt: number, now: number, policy: Policy) {
    this.userId = userId
    this.occurredAt = occurredAt
    this.now = now
    this.policy = policy
    this.#view = view
    const known = view.user(userId)
    this.#forgotten = known === undefined ? (view.forgotten(userId) ?? null) : null
    this.#before = known ?? (this.#forgotten === null ? NEW_USER : withoutState(this.#forgotten.decision_seq))
  }

  /**
   * A time that came with the input, as waits and deadlines may count from it: never after now, whatever another clock
   * says, so that no input can put anything off for ever.
   */
  past(timeMs: number): number {
    return Math.min(this.now, timeMs)
  }

  get user(): UserState {
    return this.#after ?? this.#before
  }

  get changedUser(): UserState | null {
    return this.#forgotten === null ? this.#after : null
  }

  get isForgotten(): boolean {
    return this.#forgotten !== null
  }

  get erasure(): Erasure | null {
    return this.#erasure
  }

  get forgotten(): ForgottenChange | null {
    if (this.#isBack) return { left: null }
    if (this.#forgotten === null || this.#after === null) return null
    return { left: { ...this.#forgotten, decision_seq: this.#after.decision_seq } }
  }

  // ----------------------------------------------------------------------------------------------------------- state

  card(cardRef: string): CardState | undefined {
    return cardOf(this.user, cardRef)
  }

  /** Adds the card, or replaces the one of the same reference. */
  putCard(card: CardState): void {
    const { cards } = this.user
    for (let i = 0; i < cards.length; i++) {
      if (cards[i]!.card_ref !== card.card_ref) continue
      this.#change().cards = cards.with(i, card)
      return
    }
    this.#change().cards = cards.concat(card)
  }

  removeCard(cardRef: string): void {
    this.#change().cards = this.user.cards.filter(card => card.card_ref !== cardRef)
  }

  putSuppressions(entries: readonly SuppressionEntry[]): void {
    this.#change().suppressions = entries
  }

  putEvents(events: readonly SeenRecord[]): void {
    this.#change().events = events
  }

  putWebhooks(webhooks: readonly SeenRecord[]): void {
    this.#change().webhooks = webhooks
  }

  merchant(merchantId: number): MerchantState | undefined {
    for (let i = this.changedMerchants.length - 1; i >= 0; i--) {
      const changed = this.changedMerchants[i]
      if (changed?.merchant_id === merchantId) return changed
    }
    return this.#view.merchant(this.userId, merchantId)
  }

  /** False where the user has as many merchants as the state holds and this is none of them. */
  hasRoomFor(merchantId: number): boolean {
    return this.user.merchants.length < MERCHANT_LIMIT || this.merchant(merchantId) !== undefined
  }

  putMerchant(merchant: MerchantState): void {
    for (let i = this.changedMerchants.length - 1; i >= 0; i--) {
      if (this.changedMerchants[i]!.merchant_id !== merchant.merchant_id) continue
      this.changedMerchants[i] = merchant
      return
    }
    if (this.#view.merchant(this.userId, merchant.merchant_id) === undefined) this.#addMerchant(merchant.merchant_id)
    this.changedMerchants.push(merchant)
  }

  /** Erases the user. The last step of a decision: what it has changed before goes too, what it has written stays. */
  forget(): void {
    const { merchants, decision_seq } = this.user
    this.#erasure = { merchants }
    this.changedMerchants.length = 0
    this.timers.length = 0
    this.#after = withoutState(decision_seq)
    this.#forgotten = { decision_seq, forgotten_at: this.now }
  }

  /** A user who was erased begins anew, with nothing but the count of decisions. */
  beginAnew(): void {
    this.#change()
    this.#forgotten = null
    this.#isBack = true
  }

  // --------------------------------------------------------------------------------------------------------- records

  /** Writes an outcome. It is final unless its status says that more will come. */
  emit(
    status: OutcomeStatus,
    reason: string,
    subject: OutcomeSubject,
    source: SourcePosition,
    origin: SourcePosition,
    details: OutcomeDetails = NO_DETAILS,
  ): void {
    const seq = this.#nextSeq()
    this.outcomes.push({
      outcome_id: publicId(this.userId, seq),
      user_id: this.userId,
      card_ref: subject.card_ref,
      card_version: subject.card_version,
      merchant_id: subject.merchant_id,
      merchant_name: subject.merchant_name,
      status,
      final: status !== 'ACCEPTED' && status !== 'RETRY_SCHEDULED',
      reason,
      raw_reason: details.rawReason,
      attempt: subject.attempt,
      command_id: subject.command_id,
      next_attempt_at: details.nextAttemptAt,
      decision_seq: seq,
      source,
      origin,
      occurred_at: details.occurredAt ?? this.occurredAt,
      recorded_at: this.now,
    })
  }

  /** Writes a command and returns its id. */
  command(order: CommandOrder): string {
    const seq = this.#nextSeq()
    const commandId = publicId(this.userId, seq)
    this.commands.push({
      command_id: commandId,
      kind: order.kind,
      user_id: this.userId,
      card_ref: order.card_ref,
      card_version: order.card_version,
      merchant_id: order.merchant_id,
      merchant_name: order.merchant_name,
      task_id: null,
      attempt: order.attempt,
      not_before: null,
      not_after: order.not_after,
      cancels: order.cancels,
      reason: order.reason,
      decision_seq: seq,
      source: order.source,
      origin: order.origin,
      issued_at: this.now,
    })
    return commandId
  }

  /** Writes a suppression; a lifted one is followed by its tombstone. */
  suppression(key: string, order: SuppressionOrder): void {
    const seq = this.#nextSeq()
    const record: CardSuppression = {
      user_id: this.userId,
      card_ref: order.card_ref,
      merchant_id: order.merchant_id,
      scope: order.scope,
      state: order.state,
      reason: order.reason,
      lifted_reason: order.lifted_reason,
      since: order.since,
      until: order.until,
      actor: order.actor,
      decision_seq: seq,
      source: order.source,
      recorded_at: this.now,
    }
    this.suppressions.push({ key, record })
    if (order.state === 'LIFTED') this.suppressions.push({ key, record: null })
  }

  /** Sets or moves a timer of the user; null takes it away. */
  timer(name: string, dueAtMs: number | null): void {
    this.timers.push({ name, dueAtMs })
  }

  #nextSeq(): number {
    return ++this.#change().decision_seq
  }

  #change(): Writable<UserState> {
    this.#after ??= { ...this.#before }
    return this.#after
  }

  #addMerchant(merchantId: number): void {
    const user = this.#change()
    if (this.#ownsMerchants) {
      ;(user.merchants as number[]).push(merchantId)
    } else {
      user.merchants = [...user.merchants, merchantId]
      this.#ownsMerchants = true
    }
  }
}

function withoutState(decisionSeq: number): UserState {
  return { ...NEW_USER, decision_seq: decisionSeq }
}
