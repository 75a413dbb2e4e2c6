/** One alert, as rules, runbooks and tests read it. */
export interface Alert {
  /** `Onfile…`: also the name of its page in `docs/runbooks/`. */
  readonly name: string
  /** `page`: somebody must act now, at night too. `ticket`: within a working day. */
  readonly severity: 'page' | 'ticket'
  /** Keeps `job`, so that two installations in one Prometheus do not hide each other. */
  readonly expr: string
  /** How long the expression must hold; absent: at once. */
  readonly for?: string
  /** One line: what is wrong. */
  readonly summary: string
  /** With the number, in Prometheus' template language. */
  readonly description: string
}

/** A series that is computed once for several rules. */
export interface RecordingRule {
  /** `level:metric:operation`. */
  readonly record: string
  readonly expr: string
}

export interface RuleGroup {
  readonly name: string
  /** How often it is evaluated; absent: the server's own interval. */
  readonly interval?: string
  readonly rules: readonly (Alert | RecordingRule)[]
}

export function isAlert(rule: Alert | RecordingRule): rule is Alert {
  return 'name' in rule
}
