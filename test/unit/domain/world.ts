import { decide, decideTimer } from '../../../src/domain/decide.ts'
import type { Decision, StateView } from '../../../src/domain/decision.ts'
import { merchantKey } from '../../../src/domain/ids.ts'
import type { MerchantState } from '../../../src/domain/merchantState.ts'
import { DEFAULT_POLICY } from '../../../src/domain/policy.ts'
import type { Policy } from '../../../src/domain/policy.ts'
import type {
  CardOutcome,
  CommandKind,
  CommandResult,
  CommandResultCode,
  KnotEvent,
  Lifecycle,
  MerchantAccount,
  OperatorCommand,
  ProvisioningCommand,
  SourcePosition,
  UserEvent,
  UserEventBody,
} from '../../../src/domain/records.ts'
import { NEW_USER } from '../../../src/domain/userState.ts'
import type { ForgottenUser, UserState } from '../../../src/domain/userState.ts'
import type { Codec } from '../../../src/engine/processor.ts'
import {
  createForgottenUserCodec,
  createMerchantStateCodec,
  createUserStateCodec,
} from '../../../src/processors/decide/stateCodecs.ts'
import { answerTo } from './resultBody.ts'

export const SECOND = 1_000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR
export const T0 = Date.UTC(2026, 0, 5)
export const USER = 'user-1'
export const CARD = 'card-1'
export const MERCHANT = 11

const userCodec = createUserStateCodec()
const merchantCodec = createMerchantStateCodec()
const forgottenCodec = createForgottenUserCodec()
const scratch = Buffer.alloc(1 << 18)

interface LifecycleOptions {
  readonly card?: string
  readonly at?: number
  readonly uid?: string | null
  readonly status?: string | null
}

type ResultFacts = Partial<Omit<CommandResult, 'kind' | 'command_id' | 'result'>>

/**
 * The core with everything around it that remembers: state as bytes (encoded and decoded at every step, and frozen when
 * read), timers, the records written, and a clock. One user.
 */
export class World implements StateView {
  now = T0
  readonly policy: Policy
  readonly outcomes: CardOutcome[] = []
  readonly commands: ProvisioningCommand[] = []
  readonly suppressions: { readonly key: string; readonly text: string }[] = []
  readonly ignored: string[] = []
  readonly timers = new Map<string, number>()
  /** Called with each decision before it is applied. */
  onDecision: (decision: Decision) => void = () => undefined
  readonly #users = new Map<string, Buffer>()
  readonly #merchants = new Map<string, Buffer>()
  readonly #forgotten = new Map<string, Buffer>()
  #offset = 0
  #shown = { outcomes: 0, commands: 0, suppressions: 0 }

  constructor(policy: Partial<Policy> = {}) {
    this.policy = { ...DEFAULT_POLICY, ...policy }
  }

  user(userId: string): UserState | undefined {
    return read(userCodec, this.#users.get(userId))
  }

  merchant(userId: string, merchantId: number): MerchantState | undefined {
    return read(merchantCodec, this.#merchants.get(merchantKey(userId, merchantId)))
  }

  forgotten(userId: string): ForgottenUser | undefined {
    return read(forgottenCodec, this.#forgotten.get(userId))
  }

  get state(): UserState {
    return this.user(USER) ?? NEW_USER
  }

  at(merchantId = MERCHANT): MerchantState {
    return this.merchant(USER, merchantId)!
  }

  /** Puts a state that no event leads to yet. */
  setUser(change: Partial<UserState>): void {
    this.#users.set(USER, write(userCodec, { ...this.state, ...change }))
  }

  setMerchant(change: Partial<MerchantState>, merchantId = MERCHANT): void {
    this.#merchants.set(merchantKey(USER, merchantId), write(merchantCodec, { ...this.at(merchantId), ...change }))
  }

  // ---------------------------------------------------------------------------------------------------------- inputs

  lifecycle(type: string, options: LifecycleOptions = {}): SourcePosition {
    const offset = this.#offset++
    const uid = options.uid === undefined ? `event-${offset}` : options.uid
    const body: Lifecycle = {
      kind: 'lifecycle',
      own_stamp: true,
      event_uid: uid,
      card_ref: options.card ?? CARD,
      type,
      status: options.status ?? null,
      updated_at: options.at ?? this.now,
    }
    return this.event(body, { topic: 'card-lifecycle', partition: 0, offset, event_id: uid }, body.updated_at)
  }

  knot(event: string, options: Partial<KnotEvent> = {}): SourcePosition {
    const offset = this.#offset++
    const body: KnotEvent = {
      kind: 'knot',
      event,
      merchant_id: MERCHANT,
      merchant_name: 'Uber',
      task_id: null,
      card_id: null,
      reason: null,
      send_card: null,
      timestamp: this.now,
      dedupe_key: `key-${offset}`,
      ...options,
    }
    return this.event(body, { topic: 'knot-events', partition: 0, offset, event_id: null }, body.timestamp)
  }

  operator(action: OperatorCommand['action'], options: Partial<OperatorCommand> = {}): SourcePosition {
    const offset = this.#offset++
    const body: OperatorCommand = {
      kind: 'operator',
      request_id: `request-${offset}`,
      action,
      actor: 'someone',
      reason: 'because',
      card_ref: CARD,
      merchant_id: null,
      until: null,
      ...options,
    }
    return this.event(body, { topic: 'onfile-user-events', partition: 0, offset, event_id: null }, this.now)
  }

  /** PROVISION's answer to the newest command of that kind, or to the one given. */
  result(code: CommandResultCode, facts: ResultFacts = {}, command: ProvisioningCommand = this.last('SWITCH')): void {
    const body = answerTo(command, { result: code, answered_at: this.now, ...facts })
    const event = { user_id: USER, source: command.source, origin: command.origin, occurred_at: this.now, body }
    this.process(event)
  }

  discovered(facts: ResultFacts = {}, command: ProvisioningCommand = this.last('DISCOVER')): void {
    const defaults = {
      vault_status: 'active',
      vault_version: `vault-${command.decision_seq}`,
      accounts: [account()],
    } as const
    this.result('DISCOVERED', { ...defaults, ...facts }, command)
  }

  accepted(facts: ResultFacts = {}): void {
    this.result('ACCEPTED', { vault_status: 'active', started_at: this.now, ...facts })
  }

  /** PROVISION's answer to a CANCEL: what it removed and what had started. */
  cancelled(removed: readonly ProvisioningCommand[], underWay: readonly ProvisioningCommand[] = []): void {
    this.result('CANCELLED', { removed, under_way: underWay }, this.last('CANCEL'))
  }

  event(body: UserEventBody, source: SourcePosition, occurredAt: number): SourcePosition {
    this.process({ user_id: USER, source, origin: source, occurred_at: occurredAt, body })
    return source
  }

  process(event: UserEvent): void {
    this.#apply(decide(this, event, this.now, this.policy))
  }

  /** Moves the clock; timers fire in order on the way. */
  pass(durationMs: number): void {
    const until = this.now + durationMs
    for (;;) {
      const next = [...this.timers]
        .filter(([, due]) => due <= until)
        .sort((a, b) => a[1] - b[1] || (a[0] < b[0] ? -1 : 1))
      const [name, due] = next[0] ?? []
      if (name === undefined || due === undefined) break
      this.now = Math.max(this.now, due)
      this.fire(name)
    }
    this.now = until
  }

  fire(name: string): void {
    this.timers.delete(name)
    this.#apply(decideTimer(this, USER, name, this.now, this.policy))
  }

  // --------------------------------------------------------------------------------------------------------- outputs

  last(kind: CommandKind): ProvisioningCommand {
    return this.commands.findLast(command => command.kind === kind)!
  }

  get lastOutcome(): CardOutcome {
    return this.outcomes.at(-1)!
  }

  /** What was written since the last call, in the order of `decision_seq`, each as one short text. */
  news(): string[] {
    const { outcomes, commands, suppressions } = this.#shown
    const texts: [seq: number, text: string][] = [
      ...this.outcomes.slice(outcomes).map((outcome): [number, string] => [outcome.decision_seq, outcomeText(outcome)]),
      ...this.commands.slice(commands).map((command): [number, string] => [command.decision_seq, commandText(command)]),
    ]
    const changes = this.suppressions.slice(suppressions).map(({ text }) => text)
    this.#shown = {
      outcomes: this.outcomes.length,
      commands: this.commands.length,
      suppressions: this.suppressions.length,
    }
    return [...changes, ...texts.sort((a, b) => a[0] - b[0]).map(([, text]) => text)]
  }

  #erase(merchants: readonly number[]): void {
    for (const merchantId of merchants) this.#merchants.delete(merchantKey(USER, merchantId))
    this.#users.delete(USER)
    this.timers.clear()
  }

  #apply(decision: Decision): void {
    this.onDecision(decision)
    if (decision.erasure !== null) this.#erase(decision.erasure.merchants)
    if (decision.forgotten?.left) this.#forgotten.set(USER, write(forgottenCodec, decision.forgotten.left))
    else if (decision.forgotten !== null) this.#forgotten.delete(USER)
    if (decision.changedUser !== null) this.#users.set(USER, write(userCodec, decision.changedUser))
    for (const merchant of decision.changedMerchants) {
      this.#merchants.set(merchantKey(USER, merchant.merchant_id), write(merchantCodec, merchant))
    }
    this.outcomes.push(...decision.outcomes)
    this.commands.push(...decision.commands)
    for (const { key, record } of decision.suppressions) {
      const why = record?.lifted_reason == null ? '' : ` ${record.lifted_reason}`
      this.suppressions.push({ key, text: record === null ? 'tombstone' : `${record.state} ${record.reason}${why}` })
    }
    for (const { name, dueAtMs } of decision.timers) {
      if (dueAtMs === null) this.timers.delete(name)
      else this.timers.set(name, dueAtMs)
    }
    this.ignored.push(...decision.ignored)
  }
}

export function account(change: Partial<MerchantAccount> = {}): MerchantAccount {
  return {
    merchant_id: MERCHANT,
    merchant_name: 'Uber',
    connected: true,
    update_card: true,
    last_action_at: null,
    last_action_status: null,
    ...change,
  }
}

function outcomeText({ status, reason, merchant_id }: CardOutcome): string {
  return `${status} ${reason}${merchant_id === null ? '' : ` @${merchant_id}`}`
}

function commandText({ kind, card_ref, card_version, merchant_id, reason }: ProvisioningCommand): string {
  const where = merchant_id === null ? '' : ` @${merchant_id}`
  return kind === 'CANCEL' ? `CANCEL ${card_ref}${where} ${reason}` : `${kind} ${card_ref} v${card_version}${where}`
}

function write<T>(codec: Codec<T>, value: T): Buffer {
  return Buffer.from(scratch.subarray(0, codec.encode(value, scratch, 0)))
}

function read<T>(codec: Codec<T>, bytes: Buffer | undefined): T | undefined {
  return bytes === undefined ? undefined : deepFrozen(codec.decode(bytes, 0, bytes.length))
}

function deepFrozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const part of Object.values(value)) deepFrozen(part)
  }
  return value
}
