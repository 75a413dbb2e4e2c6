/** One query of a panel. */
export interface Target {
  /** PromQL. `$job` and Grafana's `$__rate_interval`, `$__range` may stand in it. */
  readonly expr: string
  /** Name of its series; `{{label}}` is filled in. */
  readonly legend: string
}

/** Colour from a value on; the first one is the base. */
export interface Threshold {
  readonly from: number | null
  readonly colour: 'green' | 'yellow' | 'orange' | 'red' | 'blue' | 'text'
}

interface Described {
  readonly title: string
  /** What a person should read out of it. */
  readonly description: string
  /** Grafana's unit: `s`, `short`, `percentunit`, `bytes`, `reqps`, `cpm`, `none`. */
  readonly unit: string
  readonly targets: readonly Target[]
  /** Of 24 columns. */
  readonly width: number
  /** Why it may have no data on a healthy system; absent: then something is wrong. */
  readonly emptyWhen?: string
}

/** One number, coloured by its thresholds, the newest value of its one query. */
export interface StatPanel extends Described {
  readonly kind: 'stat'
  readonly thresholds: readonly Threshold[]
}

/** Lines over time. */
export interface LinesPanel extends Described {
  readonly kind: 'lines'
  /** On top of each other: where the sum means something. */
  readonly stacked?: boolean
  /** Colour by the name of a series, where the name means something. */
  readonly colours?: Readonly<Record<string, string>>
  readonly thresholds?: readonly Threshold[]
}

/** Newest values, longest bar first. */
export interface BarsPanel extends Described {
  readonly kind: 'bars'
}

/** Distribution over time, from one query of buckets by `le`. */
export interface HeatmapPanel extends Described {
  readonly kind: 'heatmap'
}

/** Newest values with their labels, one row each. */
export interface TablePanel extends Described {
  readonly kind: 'table'
  /** Labels that are columns, in order. */
  readonly columns: readonly string[]
}

export type Panel = StatPanel | LinesPanel | BarsPanel | HeatmapPanel | TablePanel

/** Panels under one heading, set from left to right and wrapped at 24 columns. */
export interface Row {
  readonly title: string
  /** Of its panels, in Grafana's units of 30 px. */
  readonly height: number
  readonly panels: readonly Panel[]
}

export interface Dashboard {
  /** Name of its file and of its address in Grafana. */
  readonly uid: string
  readonly title: string
  readonly description: string
  readonly rows: readonly Row[]
}

export const GOOD_IS_LOW = (warnAt: number, badAt: number): readonly Threshold[] => [
  { from: null, colour: 'green' },
  { from: warnAt, colour: 'orange' },
  { from: badAt, colour: 'red' },
]

export const GOOD_IS_HIGH = (warnBelow: number, goodFrom: number): readonly Threshold[] => [
  { from: null, colour: 'red' },
  { from: warnBelow, colour: 'orange' },
  { from: goodFrom, colour: 'green' },
]

/** No judgement: a number to know. */
export const PLAIN: readonly Threshold[] = [{ from: null, colour: 'blue' }]
