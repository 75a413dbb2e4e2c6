import type { ProvisioningCommand, UserEvent } from '../domain/records.ts'
import type { Codec, Topology } from '../engine/processor.ts'
import type { PacingView } from './provision/pacingView.ts'
import { reportedAdmission } from './provision/reportedAdmission.ts'
import type { ProvisionEffect, ProvisionEffectResult } from './provision/effects.ts'
import type { PushLimits } from './provision/limits.ts'
import { Outages } from './provision/outages.ts'
import type { Outage } from './provision/outages.ts'
import { createLedgerCodec, LEDGER_VERSION } from './provision/openCommand.ts'
import type { ProvisionTables } from './provision/openCommand.ts'
import type {
  DeadLetterPort,
  KnotPort,
  ProvisionLog,
  ProvisionMetrics,
  PushHold,
  PushSwitch,
  VaultPort,
} from './provision/ports.ts'
import { ProvisionProcessor } from './provision/provisionProcessor.ts'
import type { Pause } from './provision/rolePause.ts'

export interface ProvisionOptions {
  readonly topics: {
    /** Input: `provisioning-commands`. */
    readonly commands: string
    /** Results: `onfile-user-events`. Same partition count as `commands`. */
    readonly userEvents: string
    /** The ledger: `onfile-provision-changelog`. */
    readonly changelog: string
    /** Where `deadLetter` writes to: `onfile-dlq`. */
    readonly deadLetters: string
  }
  readonly codecs: { readonly command: Codec<ProvisioningCommand>; readonly userEvent: Codec<UserEvent> }
  readonly knot: KnotPort
  readonly vault: VaultPort
  readonly metrics: ProvisionMetrics
  readonly log: ProvisionLog
  readonly deadLetter: DeadLetterPort
  readonly limits: PushLimits
  /** The global stop of pushes. */
  readonly pushSwitch: PushSwitch
  /** `knot.probeInterval`. */
  readonly probeIntervalMs: number
  /** `knot.timeout`: the longest time that one request can be on the wire. */
  readonly pushTimeoutMs: number
  /** `policy.retryScale`. */
  readonly retryScale: number
  /** Open commands per partition at most: then the input waits (`provision.openCommands`). */
  readonly openCommandLimit: number
  /** From *started* to the last moment at which the request may go on the wire. */
  readonly sendWindowMs?: number
  readonly now?: () => number
  /** Monotonic clock of rates and breakers. */
  readonly clockMs?: () => number
}

/** What PROVISION says about itself, for `/readyz` and the status page. */
export interface ProvisionStatus {
  /** Null: it runs. Paused it is still ready: nothing is lost, somebody must mend the credentials. */
  readonly paused: Pause | null
  /** Null: pushes may start. Held they wait as commands, none of them started. */
  readonly hold: PushHold | null
  /** Systems that failed when they were last called: their commands wait. */
  readonly outages: readonly Outage[]
  readonly pacing: PacingView
}

/** The role, as the engine runs it, with its state. `stop()` once the engine has closed its tasks. */
export interface ProvisionTopology extends Topology<ProvisionTables, ProvisionEffect, ProvisionEffectResult> {
  status(): ProvisionStatus
  /** Knot says that a merchant is there, or not: a hint for its breaker, never the truth. */
  hint(merchantId: number, up: boolean): void
  stop(): void
}

/** Twice the slowest commit that is not a failure, and far under a webhook's 15 min. */
const SEND_WINDOW_MS = 20_000

/** The PROVISION role (design.md 5): commands in, calls to the vault and to Knot, one result each to the user's events. */
export function createProvisionTopology(options: ProvisionOptions): ProvisionTopology {
  const { topics, codecs, knot, metrics, log, pushSwitch } = options
  const now = options.now ?? Date.now
  const outages = new Outages(now)
  const knotPort = outages.knot(knot)
  const vaultPort = outages.vault(options.vault)
  const admission = reportedAdmission({
    role: 'PROVISION',
    limits: options.limits,
    pushSwitch,
    metrics,
    log,
    clockMs: options.clockMs ?? (() => performance.now()),
    probeIntervalMs: options.probeIntervalMs,
    credentialsAccepted: () => knot.credentialsAccepted(),
    openCommands: options.openCommandLimit,
    now,
  })
  return {
    role: 'provision',
    inputs: [topics.commands],
    changelog: topics.changelog,
    tables: { ledger: createLedgerCodec() },
    stateVersion: LEDGER_VERSION,
    outputs: [topics.userEvents, topics.deadLetters],
    copartitioned: [topics.userEvents],
    startAt: () => 'earliest',
    createProcessor: task =>
      new ProvisionProcessor({
        task,
        userEventsTopic: topics.userEvents,
        commandCodec: codecs.command,
        userEventEncoder: codecs.userEvent,
        knot: knotPort,
        vault: vaultPort,
        admission,
        pushSwitch,
        metrics,
        log,
        deadLetter: options.deadLetter,
        openCommandLimit: options.openCommandLimit,
        sendWindowMs: options.sendWindowMs ?? SEND_WINDOW_MS,
        pushTimeoutMs: options.pushTimeoutMs,
        retryScale: options.retryScale,
        now,
      }),
    status: () => ({
      paused: admission.paused,
      outages: outages.current(),
      hold: pushSwitch.held(),
      pacing: admission.view(),
    }),
    hint: (merchantId, up) => admission.hint(merchantId, up),
    stop: () => admission.stop(),
  }
}
