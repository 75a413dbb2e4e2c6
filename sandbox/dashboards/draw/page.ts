import type { Dashboard, Panel } from '../../../monitoring/grafana/panel.ts'
import type { Answered, NamedSeries, Span } from '../ask.ts'
import { drawLines } from './lines.ts'
import { clock, escaped } from './scale.ts'
import { drawBars, drawHeatmap, drawStat, drawTable } from './shapes.ts'

const COLUMN_PX = 60
const ROW_PX = 30
const GAP_PX = 8
const TITLE_PX = 30

const STYLE = `
body { margin: 16px; background: #111217; color: #ccccdc; font: 13px Inter, "DejaVu Sans", sans-serif; width: ${24 * COLUMN_PX}px }
h1 { font-size: 20px; font-weight: 500; margin: 0 0 2px } .sub { color: #8e8e9e; margin: 0 0 14px }
.page { position: relative } .panel { position: absolute; background: #181b1f; border: 1px solid #25282e; border-radius: 3px; overflow: hidden }
.panel h3 { margin: 0; padding: 7px 10px 0; font-size: 13px; font-weight: 500; height: 20px; white-space: nowrap }
.panel.bad { border-color: #f2495c } .none { color: #8e8e9e; text-align: center; padding: 30px 12px }
.row { position: absolute; font-size: 15px; font-weight: 500; line-height: 30px; color: #d8d9da }
.grid { stroke: #2c3036; stroke-width: 1 } .axis { fill: #8e8e9e; font-size: 11px } .legend { fill: #ccccdc; font-size: 11.5px }
.dim { fill: #8e8e9e } .limit { stroke-width: 1.2; stroke-dasharray: 5 4 } .number { font-size: 30px; font-weight: 600 }
.course { fill: none; stroke-width: 1.5; opacity: .45 }
.green { fill: #73bf69; stroke: #73bf69 } .orange { fill: #ff9830; stroke: #ff9830 } .red { fill: #f2495c; stroke: #f2495c }
.blue { fill: #5794f2; stroke: #5794f2 } .text, .yellow { fill: #ccccdc; stroke: #ccccdc } .number { stroke: none } .course { fill: none }
table { width: 100%; border-collapse: collapse } td, th { text-align: left; padding: 3px 10px; border-bottom: 1px solid #25282e; font-weight: 400 }
th { color: #8e8e9e } .value { text-align: right }`

/** One dashboard as a page without a script, laid out as Grafana would: to look at where there is no Grafana. */
export function drawPage(dashboard: Dashboard, answered: readonly Answered[], span: Span): string {
  return [
    `<!doctype html><meta charset="utf-8"><title>${escaped(dashboard.title)}</title><style>${STYLE}</style>`,
    `<h1>${escaped(dashboard.title)}</h1>`,
    `<p class="sub">${escaped(dashboard.description)} &nbsp; ${clock(span.from)} to ${clock(span.to)} UTC</p>`,
    `<div class="page" style="height:${rowsOf(answered) * ROW_PX}px">`,
    ...answered.map(placed => drawPlaced(placed, span)),
    '</div>',
  ].join('\n')
}

/** Height of the whole page, pixels. */
export function pageHeight(answered: readonly Answered[]): number {
  return rowsOf(answered) * ROW_PX + 96
}

function rowsOf(answered: readonly Answered[]): number {
  return Math.max(...answered.map(placed => ('heading' in placed ? placed.y + 1 : placed.gridPos.y + placed.gridPos.h)))
}

function drawPlaced(placed: Answered, span: Span): string {
  if ('heading' in placed) {
    return `<div class="row" style="top:${placed.y * ROW_PX}px;left:4px">${escaped(placed.heading)}</div>`
  }
  const { panel, series, problems, gridPos } = placed
  const box = { width: gridPos.w * COLUMN_PX - GAP_PX, height: gridPos.h * ROW_PX - GAP_PX }
  const place = `top:${gridPos.y * ROW_PX}px;left:${gridPos.x * COLUMN_PX}px;width:${box.width}px;height:${box.height}px`
  const content =
    problems.length > 0
      ? `<div class="none">${problems.map(escaped).join('<br>')}</div>`
      : series.length === 0
        ? `<div class="none">No data: ${escaped(panel.emptyWhen ?? '')}</div>`
        : drawPanel(panel, series, span, { width: box.width - 2, height: box.height - TITLE_PX })
  return (
    `<div class="panel${problems.length > 0 ? ' bad' : ''}" style="${place}" title="${escaped(panel.description)}">` +
    `<h3>${escaped(panel.title)}</h3>${content}</div>`
  )
}

function drawPanel(
  panel: Panel,
  series: readonly NamedSeries[],
  span: Span,
  size: { readonly width: number; readonly height: number },
): string {
  switch (panel.kind) {
    case 'stat':
      return drawStat(panel, series, size)
    case 'lines':
      return drawLines(panel, series, span, size)
    case 'bars':
      return drawBars(panel, series, size)
    case 'heatmap':
      return drawHeatmap(panel, series, span, size)
    case 'table':
      return drawTable(panel, series, size)
  }
}
