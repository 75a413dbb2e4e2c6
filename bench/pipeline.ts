/**
 * The DECIDE role as a process, on a real broker: throughput and CPU on a prefilled topic, restart with that state, and
 * latency at a steady rate. Figures go to standard output as a table; see RESULTS.md for the last ones.
 *
 *   node bench/pipeline.ts [--events 1000000] [--users 200000] [--partitions 4] [--rate 1000] [--seconds 20]
 */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Kafka, logLevel } from 'kafkajs'
import { connectRecords } from '../src/avro/records.ts'
import { SchemaRegistry } from '../src/avro/registry.ts'
import type { UserEvent } from '../src/domain/records.ts'
import { Cluster } from '../src/kafka/cluster.ts'
import { Fetcher } from '../src/kafka/fetcher.ts'
import { scanRecords } from '../src/kafka/recordBatch.ts'
import { startBed } from '../sandbox/bed/bed.ts'

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '1000000' },
    users: { type: 'string', default: '200000' },
    partitions: { type: 'string', default: '4' },
    rate: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '20' },
  },
})
const events = Number(values.events)
const users = Number(values.users)
const partitions = Number(values.partitions)
const rate = Number(values.rate)
const seconds = Number(values.seconds)

const id = `bench-${Date.now().toString(36)}`
const topics = {
  userEvents: `${id}-user-events`,
  provisioningCommands: `${id}-commands`,
  cardSuppressions: `${id}-suppressions`,
  cardOutcomes: `${id}-outcomes`,
  decideChangelog: `${id}-decide-changelog`,
  dlq: `${id}-dlq`,
}
const stateDir = mkdtempSync(join(tmpdir(), 'onfile-bench-'))
const adminPort = 20_000 + Math.floor(Math.random() * 20_000)
const bed = await startBed()
const kafka = new Kafka({ brokers: bed.brokers.split(','), logLevel: logLevel.NOTHING })
const children: ChildProcess[] = []

try {
  await createTopics()
  const registry = new SchemaRegistry({ url: bed.registryUrl })
  const codecs = await connectRecords(registry, topics, { autoRegister: true })
  const encoded = Buffer.allocUnsafe(4096)
  const encode = (event: UserEvent): Buffer =>
    Buffer.from(encoded.subarray(0, codecs.userEvents.encode(event, encoded, 0)))

  say(`prefilling ${events} events of ${users} users into ${partitions} partitions`)
  await prefill(encode)

  const first = await timedRun('throughput, empty state', true)
  await stop(first, 'SIGTERM')
  await timedRestart('warm restart after SIGTERM')
  const again = children.at(-1)!
  await stop(again, 'SIGKILL')
  await timedRestart('warm restart after kill -9')
  await latency(encode, codecs.cardOutcomes.decode.bind(codecs.cardOutcomes))
  await stop(children.at(-1)!, 'SIGTERM')
} finally {
  for (const child of children) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
  rmSync(stateDir, { recursive: true, force: true })
  await bed.stop()
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

async function createTopics(): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({
    waitForLeaders: false,
    topics: Object.entries(topics).map(([key, topic]) => ({
      topic,
      numPartitions: partitions,
      configEntries:
        key === 'decideChangelog' || key === 'cardSuppressions' ? [{ name: 'cleanup.policy', value: 'compact' }] : [],
    })),
  })
  await admin.disconnect()
}

/** Event i of the mix: mostly triggers, two cards per user, a few duplicates, closings and opt-outs. */
function eventOf(i: number, at: number): UserEvent {
  const n = (i * 2_654_435_761) % 4_294_967_296
  const user = `user-${String(n % users).padStart(7, '0')}`
  const dice = (n >>> 8) % 100
  const type = dice < 70 ? 'updated' : dice < 90 ? 'expired' : dice < 94 ? 'enrolled' : dice < 97 ? 'closed' : 'opt_out'
  const uid = `event-${dice === 99 ? Math.max(0, i - 1000) : i}`
  const source = { topic: 'card-lifecycle', partition: 0, offset: i, event_id: uid }
  const card_ref = `card-${n % users}-${(n >>> 4) % 2}`
  const body = {
    kind: 'lifecycle',
    own_stamp: true,
    event_uid: uid,
    card_ref,
    type,
    status: 'enrolled',
    updated_at: at,
  } as const
  return { user_id: user, source, origin: source, occurred_at: at, body }
}

async function prefill(encode: (event: UserEvent) => Buffer): Promise<void> {
  const producer = kafka.producer({ allowAutoTopicCreation: false })
  await producer.connect()
  const startAt = Date.now() - 3_600_000
  for (let i = 0; i < events;) {
    const messages = []
    for (let n = 0; n < 2_000 && i < events; n++, i++) {
      const event = eventOf(i, startAt + i)
      messages.push({ key: event.user_id, value: encode(event) })
    }
    await producer.send({ topic: topics.userEvents, messages, acks: -1 })
  }
  await producer.disconnect()
}

function start(): ChildProcess {
  const child = spawn(process.execPath, [fileURLToPath(new URL('../src/cli/main.ts', import.meta.url)), 'run'], {
    env: {
      ...process.env,
      ONFILE_ROLES: 'decide',
      ONFILE_APPLICATION_ID: id,
      ONFILE_KAFKA_BROKERS: bed.brokers,
      ONFILE_KAFKA_GROUP_INSTANCE_ID: 'bench-0',
      ONFILE_REGISTRY_URL: bed.registryUrl,
      ONFILE_STATE_DIR: stateDir,
      ONFILE_ADMIN_PORT: String(adminPort),
      ONFILE_LOG_LEVEL: 'warn',
      ONFILE_TOPICS_USER_EVENTS: topics.userEvents,
      ONFILE_TOPICS_PROVISIONING_COMMANDS: topics.provisioningCommands,
      ONFILE_TOPICS_CARD_SUPPRESSIONS: topics.cardSuppressions,
      ONFILE_TOPICS_CARD_OUTCOMES: topics.cardOutcomes,
      ONFILE_TOPICS_DECIDE_CHANGELOG: topics.decideChangelog,
      ONFILE_TOPICS_DLQ: topics.dlq,
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  children.push(child)
  return child
}

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const exited = new Promise(resolve => child.once('exit', resolve))
  child.kill(signal)
  await exited
}

interface Sample {
  readonly records: number
  readonly cpuSeconds: number
  readonly residentBytes: number
  readonly lag: number
  readonly running: number
}

async function sample(): Promise<Sample | null> {
  const page = await fetch(`http://127.0.0.1:${adminPort}/metrics`).then(
    answer => answer.text(),
    () => null,
  )
  if (page === null) return null
  const sum = (name: string, label = ''): number =>
    page
      .split('\n')
      .filter(line => line.startsWith(name) && line.includes(label))
      .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
  return {
    records: sum('onfile_records_processed_total'),
    cpuSeconds: sum('process_cpu_seconds_total'),
    residentBytes: sum('process_resident_memory_bytes'),
    lag: sum('onfile_consumer_lag_records'),
    running: sum('onfile_task_state', 'state="running"'),
  }
}

async function timedRun(name: string, print: boolean): Promise<ChildProcess> {
  const child = start()
  let first: { sample: Sample; at: number } | null = null
  let peakBytes = 0
  for (;;) {
    await wait(50)
    const now = await sample()
    if (now === null) continue
    peakBytes = Math.max(peakBytes, now.residentBytes)
    if (first === null && now.records > 0) first = { sample: now, at: performance.now() }
    if (now.records >= events) {
      const since = first ?? { sample: now, at: performance.now() - 1 }
      const records = now.records - since.sample.records
      const wallSeconds = (performance.now() - since.at) / 1000
      if (print) {
        say(
          `${name}: ${Math.round(records / wallSeconds)} records/s, ` +
            `${(((now.cpuSeconds - since.sample.cpuSeconds) / records) * 1e6).toFixed(1)} us CPU/record steady, ` +
            `${((now.cpuSeconds / now.records) * 1e6).toFixed(1)} with the start, peak ${Math.round(peakBytes / 1048576)} MB`,
        )
      }
      return child
    }
  }
}

async function timedRestart(name: string): Promise<void> {
  const startedAt = performance.now()
  start()
  for (;;) {
    await wait(5)
    const now = await sample()
    if (now?.running === partitions) break
  }
  say(
    `${name}: all ${partitions} partitions run after ${Math.round(performance.now() - startedAt)} ms (process start included)`,
  )
}

/** Writes at a steady rate and watches the outcomes as a read_committed reader: append acknowledged to outcome seen. */
async function latency(
  encode: (event: UserEvent) => Buffer,
  decode: (buffer: Buffer, start: number, end: number) => { source: { offset: number } },
): Promise<void> {
  const cluster = await Cluster.connect({ brokers: bed.brokers.split(','), clientId: 'bench' })
  const fetcher = new Fetcher(cluster)
  const sentAt = new Map<number, number>()
  const latencies: number[] = []
  const { listOffset } = await import('../src/kafka/offsets.ts')
  for (let partition = 0; partition < partitions; partition++) {
    let position = await listOffset(cluster, topics.cardOutcomes, partition, 'latest')
    const subscription = fetcher.subscribe(topics.cardOutcomes, partition, position, () => {
      for (let chunk = subscription.take(); chunk !== undefined; chunk = subscription.take()) {
        const now = performance.now()
        position = scanRecords(chunk.bytes, position, chunk.aborted, record => {
          const { offset } = decode(record.buffer, record.valueStart, record.valueEnd).source
          const sent = sentAt.get(offset)
          if (sent === undefined) return
          sentAt.delete(offset)
          latencies.push(now - sent)
        })
      }
    })
  }
  const producer = kafka.producer({ allowAutoTopicCreation: false })
  await producer.connect()
  const total = rate * seconds
  const begunAt = performance.now()
  const before = await sample()
  for (let i = 0; i < total;) {
    const due = Math.min(total, Math.floor(((performance.now() - begunAt) / 1000) * rate))
    const messages = []
    for (; i < due; i++) {
      const number = events * 10 + i
      // `enrolled`: every one has exactly one outcome, whatever the state of its card.
      const event = eventOf(number, Date.now())
      const body = { ...event.body, type: 'enrolled' } as UserEvent['body']
      sentAt.set(number, performance.now())
      messages.push({ key: event.user_id, value: encode({ ...event, body }) })
    }
    if (messages.length > 0) await producer.send({ topic: topics.userEvents, messages, acks: -1 })
    await wait(5)
  }
  await wait(2_000)
  const after = await sample()
  latencies.sort((a, b) => a - b)
  const at = (q: number): string => (latencies[Math.floor(latencies.length * q)] ?? Number.NaN).toFixed(0)
  const cpu =
    before !== null && after !== null ? ((after.cpuSeconds - before.cpuSeconds) / (seconds + 2)) * 100 : Number.NaN
  say(
    `latency at ${rate} events/s: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(0.9999)} ms over ${latencies.length} ` +
      `outcomes (${sentAt.size} not seen), ${cpu.toFixed(0)} % of a core`,
  )
  await producer.disconnect()
  await fetcher.close()
  await cluster.close()
}
