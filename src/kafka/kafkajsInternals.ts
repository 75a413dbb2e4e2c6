import type { Socket } from 'node:net'

/**
 * The inner parts of kafkajs 2.2.4 that `connection.ts` uses, as far as it uses them. Read from its source
 * (`src/network/connection.js`, `src/network/requestQueue/index.js`); the package declares no types for them.
 */
export interface QueuedRequest {
  readonly entry: {
    readonly apiKey: number
    readonly apiName: string
    readonly apiVersion: number
    readonly correlationId: number
    readonly resolve: (answer: { readonly payload: Buffer }) => void
    readonly reject: (error: Error) => void
  }
  readonly expectResponse: boolean
  readonly requestTimeout: number | null
  readonly sendRequest: () => void
}

export interface KafkajsConnection {
  readonly clientId: string
  readonly socket: Socket
  readonly requestQueue: { push(request: QueuedRequest): void }
  readonly sessionLifetime: { toString(): string }
  reauthenticationThreshold: number
  bytesNeeded: number
  processData(data: Buffer): void
  connect(): Promise<unknown>
  disconnect(): Promise<unknown>
  authenticate(): Promise<void>
  isConnected(): boolean
  isAuthenticated(): boolean
  nextCorrelationId(): number
  rejectRequests(error: Error): void
  setVersions(versions: Readonly<Record<number, { minVersion: number; maxVersion: number }>>): void
  setSupportAuthenticationProtocol(supported: boolean): void
}

export interface SilentLogger {
  namespace(): SilentLogger
  debug(): void
  info(): void
  warn(): void
  error(): void
}

export type KafkajsConnectionClass = new (options: {
  readonly host: string
  readonly port: number
  readonly clientId: string
  readonly ssl: null
  readonly sasl: unknown
  readonly connectionTimeout: number
  readonly requestTimeout: number
  readonly enforceRequestTimeout: boolean
  readonly socketFactory: SocketFactory
  readonly logger: SilentLogger
}) => KafkajsConnection

export type SocketFactory = (to: { host: string; port: number; onConnect: () => void }) => Socket

export interface RequestQueuePrototype {
  readonly pending: readonly unknown[]
  scheduleCheckPendingRequests: (this: RequestQueuePrototype) => void
}
