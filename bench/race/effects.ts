/**
 * Effects with the order of each key kept, against a plain sequential consumer: 10,000 messages in one partition, 0 to
 * 5 ms of work each, at most 100 at once, with 1, 10, 100 and 1,000 keys. The sides in turn (A B B A A B), each run a
 * process of its own, medians. Beside them the figures that Confluent has published for its Parallel Consumer (other
 * machine, same workload).
 *
 *   node bench/race/effects.ts [--messages 10000] [--concurrency 100] [--keys 1,10,100,1000] [--runs 3]
 *                              [--wait 60, seconds at most for a quiet machine before each run] [--write]
 */
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { Kafka, logLevel } from 'kafkajs'
import { TopicAdmin } from '../../src/kafka/admin.ts'
import { Cluster } from '../../src/kafka/cluster.ts'
import { readCommitted } from '../../test/support/readCommitted.ts'
import { startRaceBroker } from './broker.ts'
import { EFFECTS_HEAD, effectsRow } from './effectsReport.ts'
import type { EffectsRun } from './effectsSide.ts'
import { MAX_WORK_MS } from './effectsTopology.ts'
import type { EffectTopics } from './effectsTopology.ts'
import { machineLine } from './machine.ts'
import { untilQuiet } from './quiet.ts'
import { commandLine, withSection } from './report.ts'

const run = promisify(execFile)
const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '10000' },
    concurrency: { type: 'string', default: '100' },
    keys: { type: 'string', default: '1,10,100,1000' },
    runs: { type: 'string', default: '3' },
    wait: { type: 'string', default: '60' },
    write: { type: 'boolean', default: false },
  },
})
const messages = Number(values.messages)
const runs = Number(values.runs)
/** Seconds by number of keys. Source: README of confluentinc/parallel-consumer, ordering by key. */
const PARALLEL_CONSUMER_S: Readonly<Record<number, number>> = { 1: 26.7, 10: 3.31, 100: 2.18, 1000: 2.06 }

const directory = mkdtempSync(join(tmpdir(), 'onfile-effects-'))
const resultsPage = fileURLToPath(new URL('../RESULTS.md', import.meta.url))
const sideFile = fileURLToPath(new URL('./effectsSide.ts', import.meta.url))
const broker = await startRaceBroker()
const cluster = await Cluster.connect({ brokers: [broker.brokers], clientId: 'effects' })
const kafka = new Kafka({ brokers: [broker.brokers], logLevel: logLevel.NOTHING })
let noisyRuns = 0

try {
  // The first members of a broker's life wait until it has made its own topics.
  await prefill('warm-in', 100, 1)
  await withEngine('warm', 'warm-in', 100)
  await withSequentialConsumer('warm-sequential', 'warm-in', 100)
  const rows: string[] = []
  for (const keys of values.keys.split(',').map(Number)) {
    const published = messages === 10_000 && values.concurrency === '100' ? PARALLEL_CONSUMER_S[keys] : undefined
    const row = effectsRow(keys, await inTurn(keys), published)
    process.stdout.write(`${row}\n`)
    rows.push(row)
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
    `${messages.toLocaleString('en')} messages in one partition, 0 to ${MAX_WORK_MS} ms of work each (whole milliseconds, at random), at most ${values.concurrency}`,
    'at once, order of each key kept and checked. onfile records every message as open before its work begins, and its',
    'result exactly once, in transactions every 100 ms (a read_committed reader counts the results); the time runs from start to the',
    "last result committed. The sequential consumer is kafkajs's `eachMessage`, which commits no result at all. The sides ran in turn",
    `(A B B A A B), ${runs} times each, every run a process of its own; cells are the median (least to greatest), the factor is of medians. CPU is`,
    'of the process within that time, memory its peak. ' +
      `${noisyRuns === 0 ? 'All runs began on a quiet machine.' : `${noisyRuns} of ${rows.length * runs * 2} runs began while other load ran.`} ` +
      'Confluent Parallel Consumer: figures published in its README, other machine, without transactions.',
    `Again: \`${commandLine('node bench/race/effects.ts')}\`.`,
    '',
    ...EFFECTS_HEAD,
    ...rows,
  ].join('\n')
}

/** Both sides with so many keys, every other round from the last one on. */
async function inTurn(keys: number): Promise<{ readonly onfile: EffectsRun[]; readonly sequential: EffectsRun[] }> {
  const input = `k${keys}-in`
  await prefill(input, messages, keys)
  const results: Record<'onfile' | 'sequential', EffectsRun[]> = { onfile: [], sequential: [] }
  const work = { onfile: withEngine, sequential: withSequentialConsumer }
  for (let round = 0; round < runs; round++) {
    const order = round % 2 === 0 ? (['onfile', 'sequential'] as const) : (['sequential', 'onfile'] as const)
    for (const side of order) {
      if (!(await untilQuiet(Number(values.wait)))) noisyRuns++
      results[side].push(await work[side](`k${keys}-${side}-${round}`, input, messages))
    }
  }
  return results
}

async function createTopics(...names: readonly string[]): Promise<void> {
  const admin = await TopicAdmin.connect(cluster)
  await admin.createTopics(names.map(name => ({ name, partitions: 1, replicationFactor: 1, config: {} })))
  await admin.close()
}

async function prefill(input: string, count: number, keys: number): Promise<void> {
  await createTopics(input)
  const producer = kafka.producer()
  await producer.connect()
  const all = Array.from({ length: count }, (_, i) => ({ key: `key-${i % keys}`, value: String(i) }))
  await producer.send({ topic: input, messages: all, acks: -1 })
  await producer.disconnect()
}

/** With new output topics. Throws unless each message has exactly one result. */
async function withEngine(name: string, input: string, count: number): Promise<EffectsRun> {
  const topics = { input, output: `${name}-out`, changelog: `${name}-changelog` }
  await createTopics(topics.output, topics.changelog)
  const result = await sideRun('onfile', name, topics, count)
  const committed = (await readCommitted(broker.brokers, [topics.output])).map(({ value }) => String(value))
  if (committed.length !== count || new Set(committed).size !== count) {
    throw new Error(`${name}: ${committed.length} results of ${new Set(committed).size} messages, not of ${count}`)
  }
  return result
}

async function withSequentialConsumer(name: string, input: string, count: number): Promise<EffectsRun> {
  return sideRun('sequential', name, { input, output: '', changelog: '' }, count)
}

async function sideRun(
  side: 'onfile' | 'sequential',
  name: string,
  { input, output, changelog }: EffectTopics,
  count: number,
): Promise<EffectsRun> {
  const args = [
    ...[sideFile, side, '--brokers', broker.brokers, '--name', name, '--state', join(directory, name)],
    ...['--input', input, `--output=${output}`, `--changelog=${changelog}`],
    ...['--messages', String(count), '--concurrency', values.concurrency],
  ]
  const { stdout, stderr } = await run(process.execPath, args)
  process.stderr.write(stderr)
  return JSON.parse(stdout) as EffectsRun
}
