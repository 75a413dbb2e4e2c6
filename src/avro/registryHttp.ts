import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, request } from 'undici'
import type { CallObserver } from '../http/callObserver.ts'
import { freshConnector } from '../http/freshConnector.ts'
import type { ClientTls } from '../http/freshConnector.ts'
import { current } from '../http/live.ts'
import type { Live } from '../http/live.ts'
import { RegistryUnavailableError } from './errors.ts'

export type RegistryAuth =
  | { readonly kind: 'none' }
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  | { readonly kind: 'bearer'; readonly token: string }

export interface RegistryOptions {
  /** Base URL of the Confluent-compatible API, with its path: `http://host:8080/apis/ccompat/v7`. */
  readonly url: string
  readonly auth?: Live<RegistryAuth>
  readonly tls?: Live<ClientTls>
  /** Per request, connecting included. Default 5000. */
  readonly timeoutMs?: number
  /** Requests per call where the registry is unreachable or answers 5xx or 429. Default 3. */
  readonly attempts?: number
  /** How long a 404 for a schema id is believed. Default 30000. */
  readonly unknownTtlMs?: number
  /** `schema` or `subject`: `found`, `unknown`, `refused`, `unauthorized`, `unavailable`. Each request, repeated ones too. */
  readonly onCall?: CallObserver
}

export interface RegistryAnswer {
  readonly status: number
  readonly body: unknown
}

const FIRST_RETRY_MS = 100

/** The `Authorization` header of now, undefined where none is configured. */
export function authorization(configured: Live<RegistryAuth> | undefined): string | undefined {
  const auth = configured === undefined ? undefined : current(configured)
  if (auth?.kind === 'bearer') return `Bearer ${auth.token}`
  if (auth?.kind === 'basic') return `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}`
  return undefined
}

/** True for answers that say nothing about what was asked: outage, overload, or refused credentials. */
export function isOutage(status: number): boolean {
  return status >= 500 || status === 429 || status === 408 || status === 401 || status === 403
}

/** What an answer with this status is called in `onCall`. */
export function answerKind(status: number | undefined): string {
  if (status === 401 || status === 403) return 'unauthorized'
  if (status === undefined || isOutage(status)) return 'unavailable'
  if (status === 404) return 'unknown'
  return status < 400 ? 'found' : 'refused'
}

/** Runs `call` again with jittered, doubling waits while it fails with `RegistryUnavailableError`. */
export async function withRetries<T>(attempts: number, call: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call()
    } catch (error) {
      if (attempt >= attempts || !(error instanceof RegistryUnavailableError)) throw error
      await sleep(FIRST_RETRY_MS * 2 ** (attempt - 1) * (0.5 + Math.random()))
    }
  }
}

/**
 * The requests that the registry client library has no safe way for: registering (it registers first and sets the
 * compatibility afterwards, and refuses subjects that other tools made), compatibility checks, subject settings, and
 * every question whose "no" must be told from an outage (its errors keep only a status, 400 for a refused connection).
 */
export class RegistryHttp {
  readonly #url: string
  readonly #auth: Live<RegistryAuth> | undefined
  readonly #timeoutMs: number
  readonly #attempts: number
  readonly #agent: Agent
  readonly #onCall: CallObserver | undefined

  constructor(options: RegistryOptions) {
    this.#url = options.url.replace(/\/+$/, '')
    this.#timeoutMs = options.timeoutMs ?? 5_000
    this.#attempts = options.attempts ?? 3
    this.#auth = options.auth
    this.#onCall = options.onCall
    this.#agent = new Agent({ connect: freshConnector(options.tls ?? {}, this.#timeoutMs) })
  }

  /** Any answer that is not an outage; `RegistryUnavailableError` otherwise. The body is parsed where it is JSON. */
  async send(method: 'GET' | 'POST' | 'PUT', path: string, body?: object): Promise<RegistryAnswer> {
    return withRetries(this.#attempts, () => this.#sendOnce(method, path, body))
  }

  async close(): Promise<void> {
    await this.#agent.destroy()
  }

  async #sendOnce(method: 'GET' | 'POST' | 'PUT', path: string, body: object | undefined): Promise<RegistryAnswer> {
    const header = authorization(this.#auth)
    const startedMs = performance.now()
    const ended = (status?: number): void => {
      const operation = path.startsWith('/schemas/') ? 'schema' : 'subject'
      this.#onCall?.(operation, answerKind(status), performance.now() - startedMs)
    }
    let status: number
    let text: string
    try {
      const answer = await request(`${this.#url}${path}`, {
        method,
        dispatcher: this.#agent,
        headers: {
          accept: 'application/vnd.schemaregistry.v1+json, application/json',
          'content-type': 'application/vnd.schemaregistry.v1+json',
          ...(header === undefined ? {} : { authorization: header }),
        },
        signal: AbortSignal.timeout(this.#timeoutMs),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      status = answer.statusCode
      text = await answer.body.text()
    } catch (error) {
      ended()
      throw new RegistryUnavailableError(this.#url, causeOf(error), { cause: error })
    }
    ended(status)
    if (isOutage(status)) throw new RegistryUnavailableError(this.#url, `it answered ${status}`)
    return { status, body: parsed(text) }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error'
  if (error.name === 'TimeoutError') return 'no answer in time'
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}
