import type { VaultStatus } from '../../domain/records.ts'
import type { TaskHandle } from '../../engine/processor.ts'
import type { PushKey } from '../../knot/cardUpdater.ts'
import { checkCard } from '../../knot/validate.ts'
import type { StatusAnswer } from '../../vault/cardVault.ts'
import type { Admission } from './admission.ts'
import type {
  LookEffect,
  LookResult,
  NotReady,
  PrepareEffect,
  PrepareResult,
  PushEffect,
  PushResult,
  Veto,
} from './effects.ts'
import type { Run } from './lanes.ts'
import type { Permit } from './permit.ts'
import type { KnotPort, ProvisionLog, ProvisionMetrics, PushSwitch, VaultPort } from './ports.ts'
import { PreparedCard } from './preparedCard.ts'
import { keySignal, signalOf } from './pushSignal.ts'
import type { PauseReason } from './rolePause.ts'

export interface PerformerOptions {
  readonly knot: KnotPort
  readonly vault: VaultPort
  readonly admission: Admission
  readonly pushSwitch: PushSwitch
  readonly metrics: Pick<ProvisionMetrics, 'pushMs'>
  readonly log: ProvisionLog
  readonly task: TaskHandle
  readonly now: () => number
}

/** A command's run as long as somebody waits for it. */
type Wanted = () => Run | undefined

const ABANDONED: NotReady = { kind: 'abandoned' }
const NO_PERMIT: NotReady = { kind: 'no_permit' }

/**
 * The effects of one task: everything that talks to the vault and to Knot. Runs outside of the commit cycles and changes
 * no state; of a run it only writes `onWire` and takes `prepared`.
 */
export class Performer {
  readonly #options: PerformerOptions

  constructor(options: PerformerOptions) {
    const { admission, task } = options
    this.#options = options
    admission.join(this, task.partition, task.partitionCount)
    const leave = () => admission.leave(this, task.partition, task.partitionCount)
    task.ended.addEventListener('abort', leave, { once: true })
  }

  /** The task is closing: whatever waits for a permit gives up. */
  dismiss(): void {
    this.#options.admission.dismiss(this)
  }

  /** The command is gone: it does not wait for a permit any more. */
  withdraw(commandId: string): void {
    this.#options.admission.withdraw(this, commandId)
  }

  /**
   * Permit, key, card, validation, encryption. The card comes last and is sealed at once, so that it is in memory for the
   * shortest time: what waits for the commit of *started*, perhaps while Kafka is away, is encrypted. And what a commit
   * lets go by the hundred has only its request left to do.
   *
   * What the last check would refuse for want of a heartbeat waits without any of that: commits may succeed for half a
   * session longer, and each round of *started*, refused, told and ordered anew would read the card once more.
   */
  async prepare(effect: PrepareEffect, wanted: Wanted): Promise<PrepareResult> {
    const { admission, knot, vault } = this.#options
    const { commandId, merchantId, notAfterMs } = effect
    // It may have gone in the very cycle that read it: what has been withdrawn already must not stand in line.
    if (wanted() === undefined) return ABANDONED
    if (this.#isOwnershipStale()) return notReady('ownership')
    const permit = await admission.acquire({ kind: 'push', owner: this, commandId, merchantId, notAfterMs })
    if (permit === null) return NO_PERMIT
    let kept = false
    try {
      const run = wanted()
      if (run === undefined) return ABANDONED
      if (this.#isOwnershipStale()) return notReady('ownership')
      const keyAnswer = await knot.key(run.refusedKey)
      if (keyAnswer.kind === 'unauthorized') return this.#pause('knot_unauthorized')
      if (keyAnswer.kind === 'forbidden') return this.#pause('knot_forbidden')
      if (keyAnswer.kind === 'unusable') {
        this.#options.log.error({ problem: keyAnswer.problem }, 'Knot publishes no usable key: pushes wait')
        return notReady('key_unusable')
      }
      if (keyAnswer.kind === 'unavailable') {
        if (isNews(keyAnswer, permit)) permit.learned(keySignal(keyAnswer.retryAfterMs))
        return notReady('key_unavailable', keyAnswer.retryAfterMs)
      }
      const answer = await vault.card(effect.cardRef)
      if (answer.kind === 'unavailable') return notReady(`vault_${answer.trouble}`)
      if (answer.kind === 'unauthorized') return this.#pause('vault_unauthorized')
      admission.proved(permit, 'vault_unauthorized')
      if (answer.kind === 'unknown') return unusable('card_unknown', 'unknown', null)
      if (answer.status !== 'active') return unusable('inactive_card', answer.status, answer.version)
      if (answer.card === null) return unusable('invalid_card_data', answer.status, answer.version)
      const check = checkCard(answer.card, this.#options.now())
      if (check.kind === 'unsupported_region') return unusable('unsupported_region', answer.status, answer.version)
      if (check.kind === 'invalid') {
        this.#options.log.warn({ commandId: effect.commandId, problems: check.problems }, 'card data is not valid')
        return unusable('invalid_card_data', answer.status, answer.version)
      }
      const { key } = keyAnswer
      const sealed = await knot.seal(check.card, key)
      if (wanted() === undefined) return ABANDONED
      kept = true
      const card = { sealed, key, names: answer.names }
      return { kind: 'prepared', prepared: new PreparedCard(card, answer.version, permit) }
    } finally {
      if (!kept) permit.release()
    }
  }

  /** Sends what was prepared, if at the moment on the wire nothing speaks against it. */
  async push(effect: PushEffect, run: Run, signal: AbortSignal): Promise<PushResult> {
    const { admission, knot, metrics } = this.#options
    const { prepared } = run
    run.prepared = null
    const card = prepared?.take() ?? null
    // Nothing prepared: another life of this command took it, or its lease has ended. Then nothing may be sent.
    if (card === null) return vetoed(this.#vetoOf(effect, run, signal) ?? 'ownership', null, prepared)
    const { sealed, key, names, permit } = card
    const target = { ...effect.target, cardName: names.card_name, customerName: names.customer_name }
    let veto: Veto | null = null
    const lastCheck = (): boolean => {
      veto = this.#vetoOf(effect, run, signal)
      run.onWire = veto === null
      return run.onWire
    }
    try {
      const early = this.#vetoOf(effect, run, signal)
      if (early !== null) return vetoed(early, key, prepared)
      const answer = await knot.push(target, sealed, lastCheck)
      permit.learned(signalOf(answer))
      switch (answer.kind) {
        case 'unauthorized':
          this.#pause('knot_unauthorized')
          break
        case 'forbidden':
          this.#pause('knot_forbidden')
          break
        case 'accepted':
        case 'busy':
        case 'invalid_field':
        case 'invalid_jwe':
        case 'not_linked':
        case 'relink':
        case 'merchant_unavailable':
          admission.proved(permit, 'knot_forbidden')
          break
        default:
      }
      if ('startedAtMs' in answer) metrics.pushMs(answer.answeredAtMs - answer.startedAtMs)
      return { kind: 'pushed', answer, veto, usedKey: key, usedVersion: prepared?.vaultVersion ?? null }
    } finally {
      permit.release()
    }
  }

  /** DISCOVER and RECONCILE: what Knot, and for a card the vault, knows now. */
  async look(effect: LookEffect, wanted: Wanted): Promise<LookResult> {
    const { admission, knot, vault, now } = this.#options
    const { commandId, notAfterMs } = effect
    if (wanted() === undefined) return ABANDONED
    const permit = await admission.acquire({ kind: 'look', owner: this, commandId, merchantId: null, notAfterMs })
    if (permit === null) return NO_PERMIT
    try {
      if (wanted() === undefined) return ABANDONED
      const startedAtMs = now()
      const status = effect.cardRef === null ? null : await vault.status(effect.cardRef)
      if (status?.kind === 'unavailable') return notReady(`vault_${status.trouble}`)
      if (status?.kind === 'unauthorized') return this.#pause('vault_unauthorized')
      if (status !== null) admission.proved(permit, 'vault_unauthorized')
      const answer = await knot.accounts(effect.userId)
      if (answer.kind === 'unauthorized') return this.#pause('knot_unauthorized')
      // Knot may let us look while it does not let us push, and the other way round: no pause of the pushes.
      if (answer.kind === 'forbidden') return notReady('accounts_forbidden')
      if (answer.kind === 'unavailable') return notReady('accounts_unavailable', answer.retryAfterMs)
      return {
        kind: 'looked',
        accounts: answer.kind === 'accounts' ? answer.accounts : null,
        ...vaultView(status),
        httpStatus: answer.httpStatus,
        errorCode: answer.errorCode,
        startedAtMs,
        answeredAtMs: now(),
      }
    } finally {
      permit.release()
    }
  }

  /** The group has not confirmed this member for half a session: another one may own the partition soon. */
  #isOwnershipStale(): boolean {
    const { task } = this.#options
    return task.heartbeatAgeMs() >= task.sessionTimeoutMs / 2
  }

  /** The last check (design.md 5), made synchronously when the request goes on the wire. */
  #vetoOf(effect: PushEffect, run: Run, signal: AbortSignal): Veto | null {
    const { pushSwitch, now } = this.#options
    const nowMs = now()
    if (run.cancelled) return 'suppressed'
    if (pushSwitch.held() !== null) return 'paused'
    if (nowMs >= effect.sendByMs) return 'send_by'
    if (signal.aborted || this.#isOwnershipStale()) return 'ownership'
    if (effect.notAfterMs !== null && nowMs >= effect.notAfterMs) return 'not_after'
    return null
  }

  #pause(reason: PauseReason): NotReady {
    this.#options.admission.pause(reason)
    return NO_PERMIT
  }
}

/** Key failures that the breaker has been told of. One failed fetch has as many answers as pushes waited for it. */
const toldKeyFailures = new WeakSet<object>()

/** A trial always tells how it ended. */
function isNews(keyFailure: object, { trials }: Permit): boolean {
  if (toldKeyFailures.has(keyFailure)) return trials.knot
  toldKeyFailures.add(keyFailure)
  return true
}

function notReady(cause: string, retryAfterMs: number | null = null): NotReady {
  return { kind: 'not_ready', cause, retryAfterMs }
}

function unusable(
  reason: Extract<PrepareResult, { kind: 'unusable' }>['reason'],
  vaultStatus: VaultStatus,
  vaultVersion: string | null,
): PrepareResult {
  const result = reason === 'invalid_card_data' ? 'INVALID_CARD' : 'NOT_SENT'
  return { kind: 'unusable', result, reason, vaultStatus, vaultVersion }
}

/** Nothing went on the wire. */
function vetoed(veto: Veto, usedKey: PushKey | null, prepared: PreparedCard | null): PushResult {
  const usedVersion = prepared?.vaultVersion ?? null
  return { kind: 'pushed', answer: { kind: 'vetoed' }, veto, usedKey, usedVersion }
}

function vaultView(status: StatusAnswer | null): { vaultStatus: VaultStatus | null; vaultVersion: string | null } {
  switch (status?.kind) {
    case 'status':
      return { vaultStatus: status.status, vaultVersion: status.version }
    case 'unknown':
      return { vaultStatus: 'unknown', vaultVersion: null }
    default:
      return { vaultStatus: null, vaultVersion: null }
  }
}

/** Used where the end of what was prepared must be certain although no effect follows. */
export function dropPrepared(run: { prepared: PreparedCard | null }): void {
  run.prepared?.drop()
  run.prepared = null
}
