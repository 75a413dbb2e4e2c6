import type { HarnessResult } from './streams.ts'

/** What one side measured in one phase, one entry per round. */
export type Runs = readonly HarnessResult[]

/** Both sides of a phase. */
export interface Phase {
  readonly onfile: Runs
  readonly streams: Runs
}

/** A row of a comparison: where the figure is found, how it is shown, and what issue or plan asks of it. */
export interface Figure {
  readonly label: string
  readonly of: (run: HarnessResult) => number
  readonly digits: number
  /** `higher`: ratio is onfile / peer; `lower`: peer / onfile; `share`: onfile / peer, small is good. */
  readonly better: 'higher' | 'lower' | 'share' | 'none'
  /** The ratio (or share) to reach, null where nothing is asked. */
  readonly target: number | null
  /** An upper limit for onfile's own median. */
  readonly limit?: number
}

/** A number that the harness printed under `name`. Throws when it printed none: a table must not show NaN. */
export function numberOf(run: HarnessResult, name: string): number {
  const value = run[name]
  if (typeof value !== 'number') throw new Error(`The harness printed no ${name}: ${JSON.stringify(run)}`)
  return value
}

/** The middle one, or the mean of the two in the middle. Throws for none. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('The median of nothing')
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

function shown(value: number, digits: number): string {
  return value.toFixed(digits).replace(/\B(?=(\d{3})+(?=\.|$))(?<!\.\d*)/g, ',')
}

/** `median (least to greatest)`. */
export function spread(values: readonly number[], digits: number): string {
  const range = `${shown(Math.min(...values), digits)} to ${shown(Math.max(...values), digits)}`
  return values.length === 1 ? shown(values[0]!, digits) : `${shown(median(values), digits)} (${range})`
}

function verdict(figure: Figure, onfile: number, ratio: number): string {
  const { better, target, limit } = figure
  const asked: string[] = []
  let met = true
  if (target !== null) {
    asked.push(better === 'share' ? `<= ${target}x` : `>= ${target}x`)
    met = better === 'share' ? ratio <= target : ratio >= target
  }
  if (limit !== undefined) {
    asked.push(`<= ${limit}`)
    met &&= onfile <= limit
  }
  return asked.length === 0 ? '' : `${asked.join(', ')}: ${met ? 'met' : 'missed'}`
}

/** Markdown rows of one phase: onfile, peer, their ratio, and the target. */
export function comparison(figures: readonly Figure[], phase: Phase): string[] {
  return figures.map(figure => {
    const onfile = phase.onfile.map(figure.of)
    const streams = phase.streams.map(figure.of)
    const [ours, theirs] = [median(onfile), median(streams)]
    const ratio = figure.better === 'lower' ? theirs / ours : ours / theirs
    const ratioText = figure.better === 'none' || !Number.isFinite(ratio) ? '' : `${ratio.toFixed(2)}x`
    const cells = [spread(onfile, figure.digits), spread(streams, figure.digits), ratioText]
    return `| ${[figure.label, ...cells, verdict(figure, ours, ratio)].join(' | ')} |`
  })
}

export const COMPARISON_HEAD = ['| | onfile | Kafka Streams, tuned | ratio | target |', '|---|---|---|---|---|']

/** The command that repeats this run: `npm run NAME` or `node FILE`, and the arguments as they were given. */
export function commandLine(command: string, given: readonly string[] = process.argv.slice(2)): string {
  const separator = given.length > 0 && command.startsWith('npm run') ? ['--'] : []
  return [command, ...separator, ...given].join(' ')
}

/** Puts `body` between the two marks of section `name`, at the end where there are none yet. */
export function withSection(page: string, name: string, body: string): string {
  const begin = `<!-- ${name}: begin -->`
  const end = `<!-- ${name}: end -->`
  const section = `${begin}\n${body.trim()}\n${end}`
  const from = page.indexOf(begin)
  const to = page.indexOf(end)
  if (from < 0 || to < from) return `${page.trimEnd()}\n\n${section}\n`
  return page.slice(0, from) + section + page.slice(to + end.length)
}
