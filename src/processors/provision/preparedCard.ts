import type { PushKey } from '../../knot/cardUpdater.ts'
import type { SealedCard } from '../../knot/sealedCard.ts'
import type { CardNames } from '../../vault/cardVault.ts'
import type { Permit } from './permit.ts'

/** What of a card one push needs. */
export interface PushCard {
  readonly sealed: SealedCard
  /** It was sealed with this one. */
  readonly key: PushKey
  readonly names: CardNames
}

/**
 * A card, checked and sealed, and the permit to send it. Exists between `prepare` and `push` only, while *started* is
 * committed. At the end of its permit's lease the card goes before anybody else gets the permit: so there are never more
 * cards in memory than permits, however long Kafka is away.
 */
export class PreparedCard {
  /** Of the card, in the vault's words. */
  readonly vaultVersion: string
  readonly #permit: Permit
  #card: PushCard | null

  constructor(card: PushCard, vaultVersion: string, permit: Permit) {
    this.vaultVersion = vaultVersion
    this.#permit = permit
    this.#card = permit.renew(() => (this.#card = null)) ? card : null
  }

  /** The lease has ended: what it was prepared for begins again. */
  get hasLapsed(): boolean {
    return this.#card === null
  }

  /** For the push, which has a whole lease for itself and gives the permit back. Null: it has lapsed. */
  take(): (PushCard & { readonly permit: Permit }) | null {
    const card = this.#card
    this.#card = null
    return card !== null && this.#permit.renew() ? { ...card, permit: this.#permit } : null
  }

  /** Nobody needs it any more. Twice does no harm. */
  drop(): void {
    this.#card = null
    this.#permit.release()
  }
}
