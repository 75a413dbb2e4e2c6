interface Waiter {
  /** Number of the first request whose answer counts. */
  readonly from: number
  readonly resolve: (sentMs: number) => void
  readonly reject: (error: Error) => void
}

/**
 * Which requests the group has answered as "you are a member", and who waits for the next such answer. What counts is
 * when a request was *sent*: an answer says nothing about the time after that.
 */
export class Confirmations {
  private sent = 0
  private lastSentMs = Number.NEGATIVE_INFINITY
  private waiters: Waiter[] = []

  /** Somebody waits: the next heartbeat should not be put off. */
  get wanted(): boolean {
    return this.waiters.length > 0
  }

  /** Milliseconds since the sending of the last request that was answered; infinite before the first. */
  ageMs(): number {
    return performance.now() - this.lastSentMs
  }

  /** Called before a request goes out; the result is called when its answer confirms this member. */
  begin(): () => void {
    const number = ++this.sent
    const sentMs = performance.now()
    return () => {
      this.lastSentMs = Math.max(this.lastSentMs, sentMs)
      const ready = this.waiters.filter(({ from }) => from <= number)
      this.waiters = this.waiters.filter(({ from }) => from > number)
      for (const { resolve } of ready) resolve(sentMs)
    }
  }

  /**
   * Resolves with the answer to a request sent after this call, with the time (monotonic, in milliseconds) of its sending.
   * Rejects with the signal's reason.
   */
  next(signal: AbortSignal | undefined): Promise<number> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error)
      const done = () => signal?.removeEventListener('abort', abort)
      const waiter: Waiter = {
        from: this.sent + 1,
        resolve: sentMs => {
          done()
          resolve(sentMs)
        },
        reject: error => {
          done()
          reject(error)
        },
      }
      const abort = () => {
        this.waiters = this.waiters.filter(other => other !== waiter)
        reject(signal?.reason as Error)
      }
      signal?.addEventListener('abort', abort, { once: true })
      this.waiters.push(waiter)
    })
  }

  rejectAll(error: Error): void {
    const { waiters } = this
    this.waiters = []
    for (const { reject } of waiters) reject(error)
  }
}
