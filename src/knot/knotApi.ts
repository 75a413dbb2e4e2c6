import { Pool } from 'undici'
import { freshConnector } from '../http/freshConnector.ts'
import type { ClientTls } from '../http/freshConnector.ts'
import { current } from '../http/live.ts'
import type { Live } from '../http/live.ts'
import { readAccountsAnswer } from './accounts.ts'
import type { AccountsAnswer } from './accounts.ts'
import { readPushAnswer, retryAfterMs } from './answers.ts'
import type { PushAnswer } from './answers.ts'
import { exchange } from './exchange.ts'
import type { Exchange } from './exchange.ts'
import type { SealedCard } from './sealedCard.ts'

export interface KnotApiOptions {
  /** API host (`knot.url`): accounts, key, and cards as JWE. */
  readonly url: string
  /** Secure host (`knot.secureUrl`): cards as plain JSON. Null where that form is not used. */
  readonly secureUrl: string | null
  readonly clientId: string
  readonly secret: Live<string>
  /** One request (`knot.timeout`): to get a connection, and from the wire to the end of the answer. */
  readonly timeoutMs: number
  /** Open connections per host at most: `knot.concurrency`, so that no push waits for a connection. */
  readonly connections: number
  /** Plain http to other hosts than this machine (`knot.allowInsecure`). */
  readonly allowInsecure?: boolean
  /** Certificates for mTLS, a private CA. */
  readonly tls?: Live<ClientTls>
  readonly now?: () => number
}

/** Whom a card is for. With `taskId` it is the CardSwitcher form, else the CardUpdater form: Knot takes one or the other. */
export interface PushTarget {
  readonly userId: string
  readonly merchantId: number | null
  readonly taskId: string | null
  /** `card_name` and `customer_name` of the CardUpdater form; left out where null. */
  readonly cardName?: string | null
  readonly customerName?: string | null
}

/** `GET /jwe/key`. `body` is not checked yet. */
export type JwkAnswer =
  | { readonly kind: 'jwk'; readonly body: unknown }
  | { readonly kind: 'unauthorized' }
  | { readonly kind: 'forbidden' }
  /** No answer (`httpStatus` null), or one that is no key: 429, 5xx, cut off. */
  | { readonly kind: 'unavailable'; readonly retryAfterMs: number | null; readonly httpStatus: number | null }

/** A configured URL that would send cards or secrets over plain http. */
export class InsecureUrlError extends Error {
  override readonly name = 'InsecureUrlError'
  readonly code = 'INSECURE_URL'

  constructor(key: string, host: string) {
    super(`${key} is plain http to ${host}: use https, or set knot.allowInsecure where that is really meant`)
  }
}

/** Hundreds of linked merchants with logos. */
const MAX_ACCOUNTS_BYTES = 4 << 20
const MAX_ANSWER_BYTES = 64 << 10
/**
 * An idle connection is not used after 4 s, whatever Knot offers: a push written on a connection that the other side is
 * just closing is ambiguous, and an ambiguous push waits up to 24 h for its webhook.
 */
const KEEP_ALIVE_MS = 4_000

/**
 * Knot's HTTP API (seeds 001, 002; `domain.md` 2): Basic auth, `Knot-Version: 2.0`, HTTP/1.1 with one request at a time
 * per connection, no retries, no redirects. Whatever happens becomes an answer; nothing throws, and no text that Knot sent
 * leaves the readers of the answers but codes, merchant names and account states.
 */
export class KnotApi {
  readonly #api: Host
  readonly #secure: Host | null
  readonly #clientId: string
  readonly #secret: Live<string>
  readonly #timeoutMs: number
  readonly #now: () => number

  /** @throws InsecureUrlError */
  constructor(options: KnotApiOptions) {
    this.#api = openHost('knot.url', options.url, options)
    this.#secure = options.secureUrl === null ? null : openHost('knot.secureUrl', options.secureUrl, options)
    this.#clientId = options.clientId
    this.#secret = options.secret
    this.#timeoutMs = options.timeoutMs
    this.#now = options.now ?? Date.now
  }

  /** The user's merchant accounts with the state of the last card switch at each. */
  async accounts(userId: string): Promise<AccountsAnswer> {
    const query = `external_user_id=${encodeURIComponent(userId)}&type=card_switcher`
    return readAccountsAnswer(await this.#get(`/accounts/get?${query}`, MAX_ACCOUNTS_BYTES))
  }

  /** The key to encrypt cards with. Also the cheapest question that needs valid credentials. */
  async jwk(): Promise<JwkAnswer> {
    const end = await this.#get('/jwe/key', MAX_ANSWER_BYTES)
    if (end.kind !== 'answer') return { kind: 'unavailable', retryAfterMs: null, httpStatus: null }
    const unavailable: JwkAnswer = {
      kind: 'unavailable',
      retryAfterMs: retryAfterMs(end),
      httpStatus: end.status,
    }
    switch (end.status) {
      case 200:
        return end.complete ? { kind: 'jwk', body: end.body } : unavailable
      case 401:
        return { kind: 'unauthorized' }
      case 403:
        return { kind: 'forbidden' }
      default:
        return unavailable
    }
  }

  /**
   * `POST /card`, once. `lastCheck` runs synchronously when the request is about to be written to its connection; false
   * ends it as `vetoed` with nothing written.
   */
  async pushCard(target: PushTarget, card: SealedCard, lastCheck: () => boolean): Promise<PushAnswer> {
    const host = card.form === 'jwe' ? this.#api : this.#secure
    if (host === null) throw new TypeError('the plain form needs knot.secureUrl')
    const body = pushBytes(target, card)
    try {
      const end = await exchange(host.pool, {
        method: 'POST',
        path: `${host.prefix}/card`,
        headers: { ...this.#headers(), 'content-type': 'application/json' },
        body,
        timeoutMs: this.#timeoutMs,
        maxBodyBytes: MAX_ANSWER_BYTES,
        lastCheck,
        now: this.#now,
      })
      return readPushAnswer(end)
    } finally {
      body.fill(0)
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#api.pool.destroy(), this.#secure?.pool.destroy()])
  }

  #headers(): Record<string, string> {
    const credentials = Buffer.from(`${this.#clientId}:${current(this.#secret)}`, 'utf8').toString('base64')
    return { authorization: `Basic ${credentials}`, accept: 'application/json', 'knot-version': '2.0' }
  }

  #get(path: string, maxBodyBytes: number): Promise<Exchange> {
    const { pool, prefix } = this.#api
    return exchange(pool, {
      method: 'GET',
      path: prefix + path,
      headers: this.#headers(),
      body: null,
      timeoutMs: this.#timeoutMs,
      maxBodyBytes,
      now: this.#now,
    })
  }
}

interface Host {
  readonly pool: Pool
  readonly prefix: string
}

function openHost(key: string, text: string, options: KnotApiOptions): Host {
  const url = new URL(text)
  if (url.protocol !== 'https:' && !isLoopback(url.hostname) && options.allowInsecure !== true) {
    throw new InsecureUrlError(key, url.host)
  }
  const pool = new Pool(url.origin, {
    connections: options.connections,
    pipelining: 1,
    // One request per connection: what was written when a connection breaks is never in doubt.
    allowH2: false,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    connect: freshConnector(options.tls ?? {}, options.timeoutMs),
  })
  return { pool, prefix: url.pathname.replace(/\/+$/, '') }
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname)
}

function pushBytes(target: PushTarget, card: SealedCard): Buffer {
  return Buffer.from(JSON.stringify({ ...card.reveal(), ...targetFields(target) }), 'utf8')
}

function targetFields({ userId, merchantId, taskId, cardName, customerName }: PushTarget): object {
  if (taskId !== null) return { task_id: taskId }
  return {
    external_user_id: userId,
    merchant_id: merchantId,
    card_name: cardName ?? undefined,
    customer_name: customerName ?? undefined,
  }
}
