import { styleText } from 'node:util'
import type { AccountLine, AccountPrinter, Chapter } from './account.ts'
import type { Tone } from './words.ts'

/** Characters of a line at most, as long as no single word is longer. */
export const LINE_WIDTH = 100
const SUBJECT_WIDTH = 12
const WORD_WIDTH = 17
const INDENT = 2 + 7 + 2 + SUBJECT_WIDTH + 2 + WORD_WIDTH + 2

type StyleName = Parameters<typeof styleText>[0]

/** Colours where a person looks at a terminal, none elsewhere (`NO_COLOR` is honoured). */
export type Paint = (style: StyleName, text: string) => string

/** No colours. */
export const plainPaint: Paint = (_style, text) => text

export const paintFor = (stream: NodeJS.WriteStream): Paint =>
  stream.isTTY && !process.env.NO_COLOR ? (style, text) => styleText(style, text) : plainPaint

const TONES: Readonly<Record<Tone, StyleName>> = {
  cause: 'cyan',
  good: 'green',
  bad: 'red',
  wait: 'gray',
  stop: 'yellow',
  plain: 'reset',
}

/** `text` in lines of at most `width`, broken at blanks where there are any. */
export const wrapped = (text: string, width: number): string[] => {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const joined = line === '' ? word : `${line} ${word}`
    if (joined.length > width && line !== '') {
      lines.push(line)
      line = word
    } else {
      line = joined
    }
  }
  return [...lines, line]
}

const seconds = (ms: number): string => `+${(ms / 1000).toFixed(1)}s`

/** A line of the account in columns; long texts go on below themselves. */
export const accountText = ({ atMs, subject, word, text, tone }: AccountLine, paint: Paint): string => {
  const [first = '', ...more] = wrapped(text, LINE_WIDTH - INDENT)
  const head = `  ${seconds(atMs).padStart(7)}  ${subject.padEnd(SUBJECT_WIDTH)}  `
  const rest = more.map(line => `\n${' '.repeat(INDENT)}${line}`).join('')
  return `${paint('gray', head)}${paint(TONES[tone], `${word.padEnd(WORD_WIDTH)}  ${first}${rest}`)}`
}

export const headlineText = ({ name, id, title }: Chapter, paint: Paint): string =>
  `\n${paint('bold', name)}${id === '' ? '' : paint('gray', ` (${id})`)}: ${title}`

/** The account on a terminal or in a file. */
export const accountPrinter = (write: (text: string) => void, paint: Paint): AccountPrinter => ({
  headline: chapter => write(headlineText(chapter, paint)),
  line: line => write(accountText(line, paint)),
  postscript(chapter, line) {
    write(`  ${paint('bold', chapter.name)}, later:`)
    write(accountText(line, paint))
  },
})
