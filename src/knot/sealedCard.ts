import type { CardData } from '../vault/cardData.ts'
import { Redacted } from '../vault/redacted.ts'
import { cardFields } from './jwe.ts'

/**
 * The card of one push: encrypted for the API host, or as it is for the secure host (`knot.cardData`). Even the encrypted
 * form is shown to nobody: who has it and Knot's access could push it.
 */
export class SealedCard extends Redacted {
  readonly form: 'jwe' | 'plain'
  readonly #fields: () => object

  private constructor(form: 'jwe' | 'plain', fields: () => object) {
    super()
    this.form = form
    this.#fields = fields
  }

  static encrypted(jwe: string): SealedCard {
    return new SealedCard('jwe', () => ({ jwe }))
  }

  static plain(card: CardData): SealedCard {
    return new SealedCard('plain', () => cardFields(card))
  }

  /** Its part of the request's body: `{jwe}`, or `{user, card}`. Must not outlive the building of that body. */
  reveal(): object {
    return this.#fields()
  }
}
