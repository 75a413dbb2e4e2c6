/** What a task knows of its place in the input. Offsets are -1 while unknown. */
export interface InputPlace {
  /** Next offset to process. */
  readonly position: number
  /** Next offset as committed. */
  readonly committedOffset: number
  readonly lastStableOffset: number
  /** Records that are processed, in a cycle that has not committed yet. */
  readonly uncommittedRecords: number
  /** Append time of the oldest record that is not committed, milliseconds; infinity when none is known. */
  readonly oldestMs: number
}

export interface Lag {
  readonly lagRecords: number
  readonly lagSeconds: number
}

const NONE: Lag = { lagRecords: 0, lagSeconds: 0 }

/**
 * What is processed but not committed still is lag: else a commit that is in doubt for an hour would look like none.
 * Without such records the position counts, which moves over markers and aborted records, so that a caught-up task has a
 * lag of 0 on an idle topic too, and never the age of the last record that it has seen.
 */
export function lagOf(place: InputPlace, nowMs: number): Lag {
  if (place.position < 0 || place.lastStableOffset < 0) return NONE
  const from = place.uncommittedRecords > 0 ? place.committedOffset : place.position
  const lagRecords = Math.max(0, place.lastStableOffset - from)
  if (lagRecords === 0) return NONE
  return { lagRecords, lagSeconds: Number.isFinite(place.oldestMs) ? Math.max(0, nowMs - place.oldestMs) / 1_000 : 0 }
}
