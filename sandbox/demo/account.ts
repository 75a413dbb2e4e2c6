import type { CardOutcome, CardSuppression, LiftedReason } from '../../src/domain/records.ts'
import { merchantOf } from '../knot/merchants.ts'
import type { Tone } from './words.ts'
import { outcomeWords, toneOf } from './words.ts'

/** One thing that happened. */
export interface AccountLine {
  /** Since the stream began. */
  readonly atMs: number
  /** Merchant, card or topic that it is about. */
  readonly subject: string
  readonly word: string
  readonly text: string
  readonly tone: Tone
}

/** A person, or the records that belong to nobody. */
export interface Chapter {
  readonly id: string
  readonly name: string
  readonly title: string
}

/** Where the account is written. */
export interface AccountPrinter {
  headline(chapter: Chapter): void
  line(line: AccountLine): void
  /** A line of a chapter that is closed already, or of none. */
  postscript(chapter: Chapter, line: AccountLine): void
}

/**
 * The account of all that happens at the same time, told chapter by chapter: the lines of one chapter appear as they
 * come, those of the next ones wait until it is closed. Nothing is lost or told twice.
 */
export class Account {
  readonly #chapters: readonly Chapter[]
  readonly #printer: AccountPrinter
  readonly #waiting = new Map<string, AccountLine[]>()
  readonly #closed = new Set<string>()
  #current = -1

  constructor(chapters: readonly Chapter[], printer: AccountPrinter) {
    this.#chapters = chapters
    this.#printer = printer
    for (const { id } of chapters) this.#waiting.set(id, [])
    this.#turn()
  }

  /** What belongs to no chapter is told at once, under its own id. */
  note(chapterId: string, line: AccountLine): void {
    const index = this.#chapters.findIndex(({ id }) => id === chapterId)
    const chapter = this.#chapters[index] ?? { id: chapterId, name: chapterId, title: '' }
    if (index > this.#current) this.#waiting.get(chapterId)?.push(line)
    else if (index === this.#current) this.#printer.line(line)
    else this.#printer.postscript(chapter, line)
  }

  /** Nothing more is expected there. */
  close(chapterId: string): void {
    this.#closed.add(chapterId)
    if (this.#chapters[this.#current]?.id === chapterId) this.#turn()
  }

  #turn(): void {
    for (;;) {
      this.#current += 1
      const chapter = this.#chapters[this.#current]
      if (chapter === undefined) return
      this.#printer.headline(chapter)
      for (const line of this.#waiting.get(chapter.id) ?? []) this.#printer.line(line)
      this.#waiting.delete(chapter.id)
      if (!this.#closed.has(chapter.id)) return
    }
  }
}

/** An outcome as a line: the merchant where there is one, else the card. */
export const outcomeLine = (outcome: CardOutcome, atMs: number): AccountLine => ({
  atMs,
  subject: outcome.merchant_name ?? subjectOf(outcome),
  word: outcome.status,
  text: outcomeWords(outcome),
  tone: toneOf(outcome),
})

/** A record of `card-suppressions` as a line. */
export const suppressionLine = (suppression: CardSuppression, atMs: number): AccountLine => ({
  atMs,
  subject: subjectOf(suppression),
  word: suppression.state === 'ACTIVE' ? 'suppression' : 'lifted',
  text:
    suppression.state === 'ACTIVE'
      ? `${suppression.reason}: told to the network and fraud teams`
      : `${suppression.reason} no longer holds: ${liftedWords(suppression.lifted_reason)}`,
  tone: 'stop',
})

/** An operator's order names a merchant by its number, and may be about all cards of a user. */
const subjectOf = ({ merchant_id, card_ref }: Pick<CardOutcome, 'merchant_id' | 'card_ref'>): string =>
  merchant_id === null ? (card_ref ?? 'all cards') : merchantOf(merchant_id).name

const LIFTED: Readonly<Record<LiftedReason, string>> = {
  reopened: 'the card is open again',
  operator: 'an operator has lifted it',
  expired: 'its time is over',
  newer_card_event: 'there is newer news of the card',
}

const liftedWords = (reason: string | null): string =>
  (LIFTED as Readonly<Record<string, string>>)[reason ?? ''] ?? 'for a reason that is not told'
