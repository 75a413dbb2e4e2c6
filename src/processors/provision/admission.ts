/** What a permit is asked for: pushes stop at a 403 of Knot, looks go on. */
export type WorkKind = 'push' | 'look'

/** Why the role pauses. A matter of configuration each: nothing is answered, no attempt is burnt, somebody must act. */
export type PauseReason = 'knot_unauthorized' | 'knot_forbidden' | 'vault_unauthorized'

export interface Pause {
  readonly reason: PauseReason
  readonly sinceMs: number
}

export interface AdmissionOptions {
  /** Permits at the same time, over all tasks of the role (`knot.concurrency`). */
  readonly concurrency: number
  /** Permits per second at most; null = unlimited (`knot.ratePerSecond`). */
  readonly ratePerSecond: number | null
  /** While paused: how often it is tried whether things are well again (`knot.probeInterval`). */
  readonly probeIntervalMs: number
  /** A cheap question that needs valid credentials: the probe for `knot_unauthorized`. */
  readonly credentialsAccepted: () => Promise<boolean>
  readonly onPaused: (pause: Pause) => void
  readonly onResumed: (pause: Pause) => void
  readonly now: () => number
}

/** So long one waits for a permit before the command is looked at again (its `not_after` may have passed). */
const PATIENCE_MS = 15_000
/** A permit that was never given back (its task was lost between two effects) frees itself after this. */
const LEASE_MS = 120_000

interface Waiter {
  readonly kind: WorkKind
  readonly owner: object
  readonly seq: number
  readonly settle: (permit: Permit | null) => void
  readonly timer: NodeJS.Timeout
}

/** The right to use the vault and Knot for one command. Give it back exactly where the work ends; twice does no harm. */
export class Permit {
  /** Taken while paused, to see whether it is over. */
  readonly trial: boolean
  readonly #giveBack: (trial: boolean) => void
  readonly #lease: NodeJS.Timeout
  #held = true

  constructor(trial: boolean, giveBack: (trial: boolean) => void) {
    this.trial = trial
    this.#giveBack = giveBack
    this.#lease = setTimeout(() => this.release(), LEASE_MS)
    this.#lease.unref()
  }

  release(): void {
    if (!this.#held) return
    this.#held = false
    clearTimeout(this.#lease)
    this.#giveBack(this.trial)
  }
}

/**
 * How much of PROVISION runs at once, and whether it runs at all: one instance for all tasks of the role. Permits are
 * given in the order in which they were asked for.
 *
 * While paused as `knot_unauthorized` nothing passes, and a probe asks for the key. As `knot_forbidden` or
 * `vault_unauthorized` there is no other way to find out than to try: one permit per probe interval passes (half-open),
 * and `proved` ends the pause.
 */
export class Admission {
  readonly #options: AdmissionOptions
  readonly #waiting: Record<WorkKind, Set<Waiter>> = { push: new Set(), look: new Set() }
  #seq = 0
  #inUse = 0
  #pause: Pause | null = null
  #probeTimer: NodeJS.Timeout | undefined
  #trial: 'none' | 'due' | 'running' = 'none'
  #tokens = 1
  #tokensAtMs: number
  #rateTimer: NodeJS.Timeout | undefined

  constructor(options: AdmissionOptions) {
    this.#options = options
    this.#tokensAtMs = options.now()
  }

  get paused(): Pause | null {
    return this.#pause
  }

  get permitsInUse(): number {
    return this.#inUse
  }

  get permitsWaitedFor(): number {
    return this.#waiting.push.size + this.#waiting.look.size
  }

  /** A permit, or null after 15 s without one or when `owner` was dismissed. */
  acquire(kind: WorkKind, owner: object): Promise<Permit | null> {
    return new Promise(resolve => {
      const waiting = this.#waiting[kind]
      const waiter: Waiter = {
        kind,
        owner,
        seq: this.#seq++,
        settle: permit => {
          waiting.delete(waiter)
          clearTimeout(waiter.timer)
          resolve(permit)
        },
        timer: setTimeout(() => waiter.settle(null), PATIENCE_MS),
      }
      waiting.add(waiter)
      this.#pump()
    })
  }

  /** Everything that `owner` waits for ends without a permit: its task is closing. */
  dismiss(owner: object): void {
    for (const waiting of Object.values(this.#waiting)) {
      for (const waiter of [...waiting]) if (waiter.owner === owner) waiter.settle(null)
    }
  }

  pause(reason: PauseReason): void {
    if (this.#pause?.reason === reason) return
    this.#pause = { reason, sinceMs: this.#options.now() }
    this.#trial = 'none'
    clearInterval(this.#probeTimer)
    this.#probeTimer = setInterval(() => this.#probe(reason), this.#options.probeIntervalMs)
    this.#probeTimer.unref()
    this.#options.onPaused(this.#pause)
  }

  /** Work under this permit got past what `reason` stands for. Only a trial counts: others may have begun before. */
  proved(permit: Permit, reason: PauseReason): void {
    if (permit.trial && this.#pause?.reason === reason) this.#resume()
  }

  stop(): void {
    clearInterval(this.#probeTimer)
    clearTimeout(this.#rateTimer)
    for (const waiting of Object.values(this.#waiting)) for (const waiter of [...waiting]) waiter.settle(null)
  }

  #resume(): void {
    const pause = this.#pause
    if (pause === null) return
    clearInterval(this.#probeTimer)
    this.#pause = null
    this.#trial = 'none'
    this.#options.onResumed(pause)
    this.#pump()
  }

  #probe(reason: PauseReason): void {
    if (reason !== 'knot_unauthorized') {
      if (this.#trial === 'none') this.#trial = 'due'
      this.#pump()
      return
    }
    void this.#options.credentialsAccepted().then(
      accepted => {
        if (accepted && this.#pause?.reason === reason) this.#resume()
      },
      () => undefined,
    )
  }

  #pump(): void {
    while (this.#inUse < this.#options.concurrency) {
      const waiter = this.#next()
      if (waiter === undefined || !this.#takeToken()) return
      const trial = this.#blocks(waiter.kind)
      if (trial) this.#trial = 'running'
      this.#inUse++
      waiter.settle(new Permit(trial, this.#giveBack))
    }
  }

  readonly #giveBack = (trial: boolean): void => {
    this.#inUse--
    if (trial && this.#trial === 'running') this.#trial = 'none'
    this.#pump()
  }

  /** The one that has waited longest among those that may pass. */
  #next(): Waiter | undefined {
    const push = this.#mayPass('push') ? firstOf(this.#waiting.push) : undefined
    const look = this.#mayPass('look') ? firstOf(this.#waiting.look) : undefined
    if (push === undefined || look === undefined) return push ?? look
    return push.seq < look.seq ? push : look
  }

  #mayPass(kind: WorkKind): boolean {
    return !this.#blocks(kind) || (this.#trial === 'due' && this.#pause?.reason !== 'knot_unauthorized')
  }

  #blocks(kind: WorkKind): boolean {
    if (this.#pause === null) return false
    return this.#pause.reason !== 'knot_forbidden' || kind === 'push'
  }

  /** A token bucket that holds a tenth of a second's worth. */
  #takeToken(): boolean {
    const { ratePerSecond, now } = this.#options
    if (ratePerSecond === null) return true
    const nowMs = now()
    const refill = (Math.max(0, nowMs - this.#tokensAtMs) * ratePerSecond) / 1000
    this.#tokens = Math.min(Math.max(1, ratePerSecond / 10), this.#tokens + refill)
    this.#tokensAtMs = nowMs
    if (this.#tokens >= 1) {
      this.#tokens--
      return true
    }
    clearTimeout(this.#rateTimer)
    this.#rateTimer = setTimeout(() => this.#pump(), Math.ceil(((1 - this.#tokens) * 1000) / ratePerSecond))
    this.#rateTimer.unref()
    return false
  }
}

function firstOf(waiting: ReadonlySet<Waiter>): Waiter | undefined {
  for (const waiter of waiting) return waiter
  return undefined
}
