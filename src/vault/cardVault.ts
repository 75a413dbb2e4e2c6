import { Pool } from 'undici'
import { z } from 'zod'
import { freshConnector } from '../http/freshConnector.ts'
import type { ClientTls } from '../http/freshConnector.ts'
import { current } from '../http/live.ts'
import type { Live } from '../http/live.ts'
import { CardData } from './cardData.ts'

export interface CardVaultOptions {
  /** Base URL of the vault (`vault.url`); a path in it is kept as prefix. */
  readonly url: string
  /** Bearer token (`vault.token`); null where the vault knows its clients by mTLS. */
  readonly token: Live<string | null>
  /** One request, from the first byte to the last (`vault.timeout`). */
  readonly timeoutMs: number
  /** Open connections at most. */
  readonly connections?: number
  /** Certificates for mTLS, a private CA. */
  readonly tls?: Live<ClientTls>
}

/** Why the vault gave no usable answer. Codes only: what a vault wrote or sent is never repeated. */
export type VaultTrouble = 'timeout' | 'connection' | 'server_error' | 'bad_answer'

export type KnownCardStatus = 'active' | 'inactive' | 'closed'

/** How the card and its issuer are called towards the holder, where the vault says so. Knot must know both names. */
export interface CardNames {
  readonly card_name: string | null
  readonly customer_name: string | null
}

/** `card` is null where the vault gives no card data for a card in that status. */
export type CardAnswer =
  | {
      readonly kind: 'card'
      readonly status: KnownCardStatus
      readonly version: string
      readonly card: CardData | null
      readonly names: CardNames
    }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'unauthorized' }
  | { readonly kind: 'unavailable'; readonly trouble: VaultTrouble }

export type StatusAnswer =
  | { readonly kind: 'status'; readonly status: KnownCardStatus; readonly version: string }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'unauthorized' }
  | { readonly kind: 'unavailable'; readonly trouble: VaultTrouble }

type Fetched =
  | { readonly kind: 'body'; readonly body: unknown }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'unauthorized' }
  | { readonly kind: 'unavailable'; readonly trouble: VaultTrouble }

/** A card is under 2 KiB. */
const MAX_BODY_BYTES = 64 * 1024

const version = z.union([z.string(), z.number()]).transform(String)
// A field that is missing or of another type reads as '': the validation before the push then names it, and the card ends
// as INVALID_CARD. It is the issuer's data that is wrong, not the vault that is down.
const text = z.string().catch('')
const statusSchema = z.object({ card_ref: z.string(), version, status: z.enum(['active', 'inactive', 'closed']) })
const name = z.string().min(1).max(255).nullable().catch(null)
const namesSchema = z.object({ card_name: name, customer_name: name })
const secretSchema = z.object({
  user: z.object({
    name: z.object({ first_name: text, last_name: text }),
    address: z.object({
      street: text,
      street2: z.string().nullable().catch(null),
      city: text,
      region: text,
      postal_code: text,
      country: text,
    }),
    phone_number: text,
  }),
  card: z.object({ number: text, expiration: text, cvv: text }),
})

/**
 * The issuer's card vault over HTTP (design.md 6): `GET /cards/{card_ref}` and `GET /cards/{card_ref}/status`. Both are
 * reads without effect, so every failure is `unavailable` and may be tried again; 404 is an answer (`unknown`), 401 and
 * 403 are a matter of configuration (`unauthorized`). Nothing here throws for an answer, whatever it is.
 */
export class CardVault {
  readonly #pool: Pool
  readonly #prefix: string
  readonly #token: Live<string | null>
  readonly #timeoutMs: number

  constructor(options: CardVaultOptions) {
    const url = new URL(options.url)
    this.#pool = new Pool(url.origin, {
      connections: options.connections ?? 64,
      pipelining: 1,
      allowH2: false,
      connect: freshConnector(options.tls ?? {}, options.timeoutMs),
    })
    this.#prefix = url.pathname.replace(/\/+$/, '')
    this.#token = options.token
    this.#timeoutMs = options.timeoutMs
  }

  /** The card with its numbers, read at the time of the push and never before (`domain.md` 6.1.6). */
  async card(cardRef: string): Promise<CardAnswer> {
    const fetched = await this.#get(`/cards/${encodeURIComponent(cardRef)}`)
    if (fetched.kind !== 'body') return fetched
    const head = statusSchema.safeParse(fetched.body)
    if (!head.success || head.data.card_ref !== cardRef) return { kind: 'unavailable', trouble: 'bad_answer' }
    const secret = secretSchema.safeParse(fetched.body)
    const card = secret.success ? new CardData(secret.data) : null
    const names = namesSchema.parse(fetched.body)
    return { kind: 'card', status: head.data.status, version: head.data.version, card, names }
  }

  /** Status and version without card data. */
  async status(cardRef: string): Promise<StatusAnswer> {
    const fetched = await this.#get(`/cards/${encodeURIComponent(cardRef)}/status`)
    if (fetched.kind !== 'body') return fetched
    const head = statusSchema.safeParse(fetched.body)
    if (!head.success || head.data.card_ref !== cardRef) return { kind: 'unavailable', trouble: 'bad_answer' }
    return { kind: 'status', status: head.data.status, version: head.data.version }
  }

  async close(): Promise<void> {
    await this.#pool.destroy()
  }

  async #get(path: string): Promise<Fetched> {
    const timeout = AbortSignal.timeout(this.#timeoutMs)
    const token = current(this.#token)
    try {
      const response = await this.#pool.request({
        method: 'GET',
        path: this.#prefix + path,
        headers: { accept: 'application/json', ...(token === null ? {} : { authorization: `Bearer ${token}` }) },
        signal: timeout,
        headersTimeout: this.#timeoutMs,
        bodyTimeout: this.#timeoutMs,
      })
      const chunks: Buffer[] = []
      let sizeBytes = 0
      for await (const chunk of response.body as AsyncIterable<Buffer>) {
        sizeBytes += chunk.length
        if (sizeBytes > MAX_BODY_BYTES) return { kind: 'unavailable', trouble: 'bad_answer' }
        chunks.push(chunk)
      }
      switch (response.statusCode) {
        case 200:
          return { kind: 'body', body: JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown }
        case 404:
          return { kind: 'unknown' }
        case 401:
        case 403:
          return { kind: 'unauthorized' }
        default:
          return { kind: 'unavailable', trouble: response.statusCode >= 500 ? 'server_error' : 'bad_answer' }
      }
    } catch (error) {
      if (timeout.aborted) return { kind: 'unavailable', trouble: 'timeout' }
      return { kind: 'unavailable', trouble: error instanceof SyntaxError ? 'bad_answer' : 'connection' }
    }
  }
}
