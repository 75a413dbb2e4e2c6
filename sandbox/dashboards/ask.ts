import { place } from '../../monitoring/grafana/dashboardJson.ts'
import type { Placed } from '../../monitoring/grafana/dashboardJson.ts'
import type { Dashboard, Panel } from '../../monitoring/grafana/panel.ts'
import type { PrometheusServer, Series } from '../prometheus/server.ts'

/** A series of a panel under the name that its legend gives it. */
export interface NamedSeries extends Series {
  readonly name: string
}

/** A place of the page with what Prometheus answered for it. */
export type Answered =
  | Extract<Placed, { heading: string }>
  | (Exclude<Placed, { heading: string }> & {
      readonly series: readonly NamedSeries[]
      /** What is wrong with it; empty when nothing is. */
      readonly problems: readonly string[]
    })

/** The time that a page shows, seconds since the epoch. */
export interface Span {
  readonly from: number
  readonly to: number
}

const STEP_SECONDS = 1
/** What Grafana would put in for a scrape each second, with enough in it for a rate. */
const RATE_INTERVAL_SECONDS = 10

/** Runs every query of a dashboard, as Grafana would. */
export async function ask(prometheus: PrometheusServer, dashboard: Dashboard, span: Span): Promise<Answered[]> {
  const answered: Answered[] = []
  for (const placed of place(dashboard)) {
    if ('heading' in placed) answered.push(placed)
    else answered.push({ ...placed, ...(await answersFor(prometheus, placed.panel, span)) })
  }
  return answered
}

async function answersFor(
  prometheus: PrometheusServer,
  panel: Panel,
  span: Span,
): Promise<{ series: readonly NamedSeries[]; problems: readonly string[] }> {
  const series: NamedSeries[] = []
  const problems: string[] = []
  for (const { expr, legend } of panel.targets) {
    const query = filledIn(expr, span)
    try {
      const answer =
        panel.kind === 'table' || panel.kind === 'bars'
          ? await prometheus.instant(query, span.to)
          : await prometheus.range(query, span.from, span.to, STEP_SECONDS)
      const live = answer.filter(({ points }) => points.some(([, value]) => Number.isFinite(value)))
      if (live.length === 0 && panel.emptyWhen === undefined) problems.push(`no data: ${query}`)
      for (const label of labelsOf(legend)) {
        if (live.length > 0 && !live.some(({ labels }) => label in labels)) problems.push(`no label ${label}: ${query}`)
      }
      series.push(...live.map(one => ({ ...one, name: named(legend, one.labels) })))
    } catch (error) {
      problems.push(`${error instanceof Error ? error.message : String(error)}: ${query}`)
    }
  }
  return { series, problems }
}

function filledIn(expr: string, { from, to }: Span): string {
  return expr
    .replaceAll('$__rate_interval', `${RATE_INTERVAL_SECONDS}s`)
    .replaceAll('$__range', `${Math.ceil(to - from)}s`)
    .replaceAll('$job', '.+')
}

function labelsOf(legend: string): string[] {
  return [...legend.matchAll(/\{\{\s*(\w+)\s*\}\}/g)].map(([, label]) => label!)
}

function named(legend: string, labels: Readonly<Record<string, string>>): string {
  return legend.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, label: string) => labels[label] ?? '')
}
