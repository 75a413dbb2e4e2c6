import type { BarsPanel, HeatmapPanel, StatPanel, TablePanel } from '../../../monitoring/grafana/panel.ts'
import type { NamedSeries, Span } from '../ask.ts'
import { clock, colourOf, escaped, shown, shownAlone } from './scale.ts'

interface Size {
  readonly width: number
  readonly height: number
}

/** One number in the colour of its threshold, with its course below. */
export function drawStat(panel: StatPanel, series: readonly NamedSeries[], { width, height }: Size): string {
  const values = (series[0]?.points ?? []).map(([, value]) => value).filter(Number.isFinite)
  const value = values.at(-1) ?? NaN
  const colour = panel.thresholds.findLast(({ from }) => from === null || value >= from)?.colour ?? 'text'
  const top = Math.max(...values, 0) || 1
  const course = values.map(
    (one, index) =>
      `${((index / Math.max(1, values.length - 1)) * width).toFixed(1)},${(height - (one / top) * 26).toFixed(1)}`,
  )
  return (
    `<svg width="${width}" height="${height}">` +
    `<polyline class="course ${colour}" points="${course.join(' ')}"/>` +
    `<text class="number ${colour}" x="${width / 2}" y="${height / 2 + 6}" text-anchor="middle">` +
    `${escaped(shownAlone(value, panel.unit))}</text></svg>`
  )
}

/** Newest values, longest bar first. */
export function drawBars(panel: BarsPanel, series: readonly NamedSeries[], { width, height }: Size): string {
  const sorted = series.toSorted((a, b) => newest(b) - newest(a))
  const line = Math.min(24, height / Math.max(1, sorted.length))
  const most = Math.max(...sorted.map(newest), 0) || 1
  const names = Math.min(220, width * 0.45)
  const bars = sorted.map((one, index) => {
    const y = index * line
    const length = (newest(one) / most) * (width - names - 80)
    return (
      `<text class="legend" x="${names - 8}" y="${(y + line / 2 + 4).toFixed(1)}" text-anchor="end">${escaped(one.name)}</text>` +
      `<rect x="${names}" y="${(y + 3).toFixed(1)}" width="${length.toFixed(1)}" height="${(line - 6).toFixed(1)}" rx="2" ` +
      `fill="${colourOf(1)}" opacity="${(0.45 + (0.55 * newest(one)) / most).toFixed(2)}"/>` +
      `<text class="legend" x="${(names + length + 8).toFixed(1)}" y="${(y + line / 2 + 4).toFixed(1)}">` +
      `${escaped(shownAlone(newest(one), panel.unit))}</text>`
    )
  })
  return `<svg width="${width}" height="${height}">${bars.join('')}</svg>`
}

/** Buckets over time: the more, the brighter. Cumulative buckets come in, single ones are drawn. */
export function drawHeatmap(
  panel: HeatmapPanel,
  series: readonly NamedSeries[],
  span: Span,
  { width, height }: Size,
): string {
  const rows = series
    .filter(({ labels }) => labels.le !== undefined && labels.le !== '+Inf')
    .toSorted((a, b) => Number(a.labels.le) - Number(b.labels.le))
  const counts = rows.map(({ points }, index) => {
    const below = new Map(rows[index - 1]?.points ?? [])
    return points.map(([at, value]) => [at, Math.max(0, value - (below.get(at) ?? 0))] as const)
  })
  const most = Math.max(...counts.flat().map(([, value]) => value), 0) || 1
  const left = 62
  const line = (height - 22) / Math.max(1, rows.length)
  const columns = 90
  const cell = (width - left - 6) / columns
  const cells = counts.flatMap((points, index) => {
    const sums = new Float64Array(columns)
    for (const [at, value] of points) {
      const column = Math.min(columns - 1, Math.floor(((at - span.from) / (span.to - span.from)) * columns))
      sums[column] = Math.max(sums[column]!, value)
    }
    const y = height - 22 - (index + 1) * line
    return [...sums].flatMap((value, column) =>
      value <= 0
        ? []
        : [
            `<rect x="${(left + column * cell).toFixed(1)}" y="${y.toFixed(1)}" width="${(cell - 0.6).toFixed(1)}" ` +
              `height="${(line - 1).toFixed(1)}" fill="${heat(Math.sqrt(value / most))}"/>`,
          ],
    )
  })
  const axis = rows.map(
    ({ labels }, index) =>
      `<text class="axis" x="${left - 6}" y="${(height - 22 - index * line - line / 2 + 4).toFixed(1)}" text-anchor="end">` +
      `${escaped(shown(Number(labels.le), panel.unit))}</text>`,
  )
  const times = [0.1, 0.5, 0.9].map(share => {
    const at = span.from + share * (span.to - span.from)
    return `<text class="axis" x="${(left + share * (width - left)).toFixed(1)}" y="${height - 4}" text-anchor="middle">${clock(at)}</text>`
  })
  return `<svg width="${width}" height="${height}">${[...cells, ...axis, ...times].join('')}</svg>`
}

/** Labels as columns and the value behind them. */
export function drawTable(panel: TablePanel, series: readonly NamedSeries[], { height }: Size): string {
  const rows = series
    .toSorted((a, b) => newest(b) - newest(a))
    .slice(0, Math.floor((height - 26) / 23))
    .map(one => {
      const cells = panel.columns.map(column => `<td>${escaped(one.labels[column] ?? '')}</td>`)
      return `<tr>${cells.join('')}<td class="value">${escaped(shownAlone(newest(one), panel.unit))}</td></tr>`
    })
  const heads = panel.columns.map(column => `<th>${escaped(column)}</th>`)
  return `<table><tr>${heads.join('')}<th class="value">Value</th></tr>${rows.join('')}</table>`
}

function newest({ points }: NamedSeries): number {
  return points.findLast(([, value]) => Number.isFinite(value))?.[1] ?? 0
}

/** From dark blue over violet to yellow. */
function heat(share: number): string {
  const stops = [
    [28, 38, 92],
    [120, 40, 140],
    [226, 90, 80],
    [250, 220, 90],
  ] as const
  const at = Math.min(0.999, share) * (stops.length - 1)
  const from = stops[Math.floor(at)]!
  const to = stops[Math.floor(at) + 1]!
  const mixed = from.map((one, index) => Math.round(one + (to[index]! - one) * (at % 1)))
  return `rgb(${mixed.join(',')})`
}
