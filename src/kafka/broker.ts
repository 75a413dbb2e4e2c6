import { BrokerConnection } from './connection.ts'
import type { Address, ConnectionOptions } from './connection.ts'
import { ConnectionLostError, KafkaError, UnsupportedBrokerError } from './errors.ts'
import type { Api, ApiRanges, Request } from './request.ts'
import { apiVersions, API_VERSIONS } from './requests/apiVersions.ts'
import type { BrokerVersions } from './requests/apiVersions.ts'
import { pause } from './retry.ts'
import { Reader } from './wire.ts'

/**
 * A broker works on one request per connection at a time, so what may block for long has a connection of its own: a
 * fetch that waits for records, a join that waits for the other members. `transactions` and `admin` are shared.
 */
export type Lane = 'transactions' | 'admin' | `fetch-${number}` | `membership-${string}`

/** What no supported broker may lack. Everything else comes with it: these arrived last (Kafka 2.5). */
const FLOORS: readonly { readonly key: number; readonly name: string; readonly version: number }[] = [
  { key: 0, name: 'Produce', version: 9 },
  { key: 22, name: 'InitProducerId', version: 3 },
]
const UNSUPPORTED_VERSION = 35
const RECONNECT_FIRST_MS = 20
const RECONNECT_MAX_MS = 1_000

interface OpenConnection {
  readonly connection: BrokerConnection
  readonly versions: BrokerVersions
}

/** One broker address with one connection per lane, opened when first used and again after it was lost. */
export class Broker {
  readonly address: Address
  private readonly options: ConnectionOptions
  private readonly lanes = new Map<Lane, Promise<OpenConnection>>()
  private readonly opened = new Set<BrokerConnection>()
  private failures = 0
  private failedAtMs = 0
  private closed = false

  constructor(address: Address, options: ConnectionOptions) {
    this.address = address
    this.options = options
  }

  /** `host:port`. */
  get name(): string {
    return `${this.address.host}:${this.address.port}`
  }

  /** Some connection stands. */
  get isConnected(): boolean {
    return [...this.opened].some(connection => connection.isOpen)
  }

  /**
   * Sends in the highest version that both sides speak. Throws ConnectionLostError, RequestTimedOutError,
   * AuthenticationFailedError, ProtocolError (an answer that cannot be read), UnsupportedBrokerError.
   */
  async call<T>(lane: Lane, request: Request<T>): Promise<T> {
    const { connection, versions } = await this.lane(lane)
    const version = negotiate(this.name, request, versions.ranges)
    return exchange(connection, request, version, this.options.requestTimeoutMs)
  }

  /**
   * Asked anew: the features of a cluster change while connections stand. Throws KafkaError too: an answer that refuses is
   * not taken for one of a cluster without features.
   */
  async versions(lane: Lane): Promise<BrokerVersions> {
    const { connection } = await this.lane(lane)
    const versions = await askVersions(connection, this.options.requestTimeoutMs)
    requireFloors(this.name, versions)
    return versions
  }

  closeLane(lane: Lane): void {
    const open = this.lanes.get(lane)
    this.lanes.delete(lane)
    void open?.then(({ connection }) => connection.close()).catch(() => undefined)
  }

  close(): void {
    this.closed = true
    for (const connection of this.opened) connection.close()
    this.lanes.clear()
  }

  private async lane(lane: Lane): Promise<OpenConnection> {
    const existing = this.lanes.get(lane)
    if (existing !== undefined) {
      const open = await existing
      if (open.connection.isOpen) return open
      // Another caller may have opened it again meanwhile.
      const current = this.lanes.get(lane)
      if (current !== undefined && current !== existing) return this.lane(lane)
    }
    if (this.closed) throw new ConnectionLostError(this.name, 'closed by this client')
    const opening = this.open()
    this.lanes.set(lane, opening)
    try {
      return await opening
    } catch (error) {
      if (this.lanes.get(lane) === opening) this.lanes.delete(lane)
      throw error
    }
  }

  private async open(): Promise<OpenConnection> {
    await this.waitToReconnect()
    try {
      const connection = await BrokerConnection.open(this.address, this.options)
      this.opened.add(connection)
      for (const other of this.opened) if (!other.isOpen && other !== connection) this.opened.delete(other)
      try {
        const versions = await askVersions(connection, this.options.requestTimeoutMs)
        requireFloors(this.name, versions)
        await connection.authenticate(versions.ranges)
        if (this.closed) throw new ConnectionLostError(this.name, 'closed by this client')
        this.failures = 0
        return { connection, versions }
      } catch (error) {
        connection.close()
        throw error
      }
    } catch (error) {
      this.failures++
      this.failedAtMs = performance.now()
      throw error
    }
  }

  private async waitToReconnect(): Promise<void> {
    if (this.failures === 0) return
    const backoffMs = Math.min(RECONNECT_MAX_MS, RECONNECT_FIRST_MS * 2 ** Math.min(this.failures - 1, 6))
    const restMs = this.failedAtMs + backoffMs - performance.now()
    if (restMs > 0) await pause(restMs)
  }
}

async function askVersions(connection: BrokerConnection, timeoutMs: number): Promise<BrokerVersions> {
  return exchange(connection, apiVersions('onfile', '1'), API_VERSIONS.maxVersion, timeoutMs)
}

async function exchange<T>(
  connection: BrokerConnection,
  request: Request<T>,
  version: number,
  requestTimeoutMs: number,
): Promise<T> {
  const { api } = request
  const flexible = version >= api.flexibleFrom
  const { timeoutMs = requestTimeoutMs, writeByMs } = request
  const payload = await connection.send(api, version, flexible, request.encode(version), { timeoutMs, writeByMs })
  const reader = new Reader(payload)
  if (flexible && api.key !== API_VERSIONS.key) reader.tags()
  return request.decode(reader, version)
}

function requireFloors(broker: string, versions: BrokerVersions): void {
  if (versions.errorCode !== 0 && versions.errorCode !== UNSUPPORTED_VERSION) {
    throw new KafkaError('ApiVersions', versions.errorCode, broker)
  }
  for (const { key, name, version } of FLOORS) {
    const max = versions.ranges.get(key)?.max ?? -1
    if (max >= version) continue
    const has = max < 0 ? 'does not say that it speaks it' : `speaks only version ${max}`
    throw new UnsupportedBrokerError(
      `Kafka broker ${broker} is too old: ${name} version ${version} is needed and it ${has}. Kafka 2.5 or later is required: the owner of the cluster must upgrade it.`,
    )
  }
}

function negotiate(broker: string, request: Request<unknown>, ranges: ApiRanges): number {
  const { api } = request
  const min = request.minVersion ?? api.minVersion
  const max = Math.min(request.maxVersion ?? api.maxVersion, api.maxVersion)
  const offered = ranges.get(api.key)
  const version = Math.min(max, offered?.max ?? -1)
  if (offered === undefined || version < min || version < offered.min) throw unsupported(broker, api, min, max, offered)
  return version
}

function unsupported(
  broker: string,
  api: Api,
  min: number,
  max: number,
  offered: { readonly min: number; readonly max: number } | undefined,
): UnsupportedBrokerError {
  const has = offered === undefined ? 'does not speak it at all' : `speaks ${offered.min} to ${offered.max}`
  return new UnsupportedBrokerError(
    `Kafka broker ${broker}: ${api.name} is needed in version ${min === max ? min : `${min} to ${max}`}, but it ${has}; the owner of the cluster must run a release that has it`,
  )
}
