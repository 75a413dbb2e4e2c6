/** Asked again whenever it matters: the greater, the sooner. */
export type Urgency = () => number

interface Waiting {
  readonly urgency: Urgency
  readonly go: () => void
}

/**
 * Work of which one piece goes on at a time, the most urgent first, equals in the order in which they came. Whoever has the
 * turn may be overtaken where it lets others go first: what is urgent may only be known after something else has begun.
 */
export class Turns {
  private waiting: Waiting[] = []
  private taken = false

  /** Somebody has it. */
  get isTaken(): boolean {
    return this.taken
  }

  /** Waits for the turn, which must be ended. Throws the signal's reason where that is aborted before: no turn then. */
  take(urgency: Urgency, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(reasonOf(signal))
      const giveUp = (): void => {
        this.waiting = this.waiting.filter(other => other.go !== go)
        reject(reasonOf(signal!))
      }
      const go = (): void => {
        signal?.removeEventListener('abort', giveUp)
        resolve()
      }
      signal?.addEventListener('abort', giveUp)
      this.waiting.push({ urgency, go })
      this.next()
    })
  }

  /** The turn goes to whoever is more urgent than this, and comes back before those who are not. */
  giveWay(urgency: Urgency): Promise<void> {
    const own = urgency()
    if (!this.waiting.some(other => other.urgency() > own)) return Promise.resolve()
    return new Promise(go => {
      this.waiting.unshift({ urgency, go })
      this.end()
    })
  }

  end(): void {
    this.taken = false
    this.next()
  }

  private next(): void {
    const [first] = this.waiting
    if (this.taken || first === undefined) return
    const chosen = this.waiting.reduce((most, other) => (other.urgency() > most.urgency() ? other : most), first)
    this.waiting = this.waiting.filter(other => other !== chosen)
    this.taken = true
    chosen.go()
  }
}

function reasonOf(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason))
}
