import type { Leak } from './leakSearch.ts'
import type { Reconciliation } from './reconcile.ts'
import { LINE_WIDTH, wrapped } from './terminal.ts'
import type { Paint } from './terminal.ts'

/** What the search for card data found. */
export interface LeakReport {
  readonly leaks: readonly Leak[]
  readonly topics: number
  readonly sizeBytes: number
  /** Problems of the search itself: the number that the issuer's own record carries was not found, say. */
  readonly problems: readonly string[]
}

/** How the stories went: `problems` are outcomes that did not come. */
export interface StoryReport {
  readonly told: number
  readonly problems: readonly string[]
}

const LABEL_WIDTH = 14
/** Keeps a name and its count on one line; printed as a blank. */
const NO_BREAK = '\u00a0'

const counts = (by: ReadonlyMap<string, number>): string =>
  [...by]
    .toSorted(([, left], [, right]) => right - left)
    .map(([name, count]) => `${name}${NO_BREAK}${count}`)
    .join(', ') || 'none'

/** Everything that does not add up, one sentence each. */
export const allProblems = (
  reconciliation: Reconciliation,
  leakReport: LeakReport,
  stories: StoryReport,
): readonly string[] => [
  ...reconciliation.problems,
  ...leakReport.problems,
  ...leakReport.leaks.map(({ place, name, count }) => `${name} found ${count} times in ${place}.`),
  ...stories.problems,
]

/** The closing summary, in lines of at most `LINE_WIDTH`. */
export const summaryLines = (
  reconciliation: Reconciliation,
  leakReport: LeakReport,
  stories: StoryReport,
  paint: Paint,
): string[] => {
  const { inputs, commands, outcomes, suppressions, deadLetters, pushes, cardsOnFile } = reconciliation
  const sum = inputs.explained + inputs.deadLettered + inputs.ignored
  const rows: readonly (readonly [label: string, text: string, right: boolean])[] = [
    [
      'inputs',
      `${inputs.total} = ${inputs.explained} explained by an outcome + ${inputs.deadLettered} dead-lettered + ${inputs.ignored} ignored`,
      inputs.total === sum,
    ],
    ['dead letters', counts(deadLetters), true],
    ['commands', counts(commands), true],
    ['outcomes', counts(outcomes), true],
    ['suppressions', `${counts(suppressions)} (in force)`, true],
    [
      'Knot saw',
      `${pushes.received} pushes, ${pushes.landed} took effect, at most ${pushes.maxInFlight} at a time per user and merchant`,
      pushes.maxInFlight <= 1,
    ],
    [
      'cards on file',
      `${cardsOnFile.current} of ${cardsOnFile.total} merchants that say UPDATED charge the card that the vault has`,
      cardsOnFile.current === cardsOnFile.total,
    ],
    [
      'PAN leaks',
      `${leakReport.leaks.length} in ${(leakReport.sizeBytes / 1e6).toFixed(1)} MB: ${leakReport.topics} topics, log, state directory, /metrics`,
      leakReport.leaks.length === 0 && leakReport.problems.length === 0,
    ],
    ['stories', `${stories.told} told, ${stories.problems.length} surprises`, stories.problems.length === 0],
  ]
  const problems = allProblems(reconciliation, leakReport, stories)
  return [
    paint('bold', 'Does it add up? (read from the topics, Knot and the vault, not from what was sent)'),
    ...rows.flatMap(([label, text, right]) => row(label, text, right, paint)),
    '',
    ...verdict(problems, paint),
  ]
}

const row = (label: string, text: string, right: boolean, paint: Paint): string[] => {
  const [first = '', ...more] = wrapped(text, LINE_WIDTH - LABEL_WIDTH - 4).map(line => line.replaceAll(NO_BREAK, ' '))
  const mark = right ? paint('green', '✓') : paint('red', '✗')
  return [
    `${mark} ${paint('gray', label.padEnd(LABEL_WIDTH))}  ${first}`,
    ...more.map(line => `${' '.repeat(LABEL_WIDTH + 4)}${line}`),
  ]
}

const verdict = (problems: readonly string[], paint: Paint): string[] =>
  problems.length === 0
    ? [paint('green', 'Everything adds up.')]
    : [
        paint('red', `${problems.length} things do not add up:`),
        ...problems.flatMap(problem =>
          wrapped(problem, LINE_WIDTH - 4).map((line, index) => `${index === 0 ? '  - ' : '    '}${line}`),
        ),
      ]
