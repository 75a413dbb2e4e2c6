import type { CardData } from '../vault/cardData.ts'
import type { AccountsAnswer } from './accounts.ts'
import type { PushAnswer } from './answers.ts'
import { encryptCard } from './jwe.ts'
import type { EncryptionKey } from './jwe.ts'
import { JwkCache } from './jwkCache.ts'
import type { KeyAnswer } from './jwkCache.ts'
import type { KnotApi, PushTarget } from './knotApi.ts'
import { SealedCard } from './sealedCard.ts'

/** What must be there before a push: the key of the JWE form, or nothing for the plain form. */
export type PushKey = EncryptionKey | 'plain'

export type PushKeyAnswer = { readonly kind: 'key'; readonly key: PushKey } | Exclude<KeyAnswer, { kind: 'key' }>

/**
 * Knot's CardUpdater as PROVISION uses it: the API, the key and the encryption put together for one of the two forms
 * (`knot.cardData`).
 */
export class CardUpdater {
  readonly #api: KnotApi
  readonly #form: 'jwe' | 'plain'
  readonly #keys: JwkCache

  constructor(api: KnotApi, form: 'jwe' | 'plain', now: () => number = Date.now) {
    this.#api = api
    this.#form = form
    this.#keys = new JwkCache(() => api.jwk(), now)
  }

  accounts(userId: string): Promise<AccountsAnswer> {
    return this.#api.accounts(userId)
  }

  /** The key for the next push; `refused` = the one that Knot answered INVALID_JWE to. */
  key(refused: PushKey | null): Promise<PushKeyAnswer> {
    if (this.#form === 'plain') return Promise.resolve({ kind: 'key', key: 'plain' })
    return this.#keys.get(refused === 'plain' ? null : refused)
  }

  /** The card as one push will carry it: for that one, and soon. */
  async seal(card: CardData, key: PushKey): Promise<SealedCard> {
    return key === 'plain' ? SealedCard.plain(card) : SealedCard.encrypted(await encryptCard(card, key))
  }

  /** Sends what was sealed, once. See `KnotApi.pushCard` for `lastCheck`. */
  push(target: PushTarget, card: SealedCard, lastCheck: () => boolean): Promise<PushAnswer> {
    return this.#api.pushCard(target, card, lastCheck)
  }

  /** Does Knot take our credentials? False while it says 401 and while it says nothing. */
  async credentialsAccepted(): Promise<boolean> {
    const { kind } = await this.#api.jwk()
    return kind === 'jwk' || kind === 'forbidden'
  }

  async close(): Promise<void> {
    await this.#api.close()
  }
}
