import { CompactEncrypt, importJWK } from 'jose'
import type { JWK } from 'jose'
import type { KnotSimulator } from '../../../../sandbox/knot/knotSimulator.ts'

/** A user and card that Knot accepts. The number is the well-known test number of payment documentation. */
export const goodData = {
  user: {
    name: { first_name: 'Ada', last_name: 'Lovelace' },
    address: {
      street: '100 Main Street',
      street2: '#100',
      city: 'NEW YORK',
      region: 'NY',
      postal_code: '12345',
      country: 'US',
    },
    phone_number: '+11234567890',
  },
  card: { number: '4242424242424242', expiration: '08/2050', cvv: '012' },
}

export interface KnotAnswer {
  readonly status: number
  readonly body: unknown
  readonly retryAfter: string | null
}

/** Calls the simulator as an issuer does, with valid credentials unless told otherwise. */
export class KnotCaller {
  readonly #knot: KnotSimulator
  readonly authorization: string

  constructor(knot: KnotSimulator, secret = knot.secret) {
    this.#knot = knot
    this.authorization = `Basic ${Buffer.from(`${knot.clientId}:${secret}`).toString('base64')}`
  }

  get(path: string): Promise<KnotAnswer> {
    return this.#call(`${this.#knot.url}${path}`, { headers: { authorization: this.authorization } })
  }

  post(path: string, body: unknown, base = this.#knot.url, signal?: AbortSignal): Promise<KnotAnswer> {
    return this.#call(`${base}${path}`, {
      method: 'POST',
      headers: { authorization: this.authorization, 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
      ...(signal === undefined ? {} : { signal }),
    })
  }

  /** The plain form, on the secure host. */
  pushPlain(ids: object, data: object = goodData, signal?: AbortSignal): Promise<KnotAnswer> {
    return this.post('/card', { ...data, ...ids }, this.#knot.secureUrl, signal)
  }

  /** The encrypted form, on the API host. */
  async pushJwe(ids: object, data: unknown = goodData): Promise<KnotAnswer> {
    return this.post('/card', { jwe: await this.encrypt(data), ...ids })
  }

  /** A JWE as Knot wants it; `header` overrides fields of the protected header. */
  async encrypt(data: unknown, header: Record<string, string> = {}): Promise<string> {
    const jwk = (await this.get('/jwe/key')).body as JWK & { kid: string }
    const key = await importJWK(jwk, header.alg ?? 'RSA-OAEP-256')
    return new CompactEncrypt(new TextEncoder().encode(JSON.stringify(data)))
      .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM', kid: jwk.kid, ...header })
      .encrypt(key)
  }

  async #call(url: string, init: RequestInit): Promise<KnotAnswer> {
    const answer = await fetch(url, init)
    return { status: answer.status, body: await answer.json(), retryAfter: answer.headers.get('retry-after') }
  }
}
