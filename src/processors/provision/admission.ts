import { Breaker } from './breaker.ts'
import { placesOf, rateOf } from './limits.ts'
import type { PushLimits } from './limits.ts'
import type { MerchantGate } from './merchantGate.ts'
import { MerchantTurns } from './merchantTurns.ts'
import type { PacingView } from './pacingView.ts'
import { Permit } from './permit.ts'
import type { PushSignal } from './pushSignal.ts'
import { RolePause } from './rolePause.ts'
import type { Pause, PauseReason, RolePauseOptions, WorkKind } from './rolePause.ts'
import type { PushSwitch } from './ports.ts'
import { TokenBucket } from './tokenBucket.ts'
import { Waiter } from './waiter.ts'
import type { PermitRequest } from './waiter.ts'
import { WaitingLine } from './waitingLine.ts'

export interface AdmissionOptions extends RolePauseOptions {
  readonly limits: PushLimits
  readonly pushSwitch: PushSwitch
  /** A breaker opened: of that merchant, of pushes without one (null), or of Knot as a whole. */
  readonly onBreakerOpened: (of: number | 'knot' | null) => void
  /** So long one waited for its permit. */
  readonly onWaited: (kind: WorkKind, waitedMs: number) => void
  /** Monotonic clock of rates and breakers. */
  readonly clockMs: () => number
}

/** How often waits are looked through for those that have no use any more. */
const SWEEP_MS = 15_000
/** So many answers before the breaker of Knot as a whole is judged. */
const FEWEST_KNOT_ANSWERS = 10

/**
 * Who of PROVISION's commands may go to the vault and to Knot, and when: one instance for all tasks of a process. A
 * command asks before it is started in the ledger, so what waits here has no `send_by` that runs out.
 *
 * Turns are fair: looks and pushes in turn, merchants in turn, and within one line the oldest and the newest in turn
 * (`WaitingLine`). So the backlog of one merchant, or of a card conversion, costs the others a turn and not its length.
 */
export class Admission {
  readonly #options: AdmissionOptions
  readonly #pause: RolePause
  readonly #knot: Breaker
  readonly #bucket: TokenBucket
  readonly #looks = new WaitingLine<Waiter>()
  readonly #merchants: MerchantTurns
  readonly #waiters = new Map<object, Map<string, Waiter>>()
  readonly #partitions = new Map<number, object>()
  #share = 1
  #inUse = 0
  #next: WorkKind = 'push'
  #timer: NodeJS.Timeout | undefined
  #sweep: NodeJS.Timeout | undefined

  constructor(options: AdmissionOptions) {
    const { limits, clockMs, pushSwitch } = options
    this.#options = options
    this.#pause = new RolePause(options, () => this.#pump())
    const settings = { fewest: FEWEST_KNOT_ANSWERS, firstWaitMs: limits.breakerWaitMs }
    this.#knot = new Breaker(settings, clockMs, () => options.onBreakerOpened('knot'))
    this.#bucket = new TokenBucket(limits.ratePerSecond, clockMs)
    const { onBreakerOpened } = options
    this.#merchants = new MerchantTurns({ limits, clockMs, onBreakerOpened, onRoom: () => this.#pump() })
    pushSwitch.onChange(() => this.#pump())
  }

  get paused(): Pause | null {
    return this.#pause.current
  }

  view(): PacingView {
    return {
      inUse: this.#inUse,
      waiting: { push: this.#merchants.waiting, look: this.#looks.size },
      knotBreaker: this.#knot.state,
      knotBreakerWaitMs: this.#knot.trialInMs,
      places: this.#places,
      perSecond: this.#bucket.perSecond,
      merchants: this.#merchants.view(),
    }
  }

  // ---------------------------------------------------------------------------------------------------------- tasks

  /** A partition is worked on here from now on: this process takes its share of the limits. */
  join(owner: object, partition: number, partitionCount: number): void {
    this.#partitions.set(partition, owner)
    this.#setShare(this.#partitions.size / partitionCount)
  }

  /** It has ended, however. */
  leave(owner: object, partition: number, partitionCount: number): void {
    this.dismiss(owner)
    if (this.#partitions.get(partition) !== owner) return
    this.#partitions.delete(partition)
    this.#setShare(this.#partitions.size / partitionCount)
  }

  #setShare(share: number): void {
    // Without a partition nothing is sent: what is there when the first one comes counts.
    if (share === 0 || share === this.#share) return
    this.#share = share
    this.#bucket.setRate(rateOf(this.#options.limits.ratePerSecond, share))
    this.#merchants.setShare(share)
    this.#pump()
  }

  get #places(): number {
    return placesOf(this.#options.limits.concurrency, this.#share)
  }

  // -------------------------------------------------------------------------------------------------------- waiting

  /** A permit, or null when it was withdrawn, when `owner` was dismissed, or some time after `notAfterMs`. */
  acquire(request: PermitRequest): Promise<Permit | null> {
    return new Promise(resolve => {
      const waiter = new Waiter(request, this.#options.clockMs(), resolve)
      const ofOwner = this.#waiters.get(request.owner) ?? new Map<string, Waiter>()
      this.#waiters.set(request.owner, ofOwner)
      ofOwner.set(request.commandId, waiter)
      if (request.kind === 'look') this.#looks.add(waiter)
      else this.#merchants.add(waiter)
      this.#sweep ??= setInterval(() => this.#dropLate(), SWEEP_MS).unref()
      this.#pump()
    })
  }

  /** Nobody wants it any more. */
  withdraw(owner: object, commandId: string): void {
    const waiter = this.#waiters.get(owner)?.get(commandId)
    if (waiter !== undefined) this.#end(waiter, null)
  }

  /** Everything that `owner` waits for ends without a permit: its task is closing. */
  dismiss(owner: object): void {
    for (const waiter of [...(this.#waiters.get(owner)?.values() ?? [])]) this.#end(waiter, null)
  }

  #end(waiter: Waiter, permit: Permit | null): void {
    const { kind, owner, commandId } = waiter.request
    const ofOwner = this.#waiters.get(owner)
    if (ofOwner?.get(commandId) === waiter) ofOwner.delete(commandId)
    if (ofOwner?.size === 0) this.#waiters.delete(owner)
    waiter.end(permit)
    if (kind === 'look') this.#looks.left()
    else this.#merchants.left(waiter)
    if (this.#waiters.size > 0) return
    clearInterval(this.#sweep)
    this.#sweep = undefined
  }

  #dropLate(): void {
    const nowMs = this.#options.now()
    for (const ofOwner of [...this.#waiters.values()]) {
      for (const waiter of [...ofOwner.values()]) {
        const { notAfterMs } = waiter.request
        if (notAfterMs !== null && nowMs >= notAfterMs) this.#end(waiter, null)
      }
    }
  }

  // ---------------------------------------------------------------------------------------------------------- turns

  #pump(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    while (this.#inUse < this.#places && this.#merchants.waiting + this.#looks.size > 0) {
      const waitMs = this.#bucket.waitMs()
      if (waitMs > 0) return this.#pumpIn(waitMs)
      const waiter = this.#take()
      if (waiter === undefined) return
      this.#bucket.take()
      this.#end(waiter, this.#permitFor(waiter))
    }
  }

  #pumpIn(waitMs: number): void {
    if (waitMs === Number.POSITIVE_INFINITY) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#pump(), waitMs).unref()
  }

  /** The one whose turn it is among those that may go. */
  #take(): Waiter | undefined {
    const first = this.#next
    const second = first === 'push' ? 'look' : 'push'
    return this.#takeOf(first) ?? this.#takeOf(second)
  }

  #takeOf(kind: WorkKind): Waiter | undefined {
    if (!this.#pause.mayPass(kind)) return undefined
    const waiter = kind === 'look' ? this.#looks.take() : this.#takePush()
    if (waiter !== undefined) this.#next = kind === 'look' ? 'push' : 'look'
    return waiter
  }

  #takePush(): Waiter | undefined {
    if (this.#merchants.waiting === 0 || this.#options.pushSwitch.held() !== null) return undefined
    const knotWaitMs = this.#knot.waitMs()
    if (knotWaitMs > 0) {
      this.#pumpIn(knotWaitMs)
      return undefined
    }
    return this.#merchants.take()
  }

  // -------------------------------------------------------------------------------------------------------- permits

  #permitFor({ request, sinceMs }: Waiter): Permit {
    const { kind, merchantId } = request
    const gate = kind === 'push' ? this.#merchants.gateOf(merchantId) : null
    const trials = {
      pause: this.#pause.enter(kind),
      knot: gate !== null && this.#knot.enter(),
      merchant: gate?.enter() ?? false,
    }
    this.#inUse++
    this.#options.onWaited(kind, this.#options.clockMs() - sinceMs)
    const permit: Permit = new Permit(trials, signal => this.#givenBack(permit, gate, signal))
    return permit
  }

  #givenBack({ trials }: Permit, gate: MerchantGate<Waiter> | null, signal: PushSignal | null): void {
    this.#inUse--
    if (trials.pause) this.#pause.trialEnded()
    if (gate !== null) {
      gate.inUse--
      const atLeastMs = signal?.retryAfterMs ?? 0
      tell(this.#knot, trials.knot, signal?.knotWorks ?? null, atLeastMs)
      tell(gate.breaker, trials.merchant, signal?.merchantWorks ?? null, 0)
      this.#merchants.offer(gate)
    }
    this.#pump()
  }

  // ------------------------------------------------------------------------------------------------ pauses and hints

  pause(reason: PauseReason): void {
    this.#pause.begin(reason)
  }

  /** Work under this permit got past what `reason` stands for. */
  proved(permit: Permit, reason: PauseReason): void {
    this.#pause.proved(permit.trials.pause, reason)
  }

  /** Knot says how a merchant does: a hint for its breaker, never the truth. */
  hint(merchantId: number, up: boolean): void {
    const gate = this.#merchants.gateOf(merchantId)
    if (up) gate.breaker.hintUp()
    else gate.breaker.hintDown()
    this.#merchants.offer(gate)
    this.#pump()
  }

  stop(): void {
    this.#pause.stop()
    clearTimeout(this.#timer)
    this.#merchants.stop()
    for (const owner of [...this.#waiters.keys()]) this.dismiss(owner)
  }
}

function tell(breaker: Breaker, trial: boolean, good: boolean | null, atLeastMs: number): void {
  if (trial) breaker.trial(good, atLeastMs)
  else if (good !== null) breaker.answered(good, atLeastMs)
}
