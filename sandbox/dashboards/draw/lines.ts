import type { LinesPanel } from '../../../monitoring/grafana/panel.ts'
import type { NamedSeries, Span } from '../ask.ts'
import { clock, colourOf, escaped, shown, ticks } from './scale.ts'

const LEFT = 62
const BOTTOM = 20
const TOP = 6
const LEGEND_LINE = 15
const MOST_IN_LEGEND = 6

interface Size {
  readonly width: number
  readonly height: number
}

/** Lines or stacked areas over time, with a legend of last and highest values. */
export function drawLines(panel: LinesPanel, series: readonly NamedSeries[], span: Span, size: Size): string {
  const legendRows = Math.min(MOST_IN_LEGEND, series.length)
  const plot = { width: size.width - LEFT - 6, height: size.height - TOP - BOTTOM - legendRows * LEGEND_LINE - 4 }
  const stacks = panel.stacked === true ? stacked(series) : series.map(({ points }) => ({ points, base: null }))
  const limits = (panel.thresholds ?? []).flatMap(({ from, colour }) => (from === null ? [] : [{ from, colour }]))
  const highest = Math.max(0, ...stacks.flatMap(({ points }) => points.map(([, value]) => finite(value))))
  // A limit far above what happens would press everything flat.
  const near = limits.filter(({ from }) => from <= highest * 4)
  const steps = ticks(
    Math.max(highest, ...near.map(({ from }) => from * 1.1)),
    Math.max(2, Math.floor(plot.height / 34)),
  )
  const top = steps.at(-1)!
  const x = (at: number): number => LEFT + ((at - span.from) / (span.to - span.from)) * plot.width
  const y = (value: number): number => TOP + plot.height - (finite(value) / top) * plot.height
  const parts = steps.map(
    step =>
      `<line class="grid" x1="${LEFT}" x2="${LEFT + plot.width}" y1="${r(y(step))}" y2="${r(y(step))}"/>` +
      `<text class="axis" x="${LEFT - 6}" y="${r(y(step) + 4)}" text-anchor="end">${escaped(shown(step, panel.unit))}</text>`,
  )
  for (const share of [0.05, 0.35, 0.65, 0.95]) {
    const at = span.from + share * (span.to - span.from)
    parts.push(
      `<text class="axis" x="${r(x(at))}" y="${TOP + plot.height + 15}" text-anchor="middle">${clock(at)}</text>`,
    )
  }
  const order = panel.stacked === true ? [...stacks.keys()].reverse() : [...stacks.keys()]
  for (const index of order)
    parts.push(path(stacks[index]!, colourIn(panel, series, index), x, y, panel.stacked === true))
  for (const { from, colour } of near) {
    parts.push(
      `<line class="limit ${colour}" x1="${LEFT}" x2="${LEFT + plot.width}" y1="${r(y(from))}" y2="${r(y(from))}"/>`,
    )
  }
  parts.push(...legend(panel, series, TOP + plot.height + BOTTOM + 10, size.width))
  return `<svg width="${size.width}" height="${size.height}">${parts.join('')}</svg>`
}

interface Stack {
  readonly points: readonly (readonly [number, number])[]
  /** Lower edge by time; null: the axis. */
  readonly base: ReadonlyMap<number, number> | null
}

function stacked(series: readonly NamedSeries[]): Stack[] {
  const sums = new Map<number, number>()
  return series.map(({ points }) => {
    const base = new Map(points.map(([at]) => [at, sums.get(at) ?? 0]))
    const raised = points.map(([at, value]) => {
      const sum = (sums.get(at) ?? 0) + finite(value)
      sums.set(at, sum)
      return [at, sum] as const
    })
    return { points: raised, base }
  })
}

function path(
  { points, base }: Stack,
  colour: string,
  x: (at: number) => number,
  y: (value: number) => number,
  isFull: boolean,
): string {
  return runs(points)
    .map(run => {
      const line = run.map(([at, value]) => `${r(x(at))},${r(y(value))}`)
      const floor = run.toReversed().map(([at]) => `${r(x(at))},${r(y(base?.get(at) ?? 0))}`)
      const area = `<polygon points="${[...line, ...floor].join(' ')}" fill="${colour}" opacity="${isFull ? 0.55 : 0.05}"/>`
      return `${area}<polyline points="${line.join(' ')}" fill="none" stroke="${colour}" stroke-width="1.4"/>`
    })
    .join('')
}

/** Points without a gap between them. */
function runs(points: Stack['points']): (readonly [number, number])[][] {
  const found: (readonly [number, number])[][] = []
  let last = Number.NEGATIVE_INFINITY
  for (const point of points) {
    if (!Number.isFinite(point[1])) continue
    if (point[0] - last > 1.5) found.push([])
    found.at(-1)!.push(point)
    last = point[0]
  }
  return found
}

function legend(panel: LinesPanel, series: readonly NamedSeries[], top: number, width: number): string[] {
  return series.slice(0, MOST_IN_LEGEND).map((one, index) => {
    const values = one.points.map(([, value]) => value).filter(Number.isFinite)
    const more =
      index === MOST_IN_LEGEND - 1 && series.length > MOST_IN_LEGEND ? ` and ${series.length - index - 1} more` : ''
    const y = top + index * LEGEND_LINE
    return (
      `<rect x="8" y="${y - 8}" width="12" height="4" fill="${colourIn(panel, series, index)}"/>` +
      `<text class="legend" x="26" y="${y}">${escaped(one.name + more)}</text>` +
      `<text class="legend" x="${width - 100}" y="${y}" text-anchor="end">${escaped(shown(values.at(-1) ?? NaN, panel.unit))}</text>` +
      `<text class="legend dim" x="${width - 10}" y="${y}" text-anchor="end">max ${escaped(shown(Math.max(...values), panel.unit))}</text>`
    )
  })
}

function colourIn(panel: LinesPanel, series: readonly NamedSeries[], index: number): string {
  return panel.colours?.[series[index]!.name] ?? colourOf(index)
}

function finite(value: number): number {
  return Number.isFinite(value) ? value : 0
}

function r(value: number): string {
  return value.toFixed(1)
}
