import { setTimeout as wait } from 'node:timers/promises'
import kafkajs from 'kafkajs'
import type { ChainRun, Worker } from '../../support/chain/harness.ts'
import { DEFECT } from '../../support/chain/topology.ts'
import { KafkaProxy } from '../../support/kafkaProxy.ts'
import { testClient } from '../../support/topics.ts'
import type { ConformanceCase, Site } from '../case.ts'
import { withChain } from './chain.ts'
import { others } from './topics.ts'

/** pino's number of it. */
const ERROR = 50

interface LogLine {
  readonly level: number
  readonly code?: string
  readonly msg: string
}

/** The log lines with this code; throws where one of them does not say each of `words`. */
function linesOf(worker: Worker, code: string, ...words: readonly string[]): LogLine[] {
  const lines = worker.log
    .split('\n')
    .filter(line => line.startsWith('{'))
    .map(line => JSON.parse(line) as LogLine)
    .filter(line => line.code === code)
  for (const { msg } of lines) {
    const missing = words.filter(word => !msg.includes(word))
    if (missing.length > 0) throw new Error(`${code} does not say ${missing.join(', ')}: ${msg}`)
  }
  return lines
}

/** Said once, with its cause and who must act, and not again while it lasts. */
async function expectOneLine(worker: Worker, code: string, ...words: readonly string[]): Promise<void> {
  await wait(1_500)
  const { length } = linesOf(worker, code, ...words)
  if (length !== 1) throw new Error(`${code} stands in ${length} log lines: ${worker.log}`)
}

async function limitMessages(run: ChainRun, topic: string, bytes: number): Promise<void> {
  const configEntries = [{ name: 'max.message.bytes', value: String(bytes) }]
  const resources = [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configEntries }]
  await run.kafka.alterConfigs({ validateOnly: false, resources })
}

async function sendTo(site: Site, topic: string, key: string, value: string): Promise<void> {
  const producer = testClient(site.brokers).producer()
  await producer.connect()
  await producer.send({ topic, messages: [{ partition: 0, key, value }] })
  await producer.disconnect()
}

const commitRefused: ConformanceCase = {
  row: 'unknown',
  name: 'the broker refuses a record for its size: COMMIT_REFUSED, the others go on, and a larger limit mends it',
  timeoutMs: 180_000,
  run: (site, faults) =>
    withChain(site, async run => {
      await limitMessages(run, run.topics.output, 200_000)
      const worker = run.start()
      await run.write(4)
      await run.expectExact()
      await sendTo(site, run.topics.input, 'large', 'x'.repeat(300_000))
      faults.add('record above max.message.bytes')
      await run.until(60_000, 'the task says so', () => linesOf(worker, 'COMMIT_REFUSED').length > 0)
      linesOf(worker, 'COMMIT_REFUSED', `${run.topics.input}-0`, 'MESSAGE_TOO_LARGE', 'the owner of the cluster must')
      await run.write(4)
      await run.expectExact(60_000, others(run))
      await limitMessages(run, run.topics.output, 1_000_000)
      await run.expectExact(90_000)
      await run.stopAll()
    }),
}

const changelogGrown: ConformanceCase = {
  row: 'restore',
  name: 'the changelog has more partitions than the input: PARTITIONS_MISMATCH, and nothing is written',
  run: (site, faults) =>
    withChain(site, async run => {
      const first = run.start()
      await run.write(4)
      await run.expectExact()
      await first.stop()
      const count = run.partitions + 1
      await run.kafka.createPartitions({ topicPartitions: [{ topic: run.topics.changelog, count }] })
      await run.until(30_000, 'the topic has grown', async () => (await run.ends(run.topics.changelog)).size === count)
      faults.add('changelog grown')
      await run.write(2)
      const before = await endsOf(run)
      const worker = run.start()
      await run.until(30_000, 'the role stops', () => worker.report?.role.error?.code === 'PARTITIONS_MISMATCH')
      await expectOneLine(worker, 'PARTITIONS_MISMATCH', run.topics.changelog, 'must re-create the topic')
      if ((await endsOf(run)) !== before) throw new Error(`something was written: ${worker.describe()}`)
      await run.stopAll()
    }),
}

async function endsOf(run: ChainRun): Promise<string> {
  return JSON.stringify([[...(await run.ends(run.topics.output))], [...(await run.ends(run.topics.changelog))]])
}

const instanceFenced: ConformanceCase = {
  row: 'rebalance',
  name: 'two processes with one instance id: the first one stops with INSTANCE_FENCED, the second one works',
  run: (site, faults) =>
    withChain(site, async run => {
      const first = run.start({ instanceId: 'pod-0' })
      await run.write(4)
      await run.expectExact()
      const second = run.start({ instanceId: 'pod-0', stateDirectory: run.otherDirectory('second') })
      faults.add('instance id used twice')
      await run.until(40_000, 'the first one stops', () => first.report?.role.error?.code === 'INSTANCE_FENCED')
      await run.until(40_000, 'the second one works', () => second.running === run.partitions)
      await expectOneLine(first, 'INSTANCE_FENCED', 'pod-0', 'Give every instance its own kafka.groupInstanceId')
      await run.write(4)
      await run.expectExact()
      await run.stopAll()
    }),
}

const processorFailed: ConformanceCase = {
  row: 'before-4',
  name: 'a record at which the processor throws: PROCESSOR_FAILED, its partition alone stops there and skips nothing',
  run: (site, faults) =>
    withChain(site, async run => {
      const worker = run.start()
      await run.write(4)
      await run.expectExact()
      const at = (await run.ends(run.topics.input)).get(0) ?? 0
      await sendTo(site, run.topics.input, 'defect', DEFECT)
      faults.add('processor throws')
      const said = () =>
        linesOf(worker, 'PROCESSOR_FAILED', `${run.topics.input}-0@${at}`, 'the developers of onfile must')
      await run.until(30_000, 'it is tried again', () => said().length > 2)
      // One line that wakes somebody; that it lasts is a warning.
      const errors = said().filter(({ level }) => level >= ERROR).length
      if (errors !== 1) throw new Error(`PROCESSOR_FAILED stands in ${errors} lines of an error: ${worker.log}`)
      await run.write(4)
      await run.expectExact(40_000, others(run))
      const [committed] = await run.kafka.fetchOffsets({ groupId: run.groupId, topics: [run.topics.input] })
      const offset = committed?.partitions.find(({ partition }) => partition === 0)?.offset
      if (offset !== String(at)) throw new Error(`the group is at ${offset}, the record at ${at}`)
      await run.stopAll()
    }),
}

const drainOverrun: ConformanceCase = {
  row: 'unknown',
  name: 'the answer to EndTxn does not come while the process drains: DRAIN_OVERRUN, and the next owner finds out',
  timeoutMs: 120_000,
  run: (site, faults) =>
    withChain(site, async run => {
      const proxy = await KafkaProxy.start(site.brokers)
      try {
        const worker = run.start({ brokers: proxy.brokers })
        await run.write(4)
        await run.expectExact()
        const matches = (request: Buffer) => request.includes(`${run.topics.input}-0`)
        proxy.lose({ api: 'EndTxn', on: 'response', action: 'swallow', matches })
        await run.write(2)
        await run.until(20_000, 'an answer is lost', () => proxy.hits.length > 0)
        faults.add('EndTxn answer swallowed')
        const end = await worker.stop()
        if (end !== 0) throw new Error(`ended with ${end}: ${worker.describe()}`)
        await expectOneLine(worker, 'DRAIN_OVERRUN', `${run.topics.input}-0`, 'The next owner finds out')
      } finally {
        await proxy.stop()
      }
      run.start()
      await run.write(2)
      await run.expectExact()
      await run.stopAll()
    }),
}

export const stopCases: readonly ConformanceCase[] = [
  commitRefused,
  changelogGrown,
  instanceFenced,
  processorFailed,
  drainOverrun,
]
