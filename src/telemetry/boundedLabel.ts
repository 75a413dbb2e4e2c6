/** What stands in a label for every value beyond the bound. */
export const OTHER_LABEL = 'other'

/**
 * Bounds the values of one label: the first `limit` distinct values pass, later ones become `other`. For labels whose
 * values come from outside (a failure reason of Knot's, the kind of a webhook): no input may grow a metric without end.
 */
export class BoundedLabel {
  private readonly limit: number
  private readonly seen: Set<string>

  /** @param known values that always pass, within the limit */
  constructor(limit: number, known: Iterable<string> = []) {
    this.limit = limit
    this.seen = new Set(known)
  }

  /** Also shortens: a label value is a name, never a text. */
  bound(value: string): string {
    if (this.seen.has(value)) return value
    if (this.seen.size >= this.limit || value.length > 64) return OTHER_LABEL
    this.seen.add(value)
    return value
  }
}
