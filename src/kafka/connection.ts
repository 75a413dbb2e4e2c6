import { createRequire } from 'node:module'
import { connect as connectTcp, isIP } from 'node:net'
import type { Socket } from 'node:net'
import { connect as connectTls, TLSSocket } from 'node:tls'
import type { ConnectionOptions as TlsOptions } from 'node:tls'
import type * as Kafkajs from 'kafkajs'
import { connectionTrouble } from './connectionTrouble.ts'
import {
  AuthenticationFailedError,
  ClientVersionError,
  ConnectionLostError,
  ProtocolError,
  RequestTimedOutError,
} from './errors.ts'
import type {
  KafkajsConnection,
  KafkajsConnectionClass,
  RequestQueuePrototype,
  SilentLogger,
  SocketFactory,
} from './kafkajsInternals.ts'
import { proveByToken } from './oauthBearer.ts'
import type { SaslExchange } from './oauthBearer.ts'
import type { ApiRanges } from './request.ts'
import { API_VERSIONS } from './requests/apiVersions.ts'
import { Writer } from './wire.ts'

/** The release whose inner parts were read and tested. Another one must be checked again before this changes. */
const KAFKAJS_VERSION = '2.2.4'
const KEEP_ALIVE_MS = 60_000
/** kafkajs renews a SASL session so long before it ends; a fifth of the session where that is less. */
const RENEWAL_MS = 10_000
/** Larger than any answer to what we ask for: a length beyond it means that the other side is no Kafka broker. */
const MAX_RESPONSE_BYTES = 256 << 20

const NO_KAFKA = 'no Kafka broker, or one that wants TLS; check kafka.brokers and kafka.ssl.enabled'

const require = createRequire(import.meta.url)
const silentLogger: SilentLogger = {
  namespace: () => silentLogger,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}

function loadKafkajs(): { Connection: KafkajsConnectionClass; api: typeof Kafkajs } {
  const { version } = require('kafkajs/package.json') as { version: string }
  if (version !== KAFKAJS_VERSION) {
    throw new ClientVersionError(
      `kafkajs ${version} is installed, but this software reaches into ${KAFKAJS_VERSION} only: install exactly that one`,
    )
  }
  // After its first answer every connection of the stock class sets a timer of 1 ms for ever.
  const { prototype } = require('kafkajs/src/network/requestQueue') as { prototype: RequestQueuePrototype }
  const schedule = prototype.scheduleCheckPendingRequests
  prototype.scheduleCheckPendingRequests = function () {
    if (this.pending.length > 0) schedule.call(this)
  }
  return {
    Connection: require('kafkajs/src/network/connection') as KafkajsConnectionClass,
    api: require('kafkajs') as typeof Kafkajs,
  }
}

const kafkajs = loadKafkajs()

/**
 * How to prove who we are. Calls are made before each authentication, so that what was rotated is used by the next one.
 * `token` must return a token that is still valid; where it throws an error with `refused: true`, whoever gives out tokens
 * has turned us down, and any other error means that there is no token now.
 */
export type SaslOptions =
  | {
      readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
      readonly username: string
      readonly password: string | (() => string)
    }
  | { readonly mechanism: 'oauthbearer'; readonly token: () => Promise<string> }

/** TLS as Node takes it; a call is made for each connection, so that the next one shows a certificate that was renewed. */
export type TlsSource = TlsOptions | (() => TlsOptions)

export interface ConnectionOptions {
  readonly clientId: string
  readonly ssl?: TlsSource
  readonly sasl?: SaslOptions
  /** For the answer to a request, unless the request has a longer one. */
  readonly requestTimeoutMs: number
  /** For the TCP and TLS handshake. */
  readonly connectionTimeoutMs: number
}

/** See `Request`, whose fields they are. */
export interface SendLimits {
  readonly timeoutMs?: number | undefined
  readonly writeByMs?: number | undefined
}

export interface Address {
  readonly host: string
  readonly port: number
}

/** Nagle's delay off: a transaction is a sequence of small requests that wait for each other. */
function openSocket(
  { host, port, onConnect }: Parameters<SocketFactory>[0],
  ssl: TlsSource | undefined,
): ReturnType<SocketFactory> {
  const tls = typeof ssl === 'function' ? ssl() : ssl
  const socket = tls
    ? connectTls({ host, port, ...(isIP(host) === 0 ? { servername: host } : {}), ...tls }, onConnect)
    : connectTcp({ host, port }, onConnect)
  socket.setKeepAlive(true, KEEP_ALIVE_MS)
  socket.setNoDelay(true)
  return socket
}

/** What `token` threw, in a wrapper that tells it from what a broker said. */
class NoTokenError extends Error {
  override readonly name = 'NoTokenError'
}

function kafkajsSasl(sasl: SaslOptions | undefined): Kafkajs.SASLOptions | Kafkajs.Mechanism | undefined {
  if (sasl === undefined) return undefined
  if (sasl.mechanism !== 'oauthbearer') {
    const { mechanism, username, password } = sasl
    // kafkajs reads the object at each authentication.
    return {
      mechanism,
      username,
      get password() {
        return typeof password === 'string' ? password : password()
      },
    } as Kafkajs.SASLOptions
  }
  return {
    mechanism: 'oauthbearer',
    authenticationProvider: ({ saslAuthenticate }) => ({
      authenticate: async () => {
        const token = await sasl.token().catch((cause: unknown) => {
          throw new NoTokenError('no token', { cause })
        })
        await proveByToken(token, saslAuthenticate as unknown as SaslExchange)
      },
    }),
  }
}

/**
 * One connection to one broker: kafkajs's for socket, TLS, SASL and correlation of answers; ours for framing without
 * copies, timeouts, and an end that is final. Requests go out in the order of the calls. Any failure closes it: no
 * request is ever answered by the answer to another one, and no buffer is read after its request has failed.
 */
export class BrokerConnection {
  /** `host:port`. */
  readonly broker: string
  private readonly options: ConnectionOptions
  private readonly connection: KafkajsConnection
  private socket: Socket | null = null
  private failure: Error | null = null
  private wasAuthenticated = false

  private constructor(address: Address, options: ConnectionOptions) {
    this.broker = `${address.host}:${address.port}`
    this.options = options
    this.connection = new kafkajs.Connection({
      ...address,
      clientId: options.clientId,
      ssl: null,
      sasl: kafkajsSasl(options.sasl) ?? null,
      connectionTimeout: options.connectionTimeoutMs,
      requestTimeout: options.requestTimeoutMs,
      enforceRequestTimeout: false,
      logger: silentLogger,
      socketFactory: to => {
        const socket = openSocket(to, options.ssl)
        this.socket = socket
        // TLS 1.3 lets us send before the broker has judged our certificate: its refusal may come at any time.
        socket.once('error', error => {
          const what = this.connection.isConnected() ? 'the connection broke' : 'cannot connect'
          this.fail(connectionTrouble(this.broker, error, what))
        })
        socket.once('end', () => this.fail(this.lost(`the broker closed the connection${this.beforeTls(socket)}`)))
        socket.once('close', () => this.fail(this.lost('the connection ended')))
        return socket
      },
    })
    this.guardIncoming()
  }

  /** Connected, not authenticated yet. Throws ConnectionLostError. */
  static async open(address: Address, options: ConnectionOptions): Promise<BrokerConnection> {
    const opened = new BrokerConnection(address, options)
    const { connectionTimeoutMs } = options
    try {
      // kafkajs leaves its promise pending where a TLS peer closes before the handshake ends.
      await opened.within(connectionTimeoutMs + 500, opened.connection.connect())
      return opened
    } catch (error) {
      opened.fail(connectionTrouble(opened.broker, error, 'cannot connect'))
      throw opened.failure ?? error
    }
  }

  get isOpen(): boolean {
    return this.failure === null && this.connection.isConnected()
  }

  /** Throws AuthenticationFailedError, ConnectionLostError. */
  async authenticate(ranges: ApiRanges): Promise<void> {
    if (this.options.sasl === undefined) return
    const versions = Object.fromEntries(
      [...ranges].map(([key, { min, max }]) => [key, { minVersion: min, maxVersion: max }]),
    )
    this.connection.setVersions(versions)
    this.connection.setSupportAuthenticationProtocol(true)
    await this.proveIdentity()
  }

  /** The bytes after the correlation id. `flexible` asks for request header v2. Throws what `Broker.call` does. */
  async send(
    api: { readonly key: number; readonly name: string },
    version: number,
    flexible: boolean,
    body: readonly Buffer[],
    { timeoutMs = this.options.requestTimeoutMs, writeByMs = Number.POSITIVE_INFINITY }: SendLimits = {},
  ): Promise<Buffer> {
    const { connection } = this
    // Afterwards the broker takes nothing but SaslHandshake when a session has ended, and ApiVersions is nothing else.
    const isFirst = api.key === API_VERSIONS.key && !this.wasAuthenticated
    if (this.options.sasl !== undefined && !isFirst && !connection.isAuthenticated()) await this.proveIdentity()
    if (this.failure !== null) throw this.failure
    // The connection is sound, the request has come too late: nothing of it is sent.
    const lateMs = performance.now() - writeByMs
    if (lateMs > 0) throw this.lost(`${api.name} was not sent: it was ready ${Math.ceil(lateMs)} ms too late`)
    const correlationId = connection.nextCorrelationId()
    const header = requestHeader(api.key, version, correlationId, connection.clientId, flexible, body)
    let timer: NodeJS.Timeout | undefined
    try {
      const { payload } = await new Promise<{ readonly payload: Buffer }>((resolve, reject) => {
        timer = setTimeout(() => this.fail(new RequestTimedOutError(this.broker, api.name, timeoutMs)), timeoutMs)
        connection.requestQueue.push({
          entry: { apiKey: api.key, apiName: api.name, apiVersion: version, correlationId, resolve, reject },
          expectResponse: true,
          requestTimeout: null,
          sendRequest: () => {
            const { socket } = connection
            socket.cork()
            socket.write(header)
            for (const part of body) socket.write(part)
            socket.uncork()
          },
        })
      })
      return payload
    } catch (error) {
      throw this.reasonToFail() ?? this.lost(error instanceof Error ? error.message : String(error), error)
    } finally {
      clearTimeout(timer)
    }
  }

  /** Rejects what is under way. */
  close(reason = 'closed by this client'): void {
    this.fail(this.lost(reason))
  }

  private async proveIdentity(): Promise<void> {
    try {
      await this.within(this.options.requestTimeoutMs, this.connection.authenticate())
    } catch (error) {
      this.fail(this.refusal(error))
      throw this.failure ?? error
    }
    this.wasAuthenticated = true
    const sessionMs = Number(this.connection.sessionLifetime.toString())
    if (sessionMs > 0) this.connection.reauthenticationThreshold = Math.min(RENEWAL_MS, Math.floor(sessionMs / 5))
  }

  /** Only what a broker, or who gives out tokens, has said is a refusal; everything else may be better next time. */
  private refusal(error: unknown): Error {
    if (error instanceof ConnectionLostError) return error
    const oauth = this.options.sasl?.mechanism === 'oauthbearer'
    if (!(error instanceof NoTokenError)) {
      const settings = oauth
        ? 'kafka.sasl (the token that kafka.sasl.clientId gets)'
        : 'kafka.sasl.mechanism, .username and .password'
      return new AuthenticationFailedError(this.broker, error, settings)
    }
    const { cause } = error
    if (!(cause instanceof Error && 'refused' in cause && cause.refused === true)) {
      return this.lost(`nothing to authenticate with: ${cause instanceof Error ? cause.message : 'no token'}`, cause)
    }
    return new AuthenticationFailedError(this.broker, cause, 'kafka.sasl.clientId and kafka.sasl.clientSecret')
  }

  /** An answer that is no answer must end this connection, not the process. */
  private guardIncoming(): void {
    const { connection } = this
    const process = connection.processData.bind(connection)
    connection.processData = (data: Buffer) => {
      if (this.failure !== null) return
      try {
        process(data)
      } catch (error) {
        this.fail(new ProtocolError(`${this.broker} does not speak Kafka's protocol: ${NO_KAFKA}`, error))
        return
      }
      if (connection.bytesNeeded > MAX_RESPONSE_BYTES || connection.bytesNeeded < 0) {
        this.fail(
          new ProtocolError(`${this.broker} announced an answer of ${connection.bytesNeeded} bytes: ${NO_KAFKA}`),
        )
      }
    }
  }

  /** A listener without TLS hangs up at a TLS greeting. */
  private beforeTls(socket: Socket): string {
    const greeted = socket instanceof TLSSocket && socket.getProtocol() === null
    return greeted ? ' before TLS stood: check kafka.ssl.enabled and the port in kafka.brokers' : ''
  }

  /** A call, because the field changes while a request waits. */
  private reasonToFail(): Error | null {
    return this.failure
  }

  private lost(what: string, cause?: unknown): ConnectionLostError {
    return new ConnectionLostError(this.broker, what, cause)
  }

  private fail(error: Error): void {
    if (this.failure !== null) return
    this.failure = error
    this.connection.rejectRequests(error)
    // Destroyed, not ended: what is still queued would be flushed otherwise, from buffers that may be written again.
    this.socket?.destroy()
    void this.connection.disconnect().catch(() => undefined)
  }

  private async within<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined
    const timeout = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(this.lost(`no answer within ${timeoutMs} ms`)), timeoutMs)
    })
    try {
      return await Promise.race([work, timeout])
    } finally {
      clearTimeout(timer)
    }
  }
}

function requestHeader(
  apiKey: number,
  version: number,
  correlationId: number,
  clientId: string,
  flexible: boolean,
  body: readonly Buffer[],
): Buffer {
  let bodyBytes = 0
  for (const part of body) bodyBytes += part.length
  const writer = new Writer(64).int32(0).int16(apiKey).int16(version).int32(correlationId).string(clientId)
  if (flexible) writer.emptyTags()
  const header = writer.finish()
  header.writeInt32BE(header.length - 4 + bodyBytes, 0)
  return header
}

export type KafkajsAdmin = Kafkajs.Admin
/** Kind of a resource in DescribeConfigs. */
export const TOPIC_RESOURCE = kafkajs.api.ConfigResourceTypes.TOPIC

/** kafkajs's own admin client, for topics: it connects by itself and must be disconnected. */
export function createKafkajsAdmin(brokers: readonly string[], options: ConnectionOptions): KafkajsAdmin {
  const sasl = kafkajsSasl(options.sasl)
  const client = new kafkajs.api.Kafka({
    brokers: [...brokers],
    clientId: options.clientId,
    connectionTimeout: options.connectionTimeoutMs,
    requestTimeout: options.requestTimeoutMs,
    // The default of 10 s makes it authenticate before every request where sessions are that short.
    reauthenticationThreshold: 1_000,
    logLevel: kafkajs.api.logLevel.NOTHING,
    socketFactory: to => openSocket(to, options.ssl),
    ...(sasl === undefined ? {} : { sasl }),
  })
  return client.admin()
}
