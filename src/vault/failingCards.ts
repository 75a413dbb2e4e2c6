import { LRUCache } from 'lru-cache'

/** What proves that the directory answers, and which cards are given up if it does. */
export interface Trial {
  readonly overdue: readonly string[]
  /** The card to ask for. */
  readonly witness: string
  /** True where any answer proves it; else only an owner does. */
  readonly anyAnswerProves: boolean
}

export interface FailingCardsOptions {
  /** A card that fails for so long may be given up while a card that was found before is found again. */
  readonly giveUpAfterMs: number
  readonly clock: () => number
}

/** A card that no directory has. */
export const NOBODYS_CARD = 'onfile-nobodys-card'

const MAX_FAILING = 10_000
/** Found cards that are kept as witnesses: more than one, since a witness may come to fail itself. */
const MAX_WITNESSES = 64
/** Where no other card was found yet, an answer about `NOBODYS_CARD` counts, which proves less: so many times later. */
const WITHOUT_WITNESS = 4

/**
 * Since when which cards have no answer, and when that is no outage any more but a card for which there is none. Without
 * an end to it one card that its directory cannot answer for would hold up its partition for ever.
 */
export class FailingCards {
  readonly #options: FailingCardsOptions
  readonly #sinceMs = new LRUCache<string, number>({ max: MAX_FAILING })
  readonly #witnesses = new LRUCache<string, true>({ max: MAX_WITNESSES })

  constructor(options: FailingCardsOptions) {
    this.#options = options
  }

  failed(cardRef: string): void {
    if (!this.#sinceMs.has(cardRef)) this.#sinceMs.set(cardRef, this.#options.clock())
  }

  answered(cardRef: string, found: boolean): void {
    this.#sinceMs.delete(cardRef)
    if (found) this.#witnesses.set(cardRef, true)
    else this.#witnesses.delete(cardRef)
  }

  /** Whether some of these cards, which have just failed, are to be given up; null: none yet. */
  trial(failed: readonly string[]): Trial | null {
    const { giveUpAfterMs } = this.#options
    const overdue = this.#failingFor(failed, giveUpAfterMs)
    if (overdue.length === 0) return null
    // The newest first.
    const witness = [...this.#witnesses.keys()].find(cardRef => !overdue.includes(cardRef))
    if (witness !== undefined) return { overdue, witness, anyAnswerProves: false }
    const longOverdue = this.#failingFor(failed, giveUpAfterMs * WITHOUT_WITNESS)
    if (longOverdue.length === 0) return null
    return { overdue: longOverdue, witness: NOBODYS_CARD, anyAnswerProves: true }
  }

  #failingFor(cardRefs: readonly string[], durationMs: number): string[] {
    const nowMs = this.#options.clock()
    return cardRefs.filter(cardRef => nowMs - (this.#sinceMs.get(cardRef) ?? nowMs) >= durationMs)
  }
}
