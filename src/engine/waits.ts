/** Why something does not go on, and since when (wall clock, milliseconds). */
export interface Wait {
  readonly reason: string
  readonly sinceMs: number
}

/**
 * What a task waits for, kept apart by who waits: the commits go on while the input stands still for a schema, and what
 * ends the wait of the one says nothing of the other.
 */
export class Waits {
  private commitWait: Wait | null = null
  private inputWait: Wait | null = null

  /** Null when it is over; another reason for the same wait leaves its beginning as it is. */
  readonly commit = (reason: string | null): void => {
    this.commitWait = follow(this.commitWait, reason)
  }

  /** As `commit`. */
  readonly input = (reason: string | null): void => {
    this.inputWait = follow(this.inputWait, reason)
  }

  /**
   * The commit's first: while it is in doubt nothing else becomes true. `now` is what it is held up by at this moment, where
   * that is known: the doubt began with a broker that went away, and lasts because of a right that is missing since. Null
   * while nothing waits.
   */
  shown(now: string | undefined): Wait | null {
    const { commitWait } = this
    if (commitWait === null) return this.inputWait
    if (now === undefined || commitWait.reason.includes(now)) return commitWait
    return { ...commitWait, reason: `${commitWait.reason}; now: ${now}` }
  }
}

function follow(before: Wait | null, reason: string | null): Wait | null {
  return reason === null ? null : { reason, sinceMs: before?.sinceMs ?? Date.now() }
}
