/**
 * One try of one alert, for `promtool test rules`: these series, and at that moment it fires with this description, or
 * does not.
 */
export interface AlertCase {
  readonly alert: string
  /** What happens, as a person would say it. */
  readonly what: string
  /** Samples in promtool's notation (`0+5x60`), by series. */
  readonly series: Readonly<Record<string, string>>
  /** Time from sample to sample, and from evaluation to evaluation; absent: a minute. */
  readonly sample?: string
  /** When it is looked at: `30m`. */
  readonly at: string
  /** The alert as it fires; null: it does not. */
  readonly fires: { readonly labels: Readonly<Record<string, string>>; readonly description: string } | null
}
