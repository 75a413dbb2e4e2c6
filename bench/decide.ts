/**
 * What a decision costs: the core alone, and with its state encoded and decoded as the engine does it for an entry that is
 * not in the cache. CPU time of the process, so garbage collection counts and other processes do not. No Kafka. `node bench/decide.ts [users]`
 */
import { decide } from '../src/domain/decide.ts'
import type { Decision, StateView } from '../src/domain/decision.ts'
import { merchantKey } from '../src/domain/ids.ts'
import type { MerchantState } from '../src/domain/merchantState.ts'
import { DEFAULT_POLICY } from '../src/domain/policy.ts'
import type {
  CommandResult,
  KnotEvent,
  Lifecycle,
  MerchantAccount,
  ProvisioningCommand,
  UserEvent,
} from '../src/domain/records.ts'
import type { UserState } from '../src/domain/userState.ts'
import { createMerchantStateCodec, createUserStateCodec } from '../src/processors/decide/stateCodecs.ts'

const USERS = Number(process.argv[2] ?? 100_000)
const T0 = Date.UTC(2026, 0, 5)
const ACCOUNTS: readonly MerchantAccount[] = [11, 12, 13].map(merchant_id => ({
  merchant_id,
  merchant_name: `Merchant ${merchant_id}`,
  connected: merchant_id !== 13,
  update_card: true,
  last_action_at: null,
  last_action_status: null,
}))

const users = new Map<string, UserState>()
const merchants = new Map<string, MerchantState>()
const view: StateView = {
  user: userId => users.get(userId),
  merchant: (userId, merchantId) => merchants.get(merchantKey(userId, merchantId)),
  forgotten: () => undefined,
}
const userCodec = createUserStateCodec()
const merchantCodec = createMerchantStateCodec()
const buffer = Buffer.alloc(1 << 20)

let withCodec = false
let outputs = 0
let now = T0
let offset = 0

function apply(decision: Decision): void {
  outputs += decision.outcomes.length + decision.commands.length + decision.suppressions.length
  if (decision.changedUser !== null) users.set(decision.userId, stored(userCodec, decision.changedUser))
  for (const merchant of decision.changedMerchants) {
    merchants.set(merchantKey(decision.userId, merchant.merchant_id), stored(merchantCodec, merchant))
  }
}

function stored<T>(
  codec: { encode(v: T, b: Buffer, p: number): number; decode(b: Buffer, s: number, e: number): T },
  value: T,
): T {
  return withCodec ? codec.decode(buffer, 0, codec.encode(value, buffer, 0)) : value
}

function lifecycle(user: number, type: string, uid: string, at: number): UserEvent {
  const source = { topic: 'card-lifecycle', partition: 0, offset: offset++, event_id: uid }
  const body: Lifecycle = {
    kind: 'lifecycle',
    own_stamp: true,
    event_uid: uid,
    card_ref: `1d15778a-64fb-459b-8c19-${user}`,
    type,
    status: 'enrolled',
    updated_at: at,
  }
  return { user_id: userId(user), source, origin: source, occurred_at: at, body }
}

function answer(command: ProvisioningCommand, result: CommandResult['result']): UserEvent {
  const body: CommandResult = {
    kind: 'result',
    command_id: command.command_id,
    command_kind: command.kind,
    result,
    decision_seq: command.decision_seq,
    attempt: command.attempt,
    card_ref: command.card_ref,
    card_version: command.card_version,
    merchant_id: command.merchant_id,
    reason: null,
    vault_status: 'active',
    vault_version: `v${command.card_version}`,
    accounts: result === 'DISCOVERED' ? ACCOUNTS : [],
    removed: [],
    under_way: [],
    http_status: 200,
    error_code: null,
    started_at: now,
    answered_at: now,
  }
  return { user_id: command.user_id, source: command.source, origin: command.origin, occurred_at: now, body }
}

function webhook(command: ProvisioningCommand): UserEvent {
  const source = { topic: 'knot-events', partition: 0, offset: offset++, event_id: null }
  const body: KnotEvent = {
    kind: 'knot',
    event: 'CARD_UPDATED',
    merchant_id: command.merchant_id,
    merchant_name: command.merchant_name,
    task_id: '25605',
    card_id: null,
    reason: null,
    send_card: null,
    timestamp: now,
    dedupe_key: `key-${source.offset}`,
  }
  return { user_id: command.user_id, source, origin: source, occurred_at: now, body }
}

function userId(user: number): string {
  return `3dcbb19a-b2f1-4a7b-8792-${user}`
}

/** Decides all events and says what one cost; the events are made beforehand. */
function measure(name: string, events: readonly UserEvent[]): ProvisioningCommand[] {
  const commands: ProvisioningCommand[] = []
  outputs = 0
  const before = process.cpuUsage()
  for (const event of events) {
    const decision = decide(view, event, now, DEFAULT_POLICY)
    apply(decision)
    for (const command of decision.commands) commands.push(command)
  }
  const { user, system } = process.cpuUsage(before)
  const ns = ((user + system) * 1_000) / events.length
  console.log(`${name.padEnd(44)} ${ns.toFixed(0).padStart(6)} ns  ${(outputs / events.length).toFixed(1)} records`)
  return commands
}

function round(version: number): void {
  const label = withCodec ? 'with codec' : 'core'
  const all = Array.from({ length: USERS }, (_, user) => user)
  now += 3_600_000
  const at = now
  const discovers = measure(
    `${label}: trigger, version ${version}`,
    all.map(user => lifecycle(user, 'updated', `uid-${version}-${user}`, at)),
  )
  measure(
    `${label}: duplicate`,
    all.map(user => lifecycle(user, 'updated', `uid-${version}-${user}`, at)),
  )
  measure(
    `${label}: no-op`,
    all.map(user => lifecycle(user, 'enrolled', `noop-${version}-${user}`, at + 1)),
  )
  const switches = measure(
    `${label}: DISCOVERED, 3 merchants`,
    discovers.map(command => answer(command, 'DISCOVERED')),
  )
  measure(
    `${label}: ACCEPTED`,
    switches.map(command => answer(command, 'ACCEPTED')),
  )
  measure(`${label}: CARD_UPDATED`, switches.map(webhook))
}

console.log(`${USERS} users, one card, three merchants each`)
round(1)
round(2)
round(3)
withCodec = true
round(4)
round(5)
