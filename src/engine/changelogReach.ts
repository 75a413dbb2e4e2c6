/**
 * How far the changelog reaches with one cycle, over all attempts to commit it: what the cycle's mark says. It is asked anew
 * for each attempt, by where the broker has put the records: an attempt that was aborted leaves its records and its marker
 * in the log, and those of the next one stand behind them. A mark that counted on from before them would be so much too low,
 * and a tail as long as that could be lost without a word.
 */
export class ChangelogReach {
  private readonly changes: number
  /** The log ends there or later. */
  private known: number
  private missing = 0

  /** `before`: where it ended at least, markers included, before the cycle; `changes`: records that the cycle adds. */
  constructor(before: number, changes: number) {
    this.known = before
    this.changes = changes
  }

  /**
   * Where the changelog ends once this attempt is committed: behind one marker. `next` is the offset behind its last
   * change, as step 2 was answered; undefined where the cycle changes nothing.
   *
   * Where an attempt finds the log shorter than it was, what is missing stays on top for all that follow: such a mark is
   * one that the log never reaches, however far it grows over the gap.
   */
  endWith(next: number | undefined): number {
    if (next === undefined) return this.known
    this.missing = Math.max(this.missing, this.known + this.changes - next)
    this.known = Math.max(this.known, next)
    return next + 1 + this.missing
  }

  /** The changelog is another one than before, or has lost records under us, however few. */
  get hasLost(): boolean {
    return this.missing > 0
  }
}
