import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { pino } from 'pino'
import { testCard, testPerson } from '../../sandbox/people.ts'
import type { RecordCodecs } from '../../src/avro/records.ts'
import type { ProvisioningCommand } from '../../src/domain/records.ts'
import { silentObserver } from '../../src/engine/observer.ts'
import { ENGINE_DEFAULTS } from '../../src/engine/options.ts'
import { RoleRunner } from '../../src/engine/role.ts'
import type { RoleStatus } from '../../src/engine/status.ts'
import type { Cluster } from '../../src/kafka/cluster.ts'
import { CardUpdater } from '../../src/knot/cardUpdater.ts'
import { KnotApi } from '../../src/knot/knotApi.ts'
import { SealedCard } from '../../src/knot/sealedCard.ts'
import { createProvisionTopology } from '../../src/processors/provision.ts'
import { NO_PUSH_SWITCH } from '../../src/processors/provision/ports.ts'
import type { KnotPort, ProvisionMetrics } from '../../src/processors/provision/ports.ts'
import { CardData } from '../../src/vault/cardData.ts'

/** What a push goes through: nothing at all, HTTP with the card as it is, HTTP with its encryption. */
export type PushForm = 'nothing' | 'plain' | 'jwe'

export interface PushRunOptions {
  readonly cluster: Cluster
  readonly brokers: string
  readonly codecs: RecordCodecs
  readonly form: PushForm
  /** Of the stub; not asked where the form is `nothing`. */
  readonly knotUrl: string
  readonly pushes: number
  /** Accounts (user and merchant): their pushes go one after the other. */
  readonly keys: number
  readonly concurrency: number
}

export interface PushFigures {
  readonly perSecond: number
  /** CPU of this process for one push, milliseconds, all threads. */
  readonly cpuMs: number
  /** From the card in hand to the push: the commit of *started*, mean. */
  readonly commitMs: number
  /** From the push to its answer, encryption and HTTP included, mean. */
  readonly pushMs: number
  /** Part of the time in which the main thread ran, or was ready to run and waited for a processor that others had. */
  readonly busy: number
  /** Part of the time in which it waited so. */
  readonly starved: number
}

/** The head and the tail of a run, in which slots are not full, are not measured. */
const FROM = 0.1
const UNTIL = 0.9

/** One run of PROVISION on a prefilled topic of one partition, in this process, with a vault that answers at once. */
export async function pushRun(options: PushRunOptions): Promise<PushFigures> {
  const { cluster, codecs, form, pushes, concurrency } = options
  const id = `push-${Date.now().toString(36)}`
  const topics = await prefilled(id, options)
  const directory = mkdtempSync(join(tmpdir(), 'onfile-push-'))
  const connection = { url: options.knotUrl, secureUrl: options.knotUrl, clientId: 'bench', secret: 'bench' }
  const api = new KnotApi({ ...connection, timeoutMs: 30_000, connections: concurrency })
  const updater = new CardUpdater(api, form === 'plain' ? 'plain' : 'jwe')
  const marks: Mark[] = []
  const ended = Promise.withResolvers<null>()
  const cardAtMs = new Map<string, number>()
  let answered = 0
  let commitsMs = 0
  let pushesMs = 0
  const note = () => marks.push({ atMs: performance.now(), cpuMs: cpuNowMs(), ...mainThread() })
  const port: KnotPort = form === 'nothing' ? emptyPort(updater) : updater
  const topology = createProvisionTopology({
    topics,
    codecs: { command: codecs.provisioningCommands, userEvent: codecs.userEvents },
    knot: {
      accounts: userId => port.accounts(userId),
      key: refused => port.key(refused),
      credentialsAccepted: () => port.credentialsAccepted(),
      seal: (card, key) => port.seal(card, key),
      push: (target, card, lastCheck) => {
        commitsMs += performance.now() - cardAtMs.get(`card-${target.userId}`)!
        const calledMs = performance.now()
        return port.push(target, card, lastCheck).finally(() => {
          pushesMs += performance.now() - calledMs
        })
      },
    },
    vault: {
      card: cardRef => {
        cardAtMs.set(cardRef, performance.now())
        return Promise.resolve({ kind: 'card', status: 'active', version: '1', card: CARD, names: NO_NAMES })
      },
      status: () => Promise.resolve({ kind: 'unknown' }),
    },
    metrics: {
      ...SILENT,
      answered: (_, result) => {
        if (result !== 'ACCEPTED') ended.reject(new Error(`a push ended as ${result}`))
        answered++
        if (answered === Math.round(pushes * FROM) || answered === Math.round(pushes * UNTIL)) note()
        if (answered === pushes) ended.resolve(null)
      },
    },
    log: pino({ level: 'error' }, pino.destination(2)),
    deadLetter: () => ended.reject(new Error('a command cannot be read')),
    limits: {
      concurrency,
      ratePerSecond: null,
      merchant: { concurrency: 1_000_000, ratePerSecond: null },
      merchants: new Map(),
      breakerWaitMs: 5_000,
    },
    pushSwitch: NO_PUSH_SWITCH,
    openCommandLimit: 20_000,
    probeIntervalMs: 1_000,
    pushTimeoutMs: 30_000,
    retryScale: 1,
  })
  const runner = new RoleRunner(topology, {
    ...ENGINE_DEFAULTS,
    cluster,
    applicationId: id,
    stateDirectory: directory,
    log: pino({ level: 'warn' }, pino.destination(2)),
    observer: silentObserver,
  })
  try {
    runner.start()
    await ended.promise
  } finally {
    await (runner as { status(): RoleStatus; stop(options: object): Promise<void> }).stop({
      leave: true,
      deadlineMs: 10_000,
    })
    topology.stop()
    await updater.close()
    rmSync(directory, { recursive: true, force: true })
  }
  const [first, last] = marks
  const measured = Math.round(pushes * UNTIL) - Math.round(pushes * FROM)
  const wallMs = last!.atMs - first!.atMs
  const waitedMs = last!.waitedMs - first!.waitedMs
  return {
    perSecond: (measured * 1_000) / wallMs,
    busy: (last!.ranMs - first!.ranMs + waitedMs) / wallMs,
    starved: waitedMs / wallMs,
    cpuMs: (last!.cpuMs - first!.cpuMs) / measured,
    commitMs: commitsMs / answered,
    pushMs: pushesMs / answered,
  }
}

const { address, ...person } = testPerson(1)
const CARD = new CardData({ user: { ...person, address: { ...address, street2: '' } }, card: testCard(0) })
const NO_NAMES = { card_name: null, customer_name: null }
const SILENT: ProvisionMetrics = {
  appliedCancelOffset: () => undefined,
  openCommands: () => undefined,
  answered: () => undefined,
  notAccepted: () => undefined,
  pushMs: () => undefined,
  paused: () => undefined,
  waited: () => undefined,
  breakerOpened: () => undefined,
  pacing: () => undefined,
}

/** Pushes that are accepted at once, without a request: what is left is the engine. */
function emptyPort(updater: CardUpdater): KnotPort {
  return {
    accounts: userId => updater.accounts(userId),
    key: () => Promise.resolve({ kind: 'key', key: 'plain' }),
    credentialsAccepted: () => Promise.resolve(true),
    seal: card => Promise.resolve(SealedCard.plain(card)),
    push: (_target, _card, lastCheck) => {
      if (!lastCheck()) return Promise.resolve({ kind: 'vetoed' })
      const startedAtMs = Date.now()
      return Promise.resolve({
        kind: 'accepted',
        httpStatus: 200,
        errorCode: null,
        startedAtMs,
        answeredAtMs: startedAtMs,
      })
    },
  }
}

interface Mark {
  readonly atMs: number
  readonly cpuMs: number
  readonly ranMs: number
  readonly waitedMs: number
}

/** Linux: how long the main thread has run, and how long it was ready to and had to wait. */
function mainThread(): { ranMs: number; waitedMs: number } {
  const text = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8')
  const [ranNs = 0, waitedNs = 0] = text.split(' ').map(Number)
  return { ranMs: ranNs / 1e6, waitedMs: waitedNs / 1e6 }
}

function cpuNowMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}

async function prefilled(id: string, { brokers, codecs, pushes, keys }: PushRunOptions) {
  const kafka = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING })
  const topics = {
    commands: `${id}-commands`,
    userEvents: `${id}-user-events`,
    changelog: `${id}-provision-changelog`,
    deadLetters: `${id}-dlq`,
  }
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: Object.values(topics).map(topic => ({ topic, numPartitions: 1 })) })
  await admin.disconnect()
  const producer = kafka.producer({ allowAutoTopicCreation: false })
  await producer.connect()
  const encoded = Buffer.allocUnsafe(4_096)
  for (let i = 0; i < pushes;) {
    const messages = []
    for (let n = 0; n < 2_000 && i < pushes; n++, i++) {
      const command = commandOf(i, keys)
      const value = Buffer.from(encoded.subarray(0, codecs.provisioningCommands.encode(command, encoded, 0)))
      messages.push({ key: command.user_id, value })
    }
    await producer.send({ topic: topics.commands, messages, acks: -1 })
  }
  await producer.disconnect()
  return topics
}

function commandOf(i: number, keys: number): ProvisioningCommand {
  const key = i % keys
  const source = { topic: 'card-lifecycle', partition: 0, offset: i, event_id: null }
  return {
    command_id: `user-${key}:${Math.floor(i / keys)}`,
    kind: 'SWITCH',
    user_id: `user-${key}`,
    card_ref: `card-user-${key}`,
    card_version: 1,
    merchant_id: 1 + (key % 50),
    merchant_name: null,
    task_id: null,
    attempt: 1,
    not_before: null,
    not_after: null,
    cancels: null,
    reason: 'updated',
    decision_seq: Math.floor(i / keys),
    source,
    origin: source,
    issued_at: Date.now(),
  }
}
