/** What a permit is asked for: pushes stop at a 403 of Knot, looks go on. */
export type WorkKind = 'push' | 'look'

/** Why the role pauses. A matter of configuration each: nothing is answered, no attempt is burnt, somebody must act. */
export type PauseReason = 'knot_unauthorized' | 'knot_forbidden' | 'vault_unauthorized'

export interface Pause {
  readonly reason: PauseReason
  readonly sinceMs: number
}

export interface RolePauseOptions {
  /** While paused: how often it is tried whether things are well again (`knot.probeInterval`). */
  readonly probeIntervalMs: number
  /** A cheap question that needs valid credentials: the probe for `knot_unauthorized`. */
  readonly credentialsAccepted: () => Promise<boolean>
  readonly onPaused: (pause: Pause) => void
  readonly onResumed: (pause: Pause) => void
  readonly now: () => number
}

/**
 * Whether the role runs at all. While paused as `knot_unauthorized` nothing passes, and a probe asks for the key. As
 * `knot_forbidden` or `vault_unauthorized` there is no other way to find out than to try: one permit per probe interval
 * passes (half-open), and `proved` ends the pause.
 */
export class RolePause {
  readonly #options: RolePauseOptions
  /** Something may pass that could not before. */
  readonly #onRoom: () => void
  #pause: Pause | null = null
  #probeTimer: NodeJS.Timeout | undefined
  #trial: 'none' | 'due' | 'running' = 'none'

  constructor(options: RolePauseOptions, onRoom: () => void) {
    this.#options = options
    this.#onRoom = onRoom
  }

  get current(): Pause | null {
    return this.#pause
  }

  begin(reason: PauseReason): void {
    if (this.#pause?.reason === reason) return
    // Another trouble takes the place of the first one, which is met again, or not, once this one is over.
    if (this.#pause !== null) this.#options.onResumed(this.#pause)
    this.#pause = { reason, sinceMs: this.#options.now() }
    this.#trial = 'none'
    clearInterval(this.#probeTimer)
    this.#probeTimer = setInterval(() => this.#probe(reason), this.#options.probeIntervalMs)
    this.#probeTimer.unref()
    this.#options.onPaused(this.#pause)
  }

  /** Work got past what `reason` stands for. Only a trial counts: others may have begun before. */
  proved(trial: boolean, reason: PauseReason): void {
    if (trial && this.#pause?.reason === reason) this.#end()
  }

  mayPass(kind: WorkKind): boolean {
    return !this.#blocks(kind) || (this.#trial === 'due' && this.#pause?.reason !== 'knot_unauthorized')
  }

  /** One passes. True: it is the trial. */
  enter(kind: WorkKind): boolean {
    const trial = this.#blocks(kind)
    if (trial) this.#trial = 'running'
    return trial
  }

  trialEnded(): void {
    if (this.#trial === 'running') this.#trial = 'none'
  }

  stop(): void {
    clearInterval(this.#probeTimer)
  }

  #end(): void {
    const pause = this.#pause
    if (pause === null) return
    clearInterval(this.#probeTimer)
    this.#pause = null
    this.#trial = 'none'
    this.#options.onResumed(pause)
    this.#onRoom()
  }

  #probe(reason: PauseReason): void {
    if (reason !== 'knot_unauthorized') {
      if (this.#trial === 'none') this.#trial = 'due'
      this.#onRoom()
      return
    }
    void this.#options.credentialsAccepted().then(
      accepted => {
        if (accepted && this.#pause?.reason === reason) this.#end()
      },
      () => undefined,
    )
  }

  #blocks(kind: WorkKind): boolean {
    if (this.#pause === null) return false
    return this.#pause.reason !== 'knot_forbidden' || kind === 'push'
  }
}
