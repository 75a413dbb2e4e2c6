import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { Partitioners } from 'kafkajs'
import type { Message, Producer } from 'kafkajs'
import { connectRecords } from '../../../src/avro/records.ts'
import type { RecordCodecs } from '../../../src/avro/records.ts'
import { SchemaRegistry } from '../../../src/avro/registry.ts'
import { TOPIC_KEYS } from '../../../src/config/topicNames.ts'
import type { TopicKey, TopicNames } from '../../../src/config/topicNames.ts'
import { expectedTopics } from '../../../src/config/topicPlan.ts'
import type { OperatorCommand } from '../../../src/domain/records.ts'
import { startKnot } from '../../../sandbox/knot/knotSimulator.ts'
import type { KnotOptions, KnotSimulator } from '../../../sandbox/knot/knotSimulator.ts'
import { testCard, testPerson } from '../../../sandbox/people.ts'
import { startVault } from '../../../sandbox/vault/vaultServer.ts'
import type { Vault } from '../../../sandbox/vault/vaultServer.ts'
import { startWebhookForwarder } from '../../../sandbox/webhooks/webhookForwarder.ts'
import type { WebhookForwarder } from '../../../sandbox/webhooks/webhookForwarder.ts'
import { operatorOrder } from '../operatorOrder.ts'
import { createTopics, testClient } from '../topics.ts'
import { judge } from './exactness.ts'
import type { Verdict } from './exactness.ts'
import { readEvidence } from './evidence.ts'
import type { Evidence } from './evidence.ts'
import { ProductProcess } from './productProcess.ts'

export interface OnfileRunOptions {
  readonly brokers: string
  readonly registryUrl: string
  /** Partitions of every topic. Default 4. */
  readonly partitions?: number
  /** Further settings of single topics. */
  readonly topicSettings?: Partial<Record<TopicKey, Readonly<Record<string, string>>>>
  readonly knot?: KnotOptions
  /** Further `ONFILE_*` settings, for every process of the run. */
  readonly settings?: Readonly<Record<string, string>>
}

const STAYS_WRONG_MS = 10_000
/** Waits so short that everything ends while a test looks on. */
const QUICK: Readonly<Record<string, string>> = {
  ONFILE_KAFKA_SESSION_TIMEOUT: '6s',
  ONFILE_INGEST_START_AT: 'earliest',
  ONFILE_KNOT_TIMEOUT: '2s',
  ONFILE_KNOT_PROBE_INTERVAL: '500ms',
  ONFILE_VAULT_TIMEOUT: '2s',
  ONFILE_DIRECTORY_TIMEOUT: '2s',
  ONFILE_POLICY_MIN_GAP: '1s',
  ONFILE_POLICY_RESULT_SOFT: '2s',
  ONFILE_POLICY_RESULT_HARD: '6s',
  ONFILE_POLICY_VAULT_RECHECK: '1s,2s',
  ONFILE_POLICY_RETRY_SCALE: '0.1',
  ONFILE_SHUTDOWN_DEADLINE: '10s',
  ONFILE_TOPICS_REPLICATION_FACTOR: '1',
  ONFILE_LOG_LEVEL: 'info',
}

/**
 * One run of the whole product on a real Kafka and registry: topics of its own, a Knot, a vault and a webhook gateway in
 * this process, the product in child processes, and the check of what came out.
 */
export class OnfileRun {
  readonly id: string
  readonly topics: TopicNames
  readonly knot: KnotSimulator
  readonly vault: Vault
  readonly stateDirectory: string
  readonly partitions: number
  readonly producer: Producer
  /** Further `ONFILE_*` settings for the processes that are started from now on. */
  settings: Readonly<Record<string, string>>
  private readonly options: OnfileRunOptions
  private readonly registry: SchemaRegistry
  private readonly codecs: RecordCodecs
  private readonly forwarder: WebhookForwarder
  private readonly processes: ProductProcess[] = []

  private constructor(parts: {
    id: string
    options: OnfileRunOptions
    topics: TopicNames
    knot: KnotSimulator
    vault: Vault
    forwarder: WebhookForwarder
    registry: SchemaRegistry
    codecs: RecordCodecs
    producer: Producer
    stateDirectory: string
  }) {
    this.id = parts.id
    this.options = parts.options
    this.settings = parts.options.settings ?? {}
    this.topics = parts.topics
    this.knot = parts.knot
    this.vault = parts.vault
    this.forwarder = parts.forwarder
    this.registry = parts.registry
    this.codecs = parts.codecs
    this.producer = parts.producer
    this.stateDirectory = parts.stateDirectory
    this.partitions = parts.options.partitions ?? 4
  }

  static async create(options: OnfileRunOptions): Promise<OnfileRun> {
    const { brokers, registryUrl, partitions = 4 } = options
    const id = `e2e-${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 6)}`
    const topics = topicNames(id)
    await createTopics(
      brokers,
      expectedTopics({ topics: { ...topics, partitions, replicationFactor: 1 } }).map(({ key, name, settings }) => ({
        topic: name,
        numPartitions: partitions,
        configEntries: [
          ...settings.map(({ name, value }) => ({ name, value })),
          ...Object.entries(options.topicSettings?.[key] ?? {}).map(([name, value]) => ({ name, value })),
        ],
      })),
    )
    const registry = new SchemaRegistry({ url: registryUrl })
    const codecs = await connectRecords(registry, topics, { autoRegister: true })
    const knot = await startKnot({ webhookDelayMs: 150, webhookRetryDelayMs: 300, ...options.knot })
    const vault = await startVault()
    const forwarder = await startWebhookForwarder({ brokers, secret: knot.secret, topic: topics.knotEvents })
    knot.sendWebhooksTo(forwarder.url)
    const producer = testClient(brokers).producer({
      allowAutoTopicCreation: false,
      createPartitioner: Partitioners.DefaultPartitioner,
    })
    await producer.connect()
    const stateDirectory = await mkdtemp(join(tmpdir(), 'onfile-e2e-'))
    return new OnfileRun({
      id,
      options,
      topics,
      knot,
      vault,
      forwarder,
      registry,
      codecs,
      producer,
      stateDirectory,
    })
  }

  /** A cardholder: a card in the vault, the directory's answer, and accounts at merchants. Reference: `card-<user>`. */
  addUser(userId: string, index: number, merchantIds: readonly number[]): string {
    const cardRef = `card-${userId}`
    this.vault.put({ cardRef, userId, user: testPerson(index), card: testCard(index) })
    for (const merchantId of merchantIds) this.knot.link({ userId, merchantId })
    return cardRef
  }

  /** `ONFILE_*` of this run, for its processes and for commands beside them. An empty text takes a setting away. */
  environment(settings: Readonly<Record<string, string>> = {}): Record<string, string> {
    const { knot, vault, options } = this
    const merged = {
      ...QUICK,
      ...topicSettings(this.topics),
      ONFILE_APPLICATION_ID: this.id,
      ONFILE_KAFKA_BROKERS: options.brokers,
      ONFILE_REGISTRY_URL: options.registryUrl,
      ONFILE_STATE_DIR: join(this.stateDirectory, 'state'),
      ONFILE_KNOT_URL: knot.url,
      ONFILE_KNOT_CLIENT_ID: knot.clientId,
      ONFILE_KNOT_SECRET: knot.secret,
      ONFILE_VAULT_URL: vault.url,
      ONFILE_VAULT_TOKEN: vault.token,
      ...this.settings,
      ...settings,
    }
    return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== ''))
  }

  /**
   * Starts `onfile run`. `settings` win over the run's own; an empty text takes a setting away. `onfile` is another way
   * to start it than from its sources.
   */
  start(
    settings: Readonly<Record<string, string>> = {},
    onfile?: readonly [command: string, ...words: string[]],
  ): ProductProcess {
    const child = new ProductProcess(this.environment(settings), onfile)
    this.processes.push(child)
    return child
  }

  /** Writes to the issuer's lifecycle topic, acknowledged. */
  async sendLifecycle(...messages: Message[]): Promise<void> {
    await this.producer.send({ topic: this.topics.cardLifecycle, acks: -1, messages })
  }

  /** Writes an order as another system may: nobody has looked at it but its writer. */
  async sendOrder(userId: string, command: Partial<OperatorCommand>): Promise<void> {
    const buffer = Buffer.alloc(4_096)
    const end = this.codecs.userEvents.encode(operatorOrder(userId, command), buffer, 0)
    const messages = [{ key: userId, value: buffer.subarray(0, end) }]
    await this.producer.send({ topic: this.topics.userEvents, acks: -1, messages })
  }

  evidence(): Promise<Evidence> {
    return readEvidence(this.options.brokers, this.topics, this.codecs)
  }

  async verdict(): Promise<Verdict & { evidence: Evidence }> {
    const evidence = await this.evidence()
    return { ...judge(evidence, this.topics.knotEvents, this.knot.pushes()), evidence }
  }

  /**
   * Waits until nothing is missing any more, then gives everything for further checks. Throws where something stays wrong
   * for ten seconds, and after `withinMs` where something is still missing, with the words of the processes that live. What
   * is doubled stays doubled; a push that nothing accounts for may be one whose result stands in a commit in doubt.
   */
  async expectExact(withinMs = 40_000): Promise<Evidence> {
    const deadline = Date.now() + withinMs
    await this.quiet(withinMs)
    let wrongSinceMs: number | null = null
    for (;;) {
      const { missing, wrong, evidence } = await this.verdict()
      if (missing.length === 0 && wrong.length === 0) return evidence
      wrongSinceMs = wrong.length === 0 ? null : (wrongSinceMs ?? Date.now())
      const staysWrong = wrongSinceMs !== null && Date.now() - wrongSinceMs >= STAYS_WRONG_MS
      if (!staysWrong && Date.now() < Math.max(deadline, (wrongSinceMs ?? 0) + STAYS_WRONG_MS)) {
        await wait(500)
        continue
      }
      const states = await Promise.all(this.alive().map(p => p.readyz().catch(String)))
      throw new Error(
        [
          `wrong: ${wrong.length}, missing: ${missing.length}`,
          ...wrong.slice(0, 10),
          ...missing.slice(0, 10),
          ...states.map(state => (typeof state === 'string' ? state : [...state.reasons, ...state.notices].join('; '))),
          ...this.alive().map(p => p.lastWords()),
        ].join('\n'),
      )
    }
  }

  /** Waits until no process has a lag or a call under way and Knot has told everything that it knows. */
  async quiet(withinMs: number): Promise<void> {
    const deadline = Date.now() + withinMs
    let quietSince: number | null = null
    while (Date.now() < deadline) {
      await this.knot.settled()
      const pages = await Promise.all(this.alive().map(process => process.metrics().catch(() => null)))
      const isQuiet = pages.every(page => page !== null && isIdle(page))
      quietSince = isQuiet ? (quietSince ?? Date.now()) : null
      if (quietSince !== null && Date.now() - quietSince > 400) return
      await wait(100)
    }
  }

  alive(): ProductProcess[] {
    return this.processes.filter(process => process.alive)
  }

  /** Output of every process of the run, ended ones too. */
  logs(): Buffer[] {
    return this.processes.map(process => process.log())
  }

  async close(): Promise<void> {
    for (const process of this.alive()) {
      void process.kill('SIGCONT')
      await process.kill('SIGKILL')
    }
    await this.knot.stop()
    await this.forwarder.stop()
    await this.vault.stop()
    await this.producer.disconnect()
    await this.registry.close()
    await rm(this.stateDirectory, { recursive: true, force: true })
  }
}

function topicNames(id: string): TopicNames {
  const kebab = (key: string): string => key.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
  return Object.fromEntries(TOPIC_KEYS.map(key => [key, `${id}-${kebab(key)}`])) as Record<TopicKey, string>
}

function topicSettings(topics: TopicNames): Record<string, string> {
  const snake = (key: string): string => key.replace(/[A-Z]/g, letter => `_${letter}`).toUpperCase()
  return Object.fromEntries(TOPIC_KEYS.map(key => [`ONFILE_TOPICS_${snake(key)}`, topics[key]]))
}

function isIdle(page: string): boolean {
  const names = ['onfile_consumer_lag_records', 'onfile_effects_in_flight']
  return page
    .split('\n')
    .filter(line => names.some(name => line.startsWith(`${name}{`)))
    .every(line => line.endsWith(' 0'))
}
