/**
 * What a commit says of itself in the offset's metadata, as `cycle=42 changelog=1007 owner=7001:3`: whoever reads it knows
 * which cycle of which owner was the last, and how far the changelog must reach.
 */
export interface CycleMark {
  /** One more than that of the cycle before, whoever wrote it. */
  readonly number: number
  /** The changelog ends there or later once the cycle is committed; 0 for a role without one. */
  readonly changelogEnd: number
  /**
   * Producer id and epoch that the lock was given with: a coordinator gives the same pair to nobody else. Without it the
   * first cycle of an heir, who numbers on from the last committed one, looks like the one that its predecessor had in
   * doubt. Null where an earlier build wrote it.
   */
  readonly owner: string | null
  /**
   * From where on the changelog holds the whole state: 0, but where an operator has accepted that its beginning is lost.
   * Compaction never moves the start of a log; deleting records does.
   */
  readonly changelogStart: number
}

const NO_MARK: CycleMark = { number: 0, changelogEnd: 0, owner: null, changelogStart: 0 }
/** Further fields are those of a newer release. */
const MARK =
  /^cycle=(\d{1,15}) changelog=(\d{1,15})(?: owner=(\d{1,19}:\d{1,5}))?(?: start=(\d{1,15}))?(?: [a-z]+=\S*)*$/

export function ownerOfLock({ producerId, epoch }: { readonly producerId: bigint; readonly epoch: number }): string {
  return `${producerId}:${epoch}`
}

export function cycleMetadata({ number, changelogEnd, owner, changelogStart }: CycleMark): string {
  const by = owner === null ? '' : ` owner=${owner}`
  const from = changelogStart === 0 ? '' : ` start=${changelogStart}`
  return `cycle=${number} changelog=${changelogEnd}${by}${from}`
}

/** False for an offset that the engine did not write: a first start, or one moved by an operator. */
export function hasMark({ number }: CycleMark): boolean {
  return number > 0
}

/** Zeros for an offset that the engine did not write. */
export function cycleMarkOf(metadata: string): CycleMark {
  const match = MARK.exec(metadata)
  if (match === null) return NO_MARK
  return {
    number: Number(match[1]),
    changelogEnd: Number(match[2]),
    owner: match[3] ?? null,
    changelogStart: Number(match[4] ?? 0),
  }
}
