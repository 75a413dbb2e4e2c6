import { asked } from '../../../monitoring/promql.ts'
import { PROCESS_METRICS } from '../../../src/telemetry/labels.ts'
import { metricDescriptions } from '../../../src/telemetry/reference.ts'

/** What Prometheus adds to every series that it scrapes, and `le` of a histogram. */
const ADDED_LABELS = ['job', 'instance', 'le']
/** Whether a target answered. */
const OF_PROMETHEUS = ['up']

/**
 * Metrics and labels that `expr` names and that do not exist: as onfile exposes them, as prom-client does where
 * docs/metrics.md says so, or as `recorded` names them.
 */
export function unknownNames(expr: string, recorded: readonly string[]): string[] {
  const { metrics, labels } = asked(expr)
  const ofMetric = new Map<string, readonly string[]>()
  for (const { name, type, labels: own } of metricDescriptions()) {
    const names = type === 'histogram' ? ['_bucket', '_sum', '_count'].map(suffix => name + suffix) : [name]
    for (const series of names) ofMetric.set(series, own)
  }
  for (const name of [...Object.keys(PROCESS_METRICS), ...OF_PROMETHEUS, ...recorded]) ofMetric.set(name, [])
  const known = new Set([...ADDED_LABELS, ...metrics.flatMap(name => ofMetric.get(name) ?? [])])
  return [...metrics.filter(name => !ofMetric.has(name)), ...labels.filter(label => !known.has(label))]
}
