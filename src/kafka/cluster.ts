import { Broker } from './broker.ts'
import type { Lane } from './broker.ts'
import type { Address, ConnectionOptions, SaslOptions } from './connection.ts'
import { ConnectionLostError, KafkaError } from './errors.ts'
import type { Request } from './request.ts'
import { findCoordinator } from './requests/findCoordinator.ts'
import type { CoordinatorKind } from './requests/findCoordinator.ts'
import { metadata } from './requests/metadata.ts'
import type { ClusterMetadata, TopicMetadata } from './requests/metadata.ts'
import { isConnectionFailure } from './retry.ts'

export type { SaslOptions } from './connection.ts'

export interface ClusterOptions {
  /** `host:port` of some brokers to begin with; the others are found from them. */
  readonly brokers: readonly string[]
  /** Shown in the broker's logs and quotas. */
  readonly clientId: string
  readonly ssl?: ConnectionOptions['ssl']
  readonly sasl?: SaslOptions
  /** Default 30 s. A produce request may take as long on the broker; no answer by then means that nobody knows. */
  readonly requestTimeoutMs?: number
  /** Default 10 s: TCP and TLS handshake over a WAN. */
  readonly connectionTimeoutMs?: number
}

const UNKNOWN_TOPIC_OR_PARTITION = 3
const LEADER_NOT_AVAILABLE = 5
/** A broker that hangs must not hold look-ups for as long as a produce request may rightly take. */
const LOOK_UP_TIMEOUT_MS = 10_000

/**
 * The brokers as this process sees them: who leads a partition, who coordinates a group, and connections to them by
 * lane. Metadata is asked for by topic, so that one topic that does not exist spoils nothing for the others.
 */
export class Cluster {
  readonly clientId: string
  private readonly seeds: readonly Address[]
  private readonly connectionOptions: ConnectionOptions
  private readonly brokers = new Map<string, Broker>()
  private readonly addresses = new Map<number, Address>()
  private readonly leaders = new Map<string, readonly number[]>()
  private readonly coordinators = new Map<string, Promise<number>>()
  private refreshing: { readonly topics: Set<string>; readonly done: Promise<unknown> } | null = null
  private turn = 0
  private closed = false

  private constructor(options: ClusterOptions) {
    this.clientId = options.clientId
    this.seeds = options.brokers.map(parseAddress)
    this.connectionOptions = {
      clientId: options.clientId,
      requestTimeoutMs: options.requestTimeoutMs ?? 30_000,
      connectionTimeoutMs: options.connectionTimeoutMs ?? 10_000,
      ...(options.ssl === undefined ? {} : { ssl: options.ssl }),
      ...(options.sasl === undefined ? {} : { sasl: options.sasl }),
    }
  }

  /**
   * Reaches one of the brokers and learns about the others. Tries each once: waiting is the caller's business. Throws
   * ConnectionLostError, AuthenticationFailedError, UnsupportedBrokerError.
   */
  static async connect(options: ClusterOptions): Promise<Cluster> {
    const cluster = new Cluster(options)
    try {
      await cluster.describe([])
    } catch (error) {
      await cluster.close()
      throw error
    }
    return cluster
  }

  /** Ends all connections; what is under way is rejected. */
  close(): Promise<void> {
    this.closed = true
    for (const broker of this.brokers.values()) broker.close()
    return Promise.resolve()
  }

  /** Asked anew each time. Throws KafkaError UNKNOWN_TOPIC_OR_PARTITION where there is no such topic. */
  async partitionCount(topic: string): Promise<number> {
    const count = (await this.topics([topic])).get(topic)
    if (count === null || count === undefined) throw new KafkaError('Metadata', UNKNOWN_TOPIC_OR_PARTITION, topic)
    return count
  }

  /** Partition counts, asked anew each time; null = there is no such topic. */
  async topics(names: readonly string[]): Promise<Map<string, number | null>> {
    const counts = new Map<string, number | null>(names.map(name => [name, null]))
    for (const topic of (await this.describe(names)).topics) {
      if (topic.errorCode === UNKNOWN_TOPIC_OR_PARTITION) continue
      if (topic.errorCode !== 0 && topic.errorCode !== LEADER_NOT_AVAILABLE) {
        throw new KafkaError('Metadata', topic.errorCode, topic.topic)
      }
      counts.set(topic.topic, topic.partitions.length)
    }
    return counts
  }

  /** Nodes, controller and the named topics as any one broker sees them. */
  async describe(topics: readonly string[]): Promise<ClusterMetadata> {
    const seen = await this.callAny(metadata(topics))
    if (seen.nodes.length > 0) {
      this.addresses.clear()
      for (const { nodeId, host, port } of seen.nodes) this.addresses.set(nodeId, { host, port })
      this.dropStrangers()
    }
    for (const topic of seen.topics) this.learnLeaders(topic)
    return seen
  }

  /** Node id of the partition's leader. Throws KafkaError 3 or 5 where there is none now. */
  async leaderOf(topic: string, partition: number): Promise<number> {
    if (this.knownLeader(topic, partition) === undefined) await this.refresh(topic)
    const ofTopic = this.leaders.get(topic)
    if (ofTopic?.[partition] === undefined) {
      throw new KafkaError('Metadata', UNKNOWN_TOPIC_OR_PARTITION, `${topic}-${partition}`)
    }
    const leader = ofTopic[partition]
    if (leader < 0) throw new KafkaError('Metadata', LEADER_NOT_AVAILABLE, `${topic}-${partition}`)
    return leader
  }

  /** Without asking: undefined where it must be looked up. */
  knownLeader(topic: string, partition: number): number | undefined {
    const leader = this.leaders.get(topic)?.[partition]
    return leader === undefined || leader < 0 ? undefined : leader
  }

  /** The next `leaderOf` asks again. */
  forgetLeaders(topic: string): void {
    this.leaders.delete(topic)
  }

  /** Node id; remembered until `forgetCoordinator`. Throws KafkaError 15 while there is none. */
  async coordinator(kind: CoordinatorKind, key: string): Promise<number> {
    const id = `${kind} ${key}`
    const known = this.coordinators.get(id)
    if (known !== undefined) return known
    const search = this.findCoordinator(kind, key)
    this.coordinators.set(id, search)
    search.catch(() => {
      if (this.coordinators.get(id) === search) this.coordinators.delete(id)
    })
    return search
  }

  forgetCoordinator(kind: CoordinatorKind, key: string): void {
    this.coordinators.delete(`${kind} ${key}`)
  }

  async call<T>(nodeId: number, lane: Lane, request: Request<T>): Promise<T> {
    return (await this.node(nodeId)).call(lane, request)
  }

  /** Finalized `transaction.version` of the cluster as this node sees it now. */
  async transactionVersion(nodeId: number, lane: Lane): Promise<number> {
    return (await (await this.node(nodeId)).versions(lane)).transactionVersion
  }

  /** Tries one broker after the other, those that are connected first, until one answers. */
  async callAny<T>(request: Request<T>): Promise<T> {
    let failure: Error | undefined
    const timeoutMs = Math.min(LOOK_UP_TIMEOUT_MS, this.connectionOptions.requestTimeoutMs)
    for (const broker of this.candidates()) {
      try {
        return await broker.call('admin', { ...request, timeoutMs })
      } catch (error) {
        if (!isConnectionFailure(error)) throw error
        failure = error
      }
    }
    throw failure ?? new ConnectionLostError(this.seeds.map(nameOf).join(','), 'no broker is known')
  }

  closeLane(lane: Lane): void {
    for (const broker of this.brokers.values()) broker.closeLane(lane)
  }

  /** What a client of its own (kafkajs's admin) needs to reach the same cluster. */
  get settings(): { readonly brokers: readonly string[]; readonly connection: ConnectionOptions } {
    return { brokers: this.seeds.map(nameOf), connection: this.connectionOptions }
  }

  // ------------------------------------------------------------------------------------------------------ inside

  private async findCoordinator(kind: CoordinatorKind, key: string): Promise<number> {
    const found = await this.callAny(findCoordinator(kind, key))
    if (found.errorCode !== 0) throw new KafkaError('FindCoordinator', found.errorCode, key, found.errorMessage)
    this.addresses.set(found.nodeId, { host: found.host, port: found.port })
    return found.nodeId
  }

  /** One request for all topics that are missing at the same moment. */
  private async refresh(topic: string): Promise<void> {
    if (this.refreshing === null) {
      const topics = new Set<string>()
      const done = Promise.resolve().then(() => {
        this.refreshing = null
        return this.describe([...topics])
      })
      this.refreshing = { topics, done }
    }
    this.refreshing.topics.add(topic)
    await this.refreshing.done
  }

  private learnLeaders(topic: TopicMetadata): void {
    if (topic.errorCode !== 0 && topic.errorCode !== LEADER_NOT_AVAILABLE) {
      this.leaders.delete(topic.topic)
      return
    }
    const leaders: number[] = []
    for (const { partition, leader } of topic.partitions) leaders[partition] = leader
    this.leaders.set(topic.topic, leaders)
  }

  private async node(nodeId: number): Promise<Broker> {
    if (!this.addresses.has(nodeId)) await this.describe([])
    const address = this.addresses.get(nodeId)
    if (address === undefined) throw new ConnectionLostError(`node ${nodeId}`, 'is not in the cluster now')
    return this.brokerAt(address)
  }

  private brokerAt(address: Address): Broker {
    const name = nameOf(address)
    let broker = this.brokers.get(name)
    if (broker === undefined) {
      broker = new Broker(address, this.connectionOptions)
      if (this.closed) broker.close()
      this.brokers.set(name, broker)
    }
    return broker
  }

  private candidates(): Broker[] {
    const addresses = new Map([...this.addresses.values(), ...this.seeds].map(address => [nameOf(address), address]))
    const all = [...addresses.values()].map(address => this.brokerAt(address))
    const first = this.turn++ % all.length
    const rotated = [...all.slice(first), ...all.slice(0, first)]
    return [...rotated.filter(broker => broker.isConnected), ...rotated.filter(broker => !broker.isConnected)]
  }

  /** Brokers that have left the cluster, or have another address now. */
  private dropStrangers(): void {
    const known = new Set([...this.addresses.values(), ...this.seeds].map(nameOf))
    for (const [name, broker] of this.brokers) {
      if (known.has(name)) continue
      broker.close()
      this.brokers.delete(name)
    }
  }
}

function nameOf({ host, port }: Address): string {
  return `${host}:${port}`
}

function parseAddress(broker: string): Address {
  const at = broker.lastIndexOf(':')
  const port = Number(broker.slice(at + 1))
  if (at < 1 || !Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new ConnectionLostError(broker, 'is no host:port')
  }
  return { host: broker.slice(0, at).replace(/^\[(.*)\]$/, '$1'), port }
}
