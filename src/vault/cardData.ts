import { Redacted } from './redacted.ts'

/** The holder as the vault keeps it and as Knot's `user` object wants it (seed 001). */
export interface CardHolder {
  readonly name: { readonly first_name: string; readonly last_name: string }
  readonly address: {
    readonly street: string
    /** Null where the address has no second line; left out of what is sent. */
    readonly street2: string | null
    readonly city: string
    /** State code (`NY`), or the ISO 3166-2 form (`US-NY`). */
    readonly region: string
    readonly postal_code: string
    readonly country: string
  }
  readonly phone_number: string
}

/** The credential itself. `expiration` is `MM/YYYY` or `MM/YY`. */
export interface CardNumbers {
  readonly number: string
  readonly expiration: string
  readonly cvv: string
}

export interface CardSecret {
  readonly user: CardHolder
  readonly card: CardNumbers
}

/**
 * A card on its way from the vault to the wire. The values stand in a private field that only `reveal` hands out. Keep it
 * for the time of one request and never put it into state, an effect or an error (`contract.md` 7, PCI DSS 3.3.1).
 */
export class CardData extends Redacted {
  readonly #secret: CardSecret

  constructor(secret: CardSecret) {
    super()
    this.#secret = secret
  }

  /** The values. The caller answers for where they go: the validation, and the encoder of the request body. */
  reveal(): CardSecret {
    return this.#secret
  }
}
