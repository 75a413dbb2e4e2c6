import type { Dashboard, Panel, Target, Threshold } from './panel.ts'

const DATASOURCE = { type: 'prometheus', uid: '${datasource}' }
const COLUMNS = 24

/** A panel with its place on the page, in Grafana's grid. */
export interface PlacedPanel {
  readonly id: number
  readonly panel: Panel
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
}

/** A heading or a panel, from top to bottom. */
export type Placed = { readonly heading: string; readonly y: number; readonly id: number } | PlacedPanel

/** Sets rows below each other, and the panels of a row from left to right. */
export function place(dashboard: Dashboard): Placed[] {
  const placed: Placed[] = []
  let y = 0
  let id = 1
  for (const row of dashboard.rows) {
    placed.push({ heading: row.title, y, id: id++ })
    y += 1
    let x = 0
    for (const panel of row.panels) {
      if (x + panel.width > COLUMNS) {
        x = 0
        y += row.height
      }
      placed.push({ id: id++, panel, gridPos: { x, y, w: panel.width, h: row.height } })
      x += panel.width
    }
    y += row.height
  }
  return placed
}

/** The file that Grafana imports or provisions: without an id of its own, with the data source as a variable. */
export function dashboardJson(dashboard: Dashboard): string {
  const { uid, title, description } = dashboard
  const json = {
    id: null,
    uid,
    title,
    description,
    tags: ['onfile'],
    schemaVersion: 39,
    version: 1,
    editable: true,
    graphTooltip: 1,
    refresh: '30s',
    time: { from: 'now-3h', to: 'now' },
    timezone: 'browser',
    links: [
      { type: 'dashboards', title: 'onfile', tags: ['onfile'], asDropdown: false, includeVars: true, keepTime: true },
    ],
    templating: { list: [datasourceVariable(), jobVariable()] },
    annotations: { list: [startsAnnotation()] },
    panels: place(dashboard).map(placed =>
      'heading' in placed
        ? {
            type: 'row',
            id: placed.id,
            title: placed.heading,
            collapsed: false,
            panels: [],
            gridPos: { x: 0, y: placed.y, w: COLUMNS, h: 1 },
          }
        : panelJson(placed),
    ),
  }
  return `${JSON.stringify(json, null, 2)}\n`
}

function datasourceVariable(): object {
  return { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus', current: {}, hide: 0 }
}

function jobVariable(): object {
  return {
    name: 'job',
    label: 'Installation',
    type: 'query',
    datasource: DATASOURCE,
    query: { query: 'label_values(onfile_build_info, job)', refId: 'job' },
    definition: 'label_values(onfile_build_info, job)',
    refresh: 2,
    includeAll: true,
    allValue: '.+',
    multi: true,
    current: { selected: true, text: ['All'], value: ['$__all'] },
  }
}

/** A line where a process started: most of what changes at once changes there. */
function startsAnnotation(): object {
  return {
    name: 'Starts',
    datasource: DATASOURCE,
    enable: true,
    iconColor: 'blue',
    expr: 'changes(process_start_time_seconds{job=~"$job"}[1m]) > 0',
    titleFormat: 'start of {{instance}}',
  }
}

function panelJson({ id, panel, gridPos }: PlacedPanel): object {
  return {
    id,
    title: panel.title,
    description: panel.description,
    gridPos,
    datasource: DATASOURCE,
    targets: panel.targets.map((target, index) => targetJson(panel, target, index)),
    ...lookOf(panel),
  }
}

function targetJson({ kind }: Panel, { expr, legend }: Target, index: number): object {
  return {
    refId: String.fromCharCode(65 + index),
    datasource: DATASOURCE,
    expr,
    legendFormat: legend,
    ...(kind === 'heatmap' ? { format: 'heatmap' } : {}),
    ...(kind === 'table' ? { format: 'table', instant: true, range: false } : {}),
    ...(kind === 'bars' ? { instant: true, range: false } : {}),
  }
}

function lookOf(panel: Panel): object {
  const { unit } = panel
  switch (panel.kind) {
    case 'stat':
      return {
        type: 'stat',
        fieldConfig: { defaults: { unit, ...whole(unit), ...colouring(panel.thresholds) }, overrides: [] },
        options: {
          reduceOptions: { calcs: ['lastNotNull'] },
          colorMode: 'value',
          graphMode: 'area',
          textMode: 'value',
        },
      }
    case 'lines':
      return {
        type: 'timeseries',
        fieldConfig: {
          defaults: {
            unit,
            min: 0,
            custom: {
              lineWidth: 1,
              fillOpacity: panel.stacked === true ? 60 : 10,
              showPoints: 'never',
              stacking: { mode: panel.stacked === true ? 'normal' : 'none' },
              ...(panel.thresholds === undefined ? {} : { thresholdsStyle: { mode: 'dashed' } }),
            },
            ...(panel.thresholds === undefined ? {} : { thresholds: stepsOf(panel.thresholds) }),
          },
          overrides: Object.entries(panel.colours ?? {}).map(([name, colour]) => ({
            matcher: { id: 'byName', options: name },
            properties: [{ id: 'color', value: { mode: 'fixed', fixedColor: colour } }],
          })),
        },
        options: {
          legend: { displayMode: 'table', placement: 'bottom', calcs: ['lastNotNull', 'max'] },
          tooltip: { mode: 'multi', sort: 'desc' },
        },
      }
    case 'bars':
      return {
        type: 'bargauge',
        fieldConfig: { defaults: { unit, ...whole(unit), min: 0, color: { mode: 'continuous-BlPu' } }, overrides: [] },
        options: { orientation: 'horizontal', displayMode: 'gradient', reduceOptions: { calcs: ['lastNotNull'] } },
      }
    case 'heatmap':
      return {
        type: 'heatmap',
        fieldConfig: { defaults: { unit: 'short' }, overrides: [] },
        options: { calculate: false, color: { scheme: 'Spectral', mode: 'scheme' }, yAxis: { unit }, cellGap: 1 },
      }
    case 'table':
      return {
        type: 'table',
        fieldConfig: { defaults: { unit, ...whole(unit) }, overrides: [] },
        options: { showHeader: true, sortBy: [{ displayName: 'Value', desc: true }] },
        transformations: [
          { id: 'filterFieldsByName', options: { include: { names: [...panel.columns, 'Value'] } } },
          {
            id: 'organize',
            options: { indexByName: Object.fromEntries([...panel.columns, 'Value'].map((name, at) => [name, at])) },
          },
        ],
      }
  }
}

/** `increase()` extrapolates: a count of things is shown as a whole number. */
function whole(unit: string): object {
  return unit === 'short' || unit === 'none' ? { decimals: 0 } : {}
}

function colouring(thresholds: readonly Threshold[]): object {
  return { color: { mode: 'thresholds' }, thresholds: stepsOf(thresholds) }
}

function stepsOf(thresholds: readonly Threshold[]): object {
  return { mode: 'absolute', steps: thresholds.map(({ from, colour }) => ({ value: from, color: colour })) }
}
