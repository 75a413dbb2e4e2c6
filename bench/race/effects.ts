/**
 * Effects with the order of each key kept, against a plain sequential consumer: 10,000 messages in one partition, 0 to
 * 5 ms of work each, at most 100 at once, with 1, 10, 100 and 1,000 keys. Beside them the figures that Confluent has
 * published for its Parallel Consumer (other machine, same workload).
 *
 *   node bench/race/effects.ts [--messages 10000] [--concurrency 100] [--keys 1,10,100,1000] [--write]
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Kafka, logLevel } from 'kafkajs'
import { pino } from 'pino'
import { silentObserver } from '../../src/engine/observer.ts'
import { ENGINE_DEFAULTS } from '../../src/engine/options.ts'
import { RoleRunner } from '../../src/engine/role.ts'
import type { RoleStatus } from '../../src/engine/status.ts'
import { TopicAdmin } from '../../src/kafka/admin.ts'
import { Cluster } from '../../src/kafka/cluster.ts'
import { startRaceBroker } from './broker.ts'
import { effectsTopology, MAX_WORK_MS, randomWork } from './effectsTopology.ts'
import type { EffectTopics } from './effectsTopology.ts'
import { machineLine } from './machine.ts'
import { withSection } from './report.ts'

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '10000' },
    concurrency: { type: 'string', default: '100' },
    keys: { type: 'string', default: '1,10,100,1000' },
    write: { type: 'boolean', default: false },
  },
})
const messages = Number(values.messages)
const concurrency = Number(values.concurrency)
const keyCounts = values.keys.split(',').map(Number)
/** Seconds by number of keys. Source: README of confluentinc/parallel-consumer, ordering by key. */
const PARALLEL_CONSUMER_S: Readonly<Record<number, number>> = { 1: 26.7, 10: 3.31, 100: 2.18, 1000: 2.06 }

const directory = mkdtempSync(join(tmpdir(), 'onfile-effects-'))
const resultsPage = fileURLToPath(new URL('../RESULTS.md', import.meta.url))
const broker = await startRaceBroker()
const cluster = await Cluster.connect({ brokers: [broker.brokers], clientId: 'effects' })
const kafka = new Kafka({ brokers: [broker.brokers], logLevel: logLevel.NOTHING })

try {
  // The first members of a broker's life wait until it has made its own topics.
  await withEngine(await prefilled('warm', 100, 1), 100)
  await withSequentialConsumer('warm-in', 100)
  const rows: string[] = []
  for (const keys of keyCounts) {
    const topics = await prefilled(`k${keys}`, messages, keys)
    const engineS = await withEngine(topics, messages)
    const sequentialS = await withSequentialConsumer(topics.input, messages)
    const published = messages === 10_000 && concurrency === 100 ? PARALLEL_CONSUMER_S[keys] : undefined
    const factor = `${(sequentialS / engineS).toFixed(1)}x`
    rows.push(
      `| ${[keys, engineS.toFixed(2), sequentialS.toFixed(2), factor, published?.toFixed(2) ?? ''].join(' | ')} |`,
    )
    process.stdout.write(`${rows.at(-1) ?? ''}\n`)
  }
  const page = await report(rows)
  process.stdout.write(`${page}\n`)
  if (values.write) {
    const before = existsSync(resultsPage) ? readFileSync(resultsPage, 'utf8') : '# Results\n'
    writeFileSync(resultsPage, withSection(before, 'effects', page))
  }
} finally {
  await cluster.close()
  await broker.stop()
  rmSync(directory, { recursive: true, force: true })
}

async function report(rows: readonly string[]): Promise<string> {
  return [
    '## Effects against a sequential consumer',
    '',
    `${new Date().toISOString().slice(0, 10)}. ${await machineLine()}`,
    '',
    `${messages.toLocaleString('en')} messages in one partition, 0 to ${MAX_WORK_MS} ms of work each (whole milliseconds, at random), at most ${concurrency}`,
    'at once, order of each key kept and checked. onfile records every message as open before its work begins, and its',
    'result exactly once, in transactions every 100 ms; the time runs from start to the last result committed. The',
    "sequential consumer is kafkajs's `eachMessage`. Confluent Parallel Consumer: figures published in its README, other",
    'machine, without transactions. Again: `node bench/race/effects.ts --write`.',
    '',
    '| keys | onfile, s | sequential, s | factor | Parallel Consumer (published), s |',
    '|---|---|---|---|---|',
    ...rows,
  ].join('\n')
}

async function prefilled(name: string, count: number, keys: number): Promise<EffectTopics> {
  const topics = { input: `${name}-in`, output: `${name}-out`, changelog: `${name}-changelog` }
  const admin = await TopicAdmin.connect(cluster)
  await admin.createTopics(
    Object.values(topics).map(name => ({ name, partitions: 1, replicationFactor: 1, config: {} })),
  )
  await admin.close()
  const producer = kafka.producer()
  await producer.connect()
  const all = Array.from({ length: count }, (_, i) => ({ key: `key-${i % keys}`, value: String(i) }))
  await producer.send({ topic: topics.input, messages: all, acks: -1 })
  await producer.disconnect()
  return topics
}

/** Seconds from start to the commit of the last result. */
async function withEngine(topics: EffectTopics, count: number): Promise<number> {
  const last = new Map<string, number>()
  const ended = Promise.withResolvers<null>()
  let done = 0
  /** The cycle that makes the last result true. */
  let lastCycle = Number.POSITIVE_INFINITY
  const topology = effectsTopology(topics, concurrency, ({ key, offset }) => {
    if ((last.get(key) ?? -1) >= offset) ended.reject(new Error(`${key}: ${offset} was worked on out of order`))
    last.set(key, offset)
    if (++done === count) lastCycle = cycleOf(runner) + 1
  })
  const startedMs = performance.now()
  const runner = new RoleRunner(topology, {
    ...ENGINE_DEFAULTS,
    cluster,
    applicationId: topics.input,
    stateDirectory: join(directory, topics.input),
    log: pino({ level: 'warn' }, pino.destination(2)),
    observer: {
      ...silentObserver,
      cycle: () => {
        if (cycleOf(runner) >= lastCycle) ended.resolve(null)
      },
    },
  })
  runner.start()
  await ended.promise
  const seconds = (performance.now() - startedMs) / 1000
  await runner.stop({ leave: true, deadlineMs: 10_000 })
  return seconds
}

/** Number of the cycle that was sent last. */
function cycleOf(runner: { status(): RoleStatus }): number {
  return runner.status().tasks[0]?.cycle ?? 0
}

/** Seconds from start to the end of the last message's work. */
async function withSequentialConsumer(topic: string, count: number): Promise<number> {
  const consumer = kafka.consumer({ groupId: `sequential-${topic}` })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  const startedMs = performance.now()
  let seen = 0
  await new Promise<void>((resolve, reject) => {
    void consumer
      .run({
        eachMessage: async () => {
          await randomWork()
          if (++seen === count) resolve()
        },
      })
      .catch(reject)
  })
  const seconds = (performance.now() - startedMs) / 1000
  await consumer.disconnect()
  return seconds
}
