import { describe, expect, test } from 'vitest'
import { Account, outcomeLine, suppressionLine } from '../../../../sandbox/demo/account.ts'
import type { AccountLine } from '../../../../sandbox/demo/account.ts'
import { LINE_WIDTH, accountPrinter, accountText, plainPaint } from '../../../../sandbox/demo/terminal.ts'
import { outcomeWords, toneOf } from '../../../../sandbox/demo/words.ts'
import { FAILURE_REASONS } from '../../../../src/domain/reasons.ts'
import type { OutcomeStatus } from '../../../../src/domain/records.ts'
import { outcome, suppression } from './records.ts'

const chapters = [
  { id: 'a', name: 'Ada', title: 'first' },
  { id: 'b', name: 'Bob', title: 'second' },
]
const line = (text: string): AccountLine => ({ atMs: 0, subject: '', word: '', text, tone: 'plain' })

const accountWithLog = (): { account: Account; log: string[] } => {
  const log: string[] = []
  const account = new Account(chapters, {
    headline: ({ name }) => void log.push(`# ${name}`),
    line: ({ text }) => void log.push(text),
    postscript: ({ name }, { text }) => void log.push(`${name} later: ${text}`),
  })
  return { account, log }
}

describe('chapters', () => {
  test('lines of the open chapter come at once, those of the next one when it is its turn', () => {
    const { account, log } = accountWithLog()
    account.note('b', line('b1'))
    account.note('a', line('a1'))
    expect(log).toEqual(['# Ada', 'a1'])
    account.close('a')
    account.note('b', line('b2'))
    expect(log).toEqual(['# Ada', 'a1', '# Bob', 'b1', 'b2'])
  })

  test('a chapter that is closed before its turn is told whole', () => {
    const { account, log } = accountWithLog()
    account.note('b', line('b1'))
    account.close('b')
    account.note('b', line('b2'))
    account.close('a')
    expect(log).toEqual(['# Ada', '# Bob', 'b1', 'b2'])
  })

  test('what comes late, or belongs to no chapter, is told with its name', () => {
    const { account, log } = accountWithLog()
    account.close('a')
    account.note('a', line('a9'))
    account.note('zoe', line('z1'))
    expect(log).toEqual(['# Ada', '# Bob', 'Ada later: a9', 'zoe later: z1'])
  })
})

describe('words', () => {
  const statuses: readonly OutcomeStatus[] = ['UPDATED', 'FAILED', 'ACCEPTED', 'SUPPRESSED', 'SKIPPED', 'NO_RESULT']

  test.each([
    [{ status: 'UPDATED', reason: 'updated' }, 'the merchant has the new card'],
    [{ status: 'FAILED', reason: 'insufficient_funds' }, '"insufficient funds", worth another try later'],
    [{ status: 'NEEDS_USER_ACTION', reason: 'credentials' }, '"credentials", only the user can mend it'],
    [
      { status: 'FAILED', reason: 'unknown_reason', raw_reason: 'New one' },
      '"New one": not in Knot\'s list: somebody should look',
    ],
    [{ status: 'SKIPPED', reason: 'never_heard_of' }, 'never heard of'],
  ] as const)('%o', (changes, words) => {
    expect(outcomeWords(outcome(changes))).toBe(words)
  })

  test('every reason of the table has words of its class', () => {
    for (const reason of FAILURE_REASONS.keys()) {
      const words = outcomeWords(outcome({ status: 'FAILED', reason: reason.replaceAll(' ', '_') }))
      expect(words).toMatch(new RegExp(`^"${reason}", .+`))
    }
  })

  test('ends are told from what is in between', () => {
    expect(statuses.map(status => toneOf({ status }))).toEqual(['good', 'bad', 'wait', 'stop', 'plain', 'bad'])
  })

  test('a suppression says what it is for, its end why it ended', () => {
    expect(suppressionLine(suppression(), 0).text).toContain('opt_out')
    const lifted = suppression({ state: 'LIFTED', reason: 'closed', lifted_reason: 'newer_card_event' })
    expect(suppressionLine(lifted, 0)).toMatchObject({
      word: 'lifted',
      text: 'closed no longer holds: there is newer news of the card',
    })
  })
})

describe('what a line is about', () => {
  test.each([
    [{ card_ref: 'card-1', merchant_id: null }, 'card-1'],
    [{ card_ref: null, merchant_id: 16 }, 'Netflix'],
    [{ card_ref: null, merchant_id: null }, 'all cards'],
  ])('%o: %s', (of, subject) => {
    expect(suppressionLine(suppression(of), 0).subject).toBe(subject)
    expect(outcomeLine(outcome({ ...of, merchant_name: null }), 0).subject).toBe(subject)
  })
})

describe('on paper', () => {
  test('columns are aligned and no line is wider than a terminal', () => {
    const long = outcome({
      status: 'NEEDS_USER_ACTION',
      reason: 'unknown_reason',
      raw_reason: 'word '.repeat(40).trim(),
    })
    const texts = [outcomeLine(long, 12_345), outcomeLine(outcome({ merchant_name: 'Netflix' }), 5)].map(entry =>
      accountText(entry, plainPaint),
    )
    for (const row of texts.flatMap(text => text.split('\n'))) expect(row.length).toBeLessThanOrEqual(LINE_WIDTH)
    expect(texts[0]?.split('\n').length).toBeGreaterThan(3)
    expect(texts[1]).toBe('    +0.0s  Netflix       SKIPPED            noted, nothing to do')
  })

  test('headlines and postscripts name the person', () => {
    const written: string[] = []
    const printer = accountPrinter(text => void written.push(text), plainPaint)
    printer.headline({ id: 'u-1', name: 'Ada Lovelace', title: 'a new card' })
    printer.postscript({ id: 'u-1', name: 'Ada Lovelace', title: 'a new card' }, line('late'))
    expect(written[0]).toBe('\nAda Lovelace (u-1): a new card')
    expect(written[1]).toContain('Ada Lovelace, later:')
  })
})
