import { generateKeyPairSync } from 'node:crypto'
import type { MerchantAccount, ProvisioningCommand } from '../../../../src/domain/records.ts'
import type { AccountsAnswer } from '../../../../src/knot/accounts.ts'
import type { PushAnswer } from '../../../../src/knot/answers.ts'
import type { PushKey, PushKeyAnswer } from '../../../../src/knot/cardUpdater.ts'
import { importEncryptionKey } from '../../../../src/knot/jwe.ts'
import type { PushTarget } from '../../../../src/knot/knotApi.ts'
import { SealedCard } from '../../../../src/knot/sealedCard.ts'
import type { CardData } from '../../../../src/vault/cardData.ts'
import type { CardAnswer, StatusAnswer } from '../../../../src/vault/cardVault.ts'
import type { PushLimits } from '../../../../src/processors/provision/limits.ts'
import { NO_PUSH_SWITCH } from '../../../../src/processors/provision/ports.ts'
import type { KnotPort, ProvisionLog, ProvisionMetrics, VaultPort } from '../../../../src/processors/provision/ports.ts'
import { createProvisionTopology } from '../../../../src/processors/provision.ts'
import type { ProvisionOptions, ProvisionTopology } from '../../../../src/processors/provision.ts'
import { cardWith } from '../../knot/cards.ts'
import { FakeTask, jsonCodec } from './fakeTask.ts'

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' })
export const newKey = (kid: string): Promise<PushKey> =>
  importEncryptionKey({ ...rsa, alg: 'RSA-OAEP-256', use: 'enc', kid })

const TIMES = { startedAtMs: 1, answeredAtMs: 2 }
export const ok = { kind: 'accepted', httpStatus: 200, errorCode: null, ...TIMES } as const
export const coded = <K extends string>(kind: K, httpStatus: number, errorCode: string | null = null) =>
  ({ kind, httpStatus, errorCode, ...TIMES }) as const

/** A push that has arrived at Knot's door and waits for the test to open it. */
export interface WaitingPush {
  readonly target: PushTarget
  readonly card: CardData
  readonly key: PushKey
  /** Goes on the wire (true) or is vetoed there (false). */
  wire(): boolean
  answer(answer: PushAnswer): void
}

export interface FakeKnot extends KnotPort {
  /** What the next pushes are answered, without waiting. Empty: they wait in `waiting`. */
  readonly script: PushAnswer[]
  readonly waiting: WaitingPush[]
  /** Pushes that went on the wire. */
  readonly sent: PushTarget[]
  readonly refused: (PushKey | null)[]
  accountsAnswer: AccountsAnswer
  keyAnswer: PushKeyAnswer
  credentialsFine: boolean
  probes: number
}

export function fakeKnot(key: PushKey): FakeKnot {
  const seals = new Map<SealedCard, { readonly card: CardData; readonly key: PushKey }>()
  const knot: FakeKnot = {
    script: [],
    waiting: [],
    sent: [],
    refused: [],
    accountsAnswer: { kind: 'accounts', accounts: [ACCOUNT], httpStatus: 200, errorCode: null },
    keyAnswer: { kind: 'key', key },
    credentialsFine: false,
    probes: 0,
    accounts: () => Promise.resolve(knot.accountsAnswer),
    key: refused => {
      knot.refused.push(refused)
      return Promise.resolve(knot.keyAnswer)
    },
    credentialsAccepted: () => {
      knot.probes++
      return Promise.resolve(knot.credentialsFine)
    },
    seal: (card, usedKey) => {
      const sealed = SealedCard.plain(card)
      seals.set(sealed, { card, key: usedKey })
      return Promise.resolve(sealed)
    },
    push: (target, sealed, lastCheck) => {
      const wire = () => {
        const passed = lastCheck()
        const { userId, merchantId, taskId } = target
        if (passed) knot.sent.push({ userId, merchantId, taskId })
        return passed
      }
      const scripted = knot.script.shift()
      if (scripted !== undefined) {
        if (scripted.kind === 'unreachable') return Promise.resolve(scripted)
        return Promise.resolve(wire() ? scripted : { kind: 'vetoed' })
      }
      return new Promise(resolve => {
        let passed: boolean | undefined
        knot.waiting.push({
          target,
          ...seals.get(sealed)!,
          wire: () => (passed ??= wire()),
          answer: answer => {
            passed ??= wire()
            resolve(passed ? answer : { kind: 'vetoed' })
          },
        })
      })
    },
  }
  return knot
}

export const ACCOUNT: MerchantAccount = {
  merchant_id: 19,
  merchant_name: 'DoorDash',
  connected: true,
  update_card: true,
  last_action_at: null,
  last_action_status: null,
}

export const NO_NAMES = { card_name: null, customer_name: null }

export interface FakeVault extends VaultPort {
  cardAnswer: CardAnswer
  statusAnswer: StatusAnswer
  readonly asked: string[]
}

export function fakeVault(): FakeVault {
  const vault: FakeVault = {
    cardAnswer: { kind: 'card', status: 'active', version: 'v1', card: cardWith(), names: NO_NAMES },
    statusAnswer: { kind: 'status', status: 'active', version: 'v1' },
    asked: [],
    card: ref => {
      vault.asked.push(`card ${ref}`)
      return Promise.resolve(vault.cardAnswer)
    },
    status: ref => {
      vault.asked.push(`status ${ref}`)
      return Promise.resolve(vault.statusAnswer)
    },
  }
  return vault
}

export interface Seen {
  readonly lines: unknown[]
  readonly metrics: Record<string, unknown[]>
}

export function observers(): { log: ProvisionLog; metrics: ProvisionMetrics; seen: Seen } {
  const seen: Seen = { lines: [], metrics: {} }
  const note = (name: string, ...values: unknown[]) => {
    ;(seen.metrics[name] ??= []).push(values.length === 1 ? values[0] : values)
  }
  const line = (fields: object, message: string) => void seen.lines.push({ ...fields, message })
  return {
    seen,
    log: { info: line, warn: line, error: line },
    metrics: {
      appliedCancelOffset: (partition, offset) => note('appliedCancelOffset', partition, offset),
      openCommands: (_, count) => note('openCommands', count),
      answered: (kind, result, reason) => note('answered', kind, result, reason),
      notAccepted: cause => note('notAccepted', cause),
      pushMs: durationMs => note('pushMs', durationMs),
      paused: (reason, paused) => note('paused', reason, paused),
      waited: () => undefined,
      breakerOpened: of => note('breakerOpened', of),
      pacing: () => undefined,
    },
  }
}

export interface Bed {
  readonly clock: { ms: number }
  readonly knot: FakeKnot
  readonly vault: FakeVault
  readonly seen: Seen
  readonly role: ProvisionTopology
  readonly task: FakeTask
}

/** Eight permits, and no limit per merchant. */
export function limits(change: Partial<PushLimits> = {}): PushLimits {
  return {
    concurrency: 8,
    ratePerSecond: null,
    merchant: { concurrency: 1_000, ratePerSecond: null },
    merchants: new Map(),
    breakerWaitMs: 5_000,
    ...change,
  }
}

/** PROVISION with one fake task, scripted Knot and vault, and a clock that only the test moves. */
export async function provisionBed(more: Partial<ProvisionOptions> = {}): Promise<Bed> {
  const clock = { ms: Date.UTC(2026, 5, 15) }
  const knot = fakeKnot(await newKey('key-1'))
  const vault = fakeVault()
  const { log, metrics, seen } = observers()
  const role = createProvisionTopology({
    topics: {
      commands: 'provisioning-commands',
      userEvents: 'onfile-user-events',
      changelog: 'onfile-provision-changelog',
      deadLetters: 'onfile-dlq',
    },
    codecs: { command: jsonCodec(), userEvent: jsonCodec() },
    knot,
    vault,
    metrics,
    log,
    deadLetter: (record, reason, context) =>
      context.forward('onfile-dlq', context.partition, null, { offset: record.offset, reason }, jsonCodec()),
    limits: limits(),
    pushSwitch: NO_PUSH_SWITCH,
    openCommandLimit: 10_000,
    probeIntervalMs: 20,
    pushTimeoutMs: 10_000,
    retryScale: 1,
    now: () => clock.ms,
    ...more,
  })
  return { clock, knot, vault, seen, role, task: new FakeTask(role, clock) }
}

const POSITION = { topic: 'card-lifecycle', partition: 0, offset: 7, event_id: 'event-7' }

/** A command of user `ada`. `seq` is its decision_seq and part of its id. */
export function command(seq: number, change: Partial<ProvisioningCommand> = {}): ProvisioningCommand {
  const userId = change.user_id ?? 'ada'
  return {
    command_id: `${userId}:${seq}`,
    kind: 'SWITCH',
    user_id: userId,
    card_ref: 'card-a',
    card_version: 1,
    merchant_id: 19,
    merchant_name: 'DoorDash',
    task_id: null,
    attempt: 1,
    not_before: null,
    not_after: null,
    cancels: null,
    reason: 'updated',
    decision_seq: seq,
    source: POSITION,
    origin: { ...POSITION, offset: 6, event_id: null },
    issued_at: 0,
    ...change,
  }
}

export function cancel(
  seq: number,
  cancels: Partial<NonNullable<ProvisioningCommand['cancels']>> = {},
  userId = 'ada',
) {
  return command(seq, {
    kind: 'CANCEL',
    user_id: userId,
    merchant_id: null,
    cancels: { card_ref: null, merchant_id: null, command_id: null, ...cancels },
    reason: 'opt_out',
    attempt: 0,
  })
}

/** The results in the order of their records, short: `<command>:<result>/<reason>`. */
export function results(task: FakeTask): string[] {
  return task.durable.events.map(({ body }) => {
    if (body.kind !== 'result') throw new Error('not a result')
    const reason = body.reason === null ? '' : `/${body.reason}`
    return `${body.command_id.split(':').at(-1)!}:${body.result}${reason}`
  })
}
