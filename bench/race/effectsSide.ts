/**
 * One side of `effects.ts` as one process: works through a topic of messages, prints what it took as one line of JSON
 * (EffectsRun) and ends.
 *
 *   node bench/race/effectsSide.ts onfile|sequential --brokers B --name N --input T --output T --changelog T --state DIR --messages N --concurrency N
 */
import { parseArgs } from 'node:util'
import { Kafka, logLevel } from 'kafkajs'
import { pino } from 'pino'
import { silentObserver } from '../../src/engine/observer.ts'
import { ENGINE_DEFAULTS } from '../../src/engine/options.ts'
import { RoleRunner } from '../../src/engine/role.ts'
import { Cluster } from '../../src/kafka/cluster.ts'
import { effectsTopology, randomWork } from './effectsTopology.ts'

/** What one side took for all messages. */
export interface EffectsRun {
  readonly seconds: number
  /** Of the whole process within that time. */
  readonly cpuSeconds: number
  /** Peak resident memory of the process. */
  readonly rssMb: number
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    brokers: { type: 'string', default: '127.0.0.1:9092' },
    name: { type: 'string', default: 'effects' },
    input: { type: 'string', default: 'effects-in' },
    output: { type: 'string', default: 'effects-out' },
    changelog: { type: 'string', default: 'effects-changelog' },
    state: { type: 'string', default: 'state/effects' },
    messages: { type: 'string', default: '10000' },
    concurrency: { type: 'string', default: '100' },
  },
})
const count = Number(values.messages)
const { input, output, changelog } = values
const brokers = values.brokers.split(',')

const SIDES: Readonly<Record<string, () => Promise<EffectsRun>>> = { onfile: withEngine, sequential: oneByOne }
const side = SIDES[positionals[0] ?? '']
if (side === undefined) throw new Error(`There is no side ${positionals[0] ?? ''}: ${Object.keys(SIDES).join(', ')}`)
process.stdout.write(`${JSON.stringify(await side())}\n`)

/** What it took since the two clocks were read. */
function taken(startedMs: number, startedCpu: NodeJS.CpuUsage): EffectsRun {
  const seconds = (performance.now() - startedMs) / 1000
  const { user, system } = process.cpuUsage(startedCpu)
  return { seconds, cpuSeconds: (user + system) / 1e6, rssMb: process.resourceUsage().maxRSS / 1024 }
}

/** From the start of the role to the commit of the last result. */
async function withEngine(): Promise<EffectsRun> {
  const cluster = await Cluster.connect({ brokers, clientId: values.name })
  const last = new Map<string, number>()
  const ended = Promise.withResolvers<null>()
  let done = 0
  /** The cycle that makes the last result true. */
  let lastCycle = Number.POSITIVE_INFINITY
  /** Number of the cycle that was sent last. */
  const cycle = (): number => runner.status().tasks[0]?.cycle ?? 0
  const topology = effectsTopology({ input, output, changelog }, Number(values.concurrency), ({ key, offset }) => {
    if ((last.get(key) ?? -1) >= offset) ended.reject(new Error(`${key}: ${offset} was worked on out of order`))
    last.set(key, offset)
    if (++done === count) lastCycle = cycle() + 1
  })
  const [startedMs, startedCpu] = [performance.now(), process.cpuUsage()]
  const runner = new RoleRunner(topology, {
    ...ENGINE_DEFAULTS,
    cluster,
    applicationId: values.name,
    stateDirectory: values.state,
    log: pino({ level: 'warn' }, pino.destination(2)),
    observer: {
      ...silentObserver,
      cycle: () => {
        if (cycle() >= lastCycle) ended.resolve(null)
      },
    },
  })
  runner.start()
  await ended.promise
  const run = taken(startedMs, startedCpu)
  await runner.stop({ leave: true, deadlineMs: 10_000 })
  await cluster.close()
  return run
}

/** kafkajs's consumer, one message after the other, to the end of the last one's work. */
async function oneByOne(): Promise<EffectsRun> {
  const consumer = new Kafka({ brokers, logLevel: logLevel.NOTHING }).consumer({ groupId: values.name })
  await consumer.connect()
  await consumer.subscribe({ topics: [input], fromBeginning: true })
  const [startedMs, startedCpu] = [performance.now(), process.cpuUsage()]
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
  const run = taken(startedMs, startedCpu)
  await consumer.disconnect()
  return run
}
