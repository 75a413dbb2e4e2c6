import { scrub } from '../../telemetry/scrub.ts'
import { dayText, momentText, timeText } from './clock.ts'
import { comingOf, presentOf } from './present.ts'
import type { PresentRow } from './present.ts'
import { reasonsOfOrders } from './orderReasons.ts'
import { isEmpty } from './story.ts'
import type { UserStory } from './story.ts'
import { timelineOf } from './timeline.ts'
import type { TimelineRow } from './timeline.ts'

/** The subjects decide how wide their column is, within these. */
const SUBJECT_WIDTH = { least: 9, most: 36 }
/** `NEEDS_USER_ACTION`. */
const WORD_WIDTH = 17
const PAGE_WIDTH = 110

/**
 * The page about a user that a person reads: how things stand, what happened, what comes next. Texts that others wrote
 * (reasons of operators, words of Knot) are scrubbed, and cannot move the cursor.
 *
 * @param everything also commands, answers and suppressions
 */
export function storyPage(story: UserStory, everything: boolean): string[] {
  const { userId, partition, sinceMs, readAtMs } = story
  const head = `User ${userId} (partition ${partition}), since ${momentText(sinceMs)}, read at ${momentText(readAtMs)}`
  if (isEmpty(story))
    return [head, '', 'Nothing is known of this user, and nothing was written. Is the id right?'].map(safe)
  const rows = timelineOf(story, everything)
  const [now, next] = [presentRows(story), comingRows(story)]
  const width = widthOf([...rows, ...(now ?? []), ...next])
  return [
    head,
    ...switchLines(story),
    '',
    'NOW',
    ...(now === null ? strangerLines(story) : now.flatMap(row => presentLine(row, width))),
    '',
    'WHAT HAPPENED',
    ...(rows.length === 0 ? ['  nothing in this time: look further back with --days'] : timelineLines(rows, width)),
    '',
    'WHAT COMES NEXT',
    ...(next.length === 0 ? [NOTHING_COMES] : next.flatMap(row => presentLine(row, width))),
  ].map(safe)
}

const NOTHING_COMES = '  Nothing by itself: the next event of a card, webhook or order.'

/** What stops the pushes of all users stands above what is said of this one. */
function switchLines({ pushes }: UserStory): string[] {
  switch (pushes.kind) {
    case 'running':
      return []
    case 'paused': {
      const { actor, reason, atMs } = pushes.order
      const who = `since ${momentText(atMs)} by ${actor}: ${reason}.`
      return ['', ...columns('PUSHES ARE PAUSED ', `${who} Nothing goes out for any user until onfile resume.`)]
    }
    case 'unknown':
      return ['', ...columns('ARE PUSHES PAUSED? ', `Not known now: ${pushes.why}.`)]
  }
}

/** Null where DECIDE knows nothing of the user. */
function presentRows({ state, userEvents }: UserStory): PresentRow[] | null {
  if (state.kind !== 'known') return null
  const rows = presentOf(state.user, state.merchants, reasonsOfOrders(userEvents))
  return rows.length === 0 ? [{ subject: 'user', text: 'no card and no merchant' }] : rows
}

function strangerLines({ state }: UserStory): string[] {
  if (state.kind !== 'forgotten') return ['  DECIDE knows nothing of this user.']
  return [
    `  Erased at ${momentText(state.left.forgotten_at)} by an operator's order. Nothing is kept and nothing is pushed;`,
    '  only onfile lift for the whole user ends that.',
  ]
}

function comingRows({ state, readAtMs }: UserStory): PresentRow[] {
  return state.kind === 'known' ? comingOf(state.user, state.merchants, readAtMs) : []
}

function widthOf(rows: readonly { readonly subject: string }[]): number {
  const longest = Math.max(SUBJECT_WIDTH.least, ...rows.map(({ subject }) => subject.length))
  return Math.min(SUBJECT_WIDTH.most, longest)
}

function presentLine({ subject, text }: PresentRow, width: number): string[] {
  return columns(`  ${subject.padEnd(width)}  `, text)
}

function timelineLines(rows: readonly TimelineRow[], width: number): string[] {
  const lines: string[] = []
  let day = ''
  for (const { atMs, subject, word, text } of rows) {
    if (dayText(atMs) !== day) {
      day = dayText(atMs)
      lines.push(`  ${day} (UTC)`)
    }
    lines.push(...columns(`  ${timeText(atMs)}  ${subject.padEnd(width)}  ${word.padEnd(WORD_WIDTH)}  `, text))
  }
  return lines
}

/** `text` beside `head`, going on below itself. */
function columns(head: string, text: string): string[] {
  const room = Math.max(30, PAGE_WIDTH - head.length)
  const lines: string[] = []
  let line = ''
  for (const word of text.split(/\s+/)) {
    const longer = line === '' ? word : `${line} ${word}`
    if (longer.length > room && line !== '') {
      lines.push(line)
      line = word
    } else line = longer
  }
  lines.push(line)
  return lines.map((part, index) => (index === 0 ? `${head}${part}` : `${' '.repeat(head.length)}${part}`))
}

function safe(line: string): string {
  return scrub(line.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '·'))
}
