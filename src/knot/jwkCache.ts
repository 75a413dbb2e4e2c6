import { importEncryptionKey } from './jwe.ts'
import type { EncryptionKey } from './jwe.ts'
import type { JwkAnswer } from './knotApi.ts'

export type KeyAnswer =
  | { readonly kind: 'key'; readonly key: EncryptionKey }
  | Exclude<JwkAnswer, { kind: 'jwk' }>
  /** Knot answered something that is no usable key; `problem` names the fields. */
  | { readonly kind: 'unusable'; readonly problem: string }

/** Knot publishes no lifetime; one hour at most (`domain.md` 6.3). */
const MAX_AGE_MS = 3_600_000

/**
 * The current key, fetched once for all who ask at the same time. Failures are not remembered: the next one to ask
 * fetches again (callers back off).
 */
export class JwkCache {
  readonly #fetch: () => Promise<JwkAnswer>
  readonly #now: () => number
  #current: { readonly key: EncryptionKey; readonly untilMs: number } | null = null
  #fetching: Promise<KeyAnswer> | null = null

  constructor(fetch: () => Promise<JwkAnswer>, now: () => number = Date.now) {
    this.#fetch = fetch
    this.#now = now
  }

  /**
   * `refused`: a key that Knot has just refused to decrypt with. It is dropped unless a newer one has replaced it already,
   * so that a thousand refusals of one key cost one fetch.
   */
  get(refused: EncryptionKey | null = null): Promise<KeyAnswer> {
    const current = this.#current
    if (current !== null && current.key !== refused && this.#now() < current.untilMs) {
      return Promise.resolve({ kind: 'key', key: current.key })
    }
    this.#current = null
    this.#fetching ??= this.#load().finally(() => {
      this.#fetching = null
    })
    return this.#fetching
  }

  async #load(): Promise<KeyAnswer> {
    const askedAtMs = this.#now()
    const answer = await this.#fetch()
    if (answer.kind !== 'jwk') return answer
    try {
      const key = await importEncryptionKey(answer.body)
      this.#current = { key, untilMs: askedAtMs + MAX_AGE_MS }
      return { kind: 'key', key }
    } catch (error) {
      return { kind: 'unusable', problem: error instanceof Error ? error.message : 'unknown' }
    }
  }
}
