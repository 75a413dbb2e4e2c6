import { request } from 'undici'
import { z } from 'zod'

export interface OauthOptions {
  /** `kafka.sasl.tokenUrl`. */
  readonly tokenUrl: string
  readonly clientId: string
  /** Asked for with each token: a secret that was rotated is used by the next one. */
  readonly clientSecret: string | (() => string)
  readonly scope: string | null
  readonly now?: () => number
}

/** The token endpoint gave no token. Says what it answered with its status only. */
export class OauthTokenError extends Error {
  override readonly name = 'OauthTokenError'
  readonly code: 'OAUTH_TOKEN_UNAVAILABLE' | 'OAUTH_TOKEN_REFUSED'
  /** True: the endpoint does not know this client, or grants it nothing. Asking again changes nothing. */
  readonly refused: boolean

  constructor(tokenUrl: string, why: string, options?: ErrorOptions & { readonly refused?: boolean }) {
    const refused = options?.refused ?? false
    super(
      `No token for Kafka from ${tokenUrl}: ${why}; check ` +
        (refused
          ? 'kafka.sasl.clientId, kafka.sasl.clientSecret and kafka.sasl.scope with the owner of the identity provider'
          : 'kafka.sasl.tokenUrl and the way there'),
      options,
    )
    this.refused = refused
    this.code = refused ? 'OAUTH_TOKEN_REFUSED' : 'OAUTH_TOKEN_UNAVAILABLE'
  }
}

/** What an endpoint answers to a client that it does not know or to a grant that it does not give (RFC 6749, 5.2). */
const REFUSALS: ReadonlySet<number> = new Set([400, 401, 403])
const TIMEOUT_MS = 10_000
/** Where the endpoint names no lifetime. */
const DEFAULT_LIFETIME_SECONDS = 300
/** A token is used for that part of its life, so that none expires on its way to a broker. */
const USED_LIFE = 0.8

const answerSchema = z.object({ access_token: z.string().min(1), expires_in: z.number().positive().optional() })

/**
 * Tokens for OAUTHBEARER by the client credentials grant (RFC 6749, 4.4): asked for once, then given to every connection
 * until most of their life is over.
 */
export class OauthTokens {
  readonly #options: OauthOptions
  readonly #now: () => number
  #current: { readonly token: string; readonly freshUntilMs: number } | null = null
  #asking: Promise<string> | null = null

  constructor(options: OauthOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
  }

  /** @throws OauthTokenError */
  async token(): Promise<string> {
    if (this.#current !== null && this.#now() < this.#current.freshUntilMs) return this.#current.token
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = null
    })
    return this.#asking
  }

  async #ask(): Promise<string> {
    const { tokenUrl, clientId, clientSecret, scope } = this.#options
    const secret = typeof clientSecret === 'string' ? clientSecret : clientSecret()
    const askedAtMs = this.#now()
    const credentials = Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(secret)}`)
    const form = new URLSearchParams({ grant_type: 'client_credentials', ...(scope === null ? {} : { scope }) })
    let status: number
    let body: unknown
    try {
      const answer = await request(tokenUrl, {
        method: 'POST',
        headers: {
          authorization: `Basic ${credentials.toString('base64')}`,
          'content-type': 'application/x-www-form-urlencoded',
          accept: 'application/json',
        },
        body: form.toString(),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      })
      status = answer.statusCode
      body = parsed(await answer.body.text())
    } catch (error) {
      const why = error instanceof Error && 'code' in error ? String(error.code) : 'no answer'
      throw new OauthTokenError(tokenUrl, why, { cause: error })
    }
    if (status !== 200) {
      throw new OauthTokenError(tokenUrl, `it answered ${status}`, { refused: REFUSALS.has(status) })
    }
    const answer = answerSchema.safeParse(body)
    if (!answer.success) throw new OauthTokenError(tokenUrl, 'its answer holds no access_token')
    const lifeMs = (answer.data.expires_in ?? DEFAULT_LIFETIME_SECONDS) * 1_000
    this.#current = { token: answer.data.access_token, freshUntilMs: askedAtMs + lifeMs * USED_LIFE }
    return answer.data.access_token
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
