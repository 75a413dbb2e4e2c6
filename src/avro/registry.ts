import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { SchemaRegistry as RegistryClient, SchemaType } from '@kafkajs/confluent-schema-registry'
import avsc from 'avsc'
import type { Type } from 'avsc'
import { LRUCache } from 'lru-cache'
import type { CallObserver } from '../http/callObserver.ts'
import { current } from '../http/live.ts'
import { IncompatibleSchemaError, RegistryUnavailableError, UnknownSchemaError } from './errors.ts'
import { InstantType } from './instantType.ts'
import { RegistryHttp, answerKind, authorization, withRetries } from './registryHttp.ts'
import type { RegistryOptions } from './registryHttp.ts'
import { typeHook } from './typeHook.ts'

type ClientOptions = ConstructorParameters<typeof RegistryClient>[0]
type Middleware = NonNullable<ClientOptions['middlewares']>[number]

/** How a subject guards its versions. onfile's own subjects use FULL_TRANSITIVE. */
export type Compatibility = 'NONE' | 'BACKWARD' | 'FULL_TRANSITIVE'

/** What the codecs need: the writer's type of a schema id. */
export interface SchemaSource {
  /** `UnknownSchemaError` (do not ask again for a while) or `RegistryUnavailableError` (wait and ask again). */
  typeById(id: number): Promise<Type>
}

/** Distinct unknown ids that are remembered: only bad producers make any. */
const MAX_UNKNOWN_IDS = 10_000

const NOT_A_REGISTRY = 'it answers 404, but not as a schema registry does; is the path in registry.url right?'

/** Name of the library's error for a schema text that it cannot parse. */
const UNPARSABLE = 'ConfluentSchemaRegistryArgumentError'

/**
 * The schema registry: schemas by id through the client library (it knows references), subjects through `RegistryHttp`.
 * Adds what the library lacks: a timeout, retries with jitter, single flight, a memory for unknown ids, and a clear
 * split between "the schema does not exist" and "the registry is not usable".
 */
export class SchemaRegistry implements SchemaSource {
  readonly url: string
  readonly #newClient: () => RegistryClient
  #client: RegistryClient
  readonly #http: RegistryHttp
  readonly #agent: HttpAgent
  readonly #attempts: number
  readonly #deadlineMs: number
  readonly #onCall: CallObserver | undefined
  readonly #types = new Map<number, Type>()
  readonly #inFlight = new Map<number, Promise<Type>>()
  readonly #unknown: LRUCache<number, UnknownSchemaError>

  constructor(options: RegistryOptions) {
    this.url = options.url.replace(/\/+$/, '')
    const timeoutMs = options.timeoutMs ?? 5_000
    this.#attempts = options.attempts ?? 3
    // The library's own timeout starts again with each byte.
    this.#deadlineMs = timeoutMs * 2
    this.#onCall = options.onCall
    this.#http = new RegistryHttp(options)
    this.#agent = this.url.startsWith('https:')
      ? new HttpsAgent({ keepAlive: true })
      : new HttpAgent({ keepAlive: true })
    this.#unknown = new LRUCache({ max: MAX_UNKNOWN_IDS, ttl: options.unknownTtlMs ?? 30_000 })
    // `retry` changes the defaults of the whole library: every client here passes the same, and retries are our own.
    const clientOptions: ClientOptions = {
      host: this.url,
      agent: this.#agent,
      retry: { retries: 0 },
      middlewares: [withTimeout(timeoutMs, options, this.#agent)],
    }
    const schemaOptions = { [SchemaType.AVRO]: { typeHook, logicalTypes: InstantType.byName } }
    this.#newClient = () => new RegistryClient(clientOptions, schemaOptions)
    this.#client = this.#newClient()
  }

  async typeById(id: number): Promise<Type> {
    const known = this.#types.get(id)
    if (known !== undefined) return known
    const unknown = this.#unknown.get(id)
    if (unknown !== undefined) throw unknown
    const running = this.#inFlight.get(id)
    if (running !== undefined) return running
    const fetching = this.#fetchType(id).finally(() => this.#inFlight.delete(id))
    this.#inFlight.set(id, fetching)
    return fetching
  }

  /** Id of the newest version of a subject, undefined where the subject does not exist. */
  async latestId(subject: string): Promise<number | undefined> {
    const { status, body } = await this.#http.send('GET', `/subjects/${encodeURIComponent(subject)}/versions/latest`)
    if (isNotFound(status, body)) return undefined
    return idIn(body) ?? this.#unexpected(status, 'find the latest version')
  }

  /** Id of exactly this schema under this subject, undefined where it is not there. */
  async idOf(subject: string, schema: string): Promise<number | undefined> {
    const answer = await this.#http.send('POST', `/subjects/${encodeURIComponent(subject)}`, { schema })
    if (isNotFound(answer.status, answer.body)) return undefined
    return idIn(answer.body) ?? this.#unexpected(answer.status, 'look up a schema')
  }

  /** Registers a version, or finds it where it is already registered. `IncompatibleSchemaError` where it is refused. */
  async register(subject: string, schema: string): Promise<number> {
    const answer = await this.#http.send('POST', `/subjects/${encodeURIComponent(subject)}/versions`, { schema })
    if (answer.status === 409 || answer.status === 422) throw new IncompatibleSchemaError(subject, [])
    return idIn(answer.body) ?? this.#unexpected(answer.status, 'register a schema')
  }

  /** Problems that the registry sees in this schema as the next version of the subject. Empty: it would be accepted. */
  async incompatibilities(subject: string, schema: string): Promise<readonly string[]> {
    const path = `/compatibility/subjects/${encodeURIComponent(subject)}/versions/latest?verbose=true`
    const { status, body } = await this.#http.send('POST', path, { schema })
    if (isNotFound(status, body)) return []
    if (status !== 200 || typeof body !== 'object' || body === null || !('is_compatible' in body)) {
      return this.#unexpected(status, 'check compatibility')
    }
    if (body.is_compatible === true) return []
    const messages = 'messages' in body && Array.isArray(body.messages) ? body.messages.map(String) : []
    return messages.length > 0 ? messages : ['the registry gives no details']
  }

  /** The subject must exist: some registries know no settings of a subject without a version. */
  async setCompatibility(subject: string, compatibility: Compatibility): Promise<void> {
    const { status } = await this.#http.send('PUT', `/config/${encodeURIComponent(subject)}`, { compatibility })
    if (status < 200 || status > 299) this.#unexpected(status, 'set the compatibility')
  }

  async close(): Promise<void> {
    this.#agent.destroy()
    await this.#http.close()
  }

  async #fetchType(id: number): Promise<Type> {
    try {
      const schema = await withRetries(this.#attempts, () => this.#schemaOnce(id))
      if (!avsc.Type.isType(schema)) throw new UnknownSchemaError(id, 'it is not an Avro schema')
      const type = schema as Type
      this.#types.set(id, type)
      return type
    } catch (error) {
      if (error instanceof UnknownSchemaError) this.#unknown.set(id, error)
      throw error
    }
  }

  /**
   * The library reports a refused connection as status 400, a wrong path as 404 and a proxy's page as a schema that
   * cannot be parsed. Only what the registry itself confirms may be called unknown: it turns records into dead letters.
   */
  async #schemaOnce(id: number): Promise<unknown> {
    const startedMs = performance.now()
    const ended = (answer: string): void => this.#onCall?.('schema', answer, performance.now() - startedMs)
    try {
      const schema = await withDeadline(this.#deadlineMs, this.#client.getSchema(id))
      ended('found')
      return schema
    } catch (error) {
      const status = statusOf(error)
      const unparsable = error instanceof Error && error.name === UNPARSABLE
      // Others are asked again, and that question counts.
      if (status !== 404 && !unparsable) ended(answerKind(status === 400 ? undefined : status))
      // A request that lost its answer half-way never ends inside the library, and every later one for the same id joins
      // it: only a new client gets another answer.
      if (status === undefined && !unparsable) this.#client = this.#newClient()
      if (status !== 404 && !unparsable) throw this.#unavailable(error)
      const confirmed = await this.#http.send('GET', `/schemas/ids/${id}`)
      if (isNotFound(confirmed.status, confirmed.body))
        throw new UnknownSchemaError(id, 'the registry does not know it')
      if (confirmed.status !== 200 || !isSchema(confirmed.body))
        return this.#unexpected(confirmed.status, 'fetch a schema')
      if (unparsable) throw new UnknownSchemaError(id, 'it is not a valid schema')
      if (confirmed.body.references === undefined) throw this.#unavailable(error)
      throw new UnknownSchemaError(id, 'a schema that it refers to does not exist')
    }
  }

  #unavailable(error: unknown): RegistryUnavailableError {
    const status = statusOf(error)
    const why = status === undefined || status === 400 ? 'no answer' : `it answered ${status}`
    return new RegistryUnavailableError(this.url, why)
  }

  #unexpected(status: number, action: string): never {
    if (status === 404) throw new RegistryUnavailableError(this.url, NOT_A_REGISTRY)
    throw new RegistryUnavailableError(this.url, `it answered ${status} to the request to ${action}`)
  }
}

/** Each request with the credentials of now. An agent whose certificates change opens new connections for them. */
function withTimeout(timeoutMs: number, { auth, tls }: RegistryOptions, agent: HttpAgent): Middleware {
  return () => ({
    prepareRequest: async next => {
      const header = authorization(auth)
      if (tls !== undefined && agent instanceof HttpsAgent) Object.assign(agent.options, current(tls))
      const headers = header === undefined ? {} : { headers: { authorization: header } }
      return (await next()).enhance({ timeout: timeoutMs, ...headers })
    },
  })
}

/**
 * A registry says "not found" with an error code of its own (40401 subject, 40402 version, 40403 schema). A plain 404 in
 * its place is what a wrong path, a proxy or another service answers: that proves nothing about a schema.
 */
function isNotFound(status: number, body: unknown): boolean {
  if (status !== 404 || typeof body !== 'object' || body === null || !('error_code' in body)) return false
  return Math.floor(Number(body.error_code) / 100) === 404
}

async function withDeadline<T>(deadlineMs: number, running: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('no complete answer in time')), deadlineMs)
  })
  try {
    return await Promise.race([running, late])
  } finally {
    clearTimeout(timer)
  }
}

function statusOf(error: unknown): number | undefined {
  return error instanceof Error && 'status' in error ? Number(error.status) : undefined
}

function isSchema(body: unknown): body is { readonly schema: string; readonly references?: unknown } {
  return typeof body === 'object' && body !== null && 'schema' in body && typeof body.schema === 'string'
}

function idIn(body: unknown): number | undefined {
  return typeof body === 'object' && body !== null && 'id' in body && typeof body.id === 'number' ? body.id : undefined
}
