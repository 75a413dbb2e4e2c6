/** Colours of series, in order; readable on dark. */
export const PALETTE = [
  '#73bf69',
  '#5794f2',
  '#ff9830',
  '#f2495c',
  '#b877d9',
  '#f2cc0c',
  '#56d2c2',
  '#ff7383',
  '#8ab8ff',
  '#c0d8ff',
  '#96d98d',
  '#ffb357',
] as const

export function colourOf(index: number): string {
  return PALETTE[index % PALETTE.length]!
}

/** Text that may stand in HTML and SVG. */
export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
}

/** A value as a person reads it, in one of the units of the dashboards. */
export function shown(value: number, unit: string): string {
  if (!Number.isFinite(value)) return '-'
  switch (unit) {
    case 's':
      return seconds(value)
    case 'percentunit':
      return `${rounded(100 * value)} %`
    case 'bytes':
      return bytes(value)
    case 'cps':
    case 'reqps':
      return `${rounded(value)}/s`
    case 'cpm':
      return `${rounded(value)}/min`
    default:
      return rounded(value)
  }
}

function seconds(value: number): string {
  if (value === 0) return '0'
  if (value < 0.001) return `${rounded(1e6 * value)} µs`
  if (value < 1) return `${rounded(1_000 * value)} ms`
  return value < 120 ? `${rounded(value)} s` : `${rounded(value / 60)} min`
}

function bytes(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB']
  let at = 0
  let left = value
  while (left >= 1024 && at < units.length - 1) {
    left /= 1024
    at++
  }
  return `${rounded(left)} ${units[at]!}`
}

function rounded(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2
  return String(Number(value.toFixed(digits)))
}

/** The same for one number that stands for itself: things are counted in whole ones (`increase()` extrapolates). */
export function shownAlone(value: number, unit: string): string {
  const counts = unit === 'short' || unit === 'none'
  return shown(counts ? Math.round(value) : value, unit)
}

/** About `count` round numbers from 0 to at least `max`. */
export function ticks(max: number, count: number): number[] {
  if (!(max > 0)) return [0, 1]
  const rough = max / count
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 2.5, 5, 10].map(factor => factor * power).find(size => size >= rough)!
  return Array.from({ length: Math.ceil(max / step - 1e-9) + 1 }, (_, index) => index * step)
}

/** `12:34:56` of a time in seconds, UTC. */
export function clock(at: number): string {
  return new Date(at * 1_000).toISOString().slice(11, 19)
}
