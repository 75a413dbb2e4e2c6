import { LABELS, PROCESS_METRICS } from './labels.ts'
import { LEFT_OUT } from './leftOut.ts'
import { createMetrics } from './metrics.ts'
import type { MetricDescription } from './instruments.ts'

const INTRODUCTION = `# Metrics

Generated from \`src/telemetry/\` by \`npm run docs\`; a test fails when it is stale. They are on \`/metrics\` of the admin
address (\`admin.host\`, \`admin.port\`), in the text format of Prometheus, one process each: sum over instances.

- Every label is bounded (last table): no user, card, key or offset is in one. What goes beyond a bound is \`other\`.
- Series whose labels are known before are there from the start with 0, so that the first event is an increase.
- A partition that moves away takes its series along.
- Counters count what a process did, also in a transaction that was lost and done again elsewhere
  (\`onfile_transactions_total{result="lost"}\`). The truth is in the topics.
- Lag is measured by positions against the last stable offset, and what is processed but not committed is still lag.
  It is 0 when caught up, also on an idle topic and behind transaction markers.
- Times come from record timestamps: where the issuer's topic has CreateTime, from the clock of its producer.

Rules that use them: [monitoring/prometheus/rules.yaml](../monitoring/prometheus/rules.yaml), one [runbook](runbooks) each. Dashboards:
[monitoring/grafana/dashboards](../monitoring/grafana/dashboards).
`

/** Every metric of onfile's own, as all roles together have it. */
export function metricDescriptions(): readonly MetricDescription[] {
  const { descriptions } = createMetrics({
    version: '',
    roles: ['ingest', 'decide', 'provision', 'switcher'],
    ingestInputs: [],
    ownInputs: [],
    failureReasons: [],
    status: () => [],
    processMetrics: false,
  })
  return descriptions
}

/** The page `docs/metrics.md`. */
export function metricsReference(): string {
  const rows = metricDescriptions().map(metric => {
    const labels = metric.labels.map(label => `\`${label}\``).join(', ')
    return `| \`${metric.name}\` | ${metric.type} | ${labels === '' ? '-' : labels} | ${unitOf(metric)} | ${metric.help} |`
  })
  const used = new Set(metricDescriptions().flatMap(({ labels }) => labels))
  const labels = [...used].sort().map(label => `| \`${label}\` | ${LABELS[label] ?? ''} |`)
  const ofProcess = Object.entries(PROCESS_METRICS).map(([name, meaning]) => `| \`${name}\` | ${meaning} |`)
  return [
    INTRODUCTION,
    '## onfile\n',
    '| name | type | labels | unit | |',
    '|---|---|---|---|---|',
    ...rows,
    '\n## The process\n',
    'From prom-client; there are more of them. These are used by rules and dashboards:\n',
    '| name | |',
    '|---|---|',
    ...ofProcess,
    '\n## Labels\n',
    '| label | values |',
    '|---|---|',
    ...labels,
    '\n## Left out, and why\n',
    '| asked for | instead |',
    '|---|---|',
    ...LEFT_OUT.map(([what, why]) => `| ${what} | ${why} |`),
    '',
  ].join('\n')
}

/** By the rules of Prometheus the name ends in the unit; a counter counts what stands before `_total`. */
function unitOf({ name, type }: MetricDescription): string {
  if (name.endsWith('_seconds')) return 'seconds'
  if (name.endsWith('_bytes')) return 'bytes'
  return type === 'counter' ? 'count' : '1'
}
