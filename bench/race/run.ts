/**
 * The race against Kafka Streams: same broker, same prefilled topic, sides in turn (A B B A A B), medians. Each side has one
 * run before that which does not count: it warms the broker up, whose CPU halves within the first minutes of a load (JIT),
 * and whoever ran first would pay for it.
 *
 *   npm run race -- [--events 1000000] [--users 200000] [--runs 3] [--big] [--phases throughput,latency,restart]
 *                   [--seconds 30] [--warm 15] [--load 400000] [--wait 60] [--write]
 *
 * `--big` adds the restarts with 1,000,000 users. `--write` puts the tables into bench/RESULTS.md; without it they go to
 * standard output only. Raw results: .cache/race/results.jsonl (appended). Needs Java 17 and Maven, Linux.
 */
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startRaceBroker } from './broker.ts'
import { onfileContender, streamsContender } from './contenders.ts'
import type { Contender } from './contenders.ts'
import { CLEAN_RESTART_FIGURES, KILL_RESTART_FIGURES, LATENCY_FIGURES, THROUGHPUT_FIGURES } from './figures.ts'
import { machineLine } from './machine.ts'
import { untilQuiet } from './quiet.ts'
import { commandLine, comparison, COMPARISON_HEAD, withSection } from './report.ts'
import type { Figure } from './report.ts'
import { buildStreams } from './streams.ts'
import type { HarnessResult } from './streams.ts'
import { Track } from './track.ts'
import type { Lane } from './track.ts'

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '1000000' },
    users: { type: 'string', default: '200000' },
    runs: { type: 'string', default: '3' },
    phases: { type: 'string', default: 'throughput,latency,restart' },
    seconds: { type: 'string', default: '30' },
    warm: { type: 'string', default: '15' },
    load: { type: 'string', default: '400000' },
    wait: { type: 'string', default: '60' },
    big: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    'node-flag': { type: 'string', multiple: true, default: [] },
  },
})
const events = Number(values.events)
const users = Number(values.users)
const runs = Number(values.runs)
const load = Number(values.load)
const phases = new Set(values.phases.split(','))
const BIG = { events: 1_500_000, users: 1_000_000 }
const RATES = [1_000, 5_000]

const resultsPage = fileURLToPath(new URL('../RESULTS.md', import.meta.url))
const rawFile = fileURLToPath(new URL('../../.cache/race/results.jsonl', import.meta.url))
const directory = mkdtempSync(join(tmpdir(), 'onfile-race-'))
const program = await buildStreams()
const broker = await startRaceBroker()
const track = new Track(broker, program, directory)
const contenders: readonly Contender[] = [onfileContender(values['node-flag']), streamsContender(program)]
const startedMs = Date.now()
const tables: string[] = []
let noisyRuns = 0

try {
  say(`raw results: ${rawFile}, logs of the sides: ${directory} (removed at the end)`)
  if (phases.has('throughput')) await throughput()
  if (phases.has('latency') || phases.has('restart')) await steadyState('', events, users, RATES)
  if (values.big && phases.has('restart')) await steadyState('big-', BIG.events, BIG.users, [])
  const page = [...(await head()), ...tables].join('\n')
  say(page)
  if (values.write) {
    const before = existsSync(resultsPage) ? readFileSync(resultsPage, 'utf8') : '# Results\n'
    writeFileSync(resultsPage, withSection(before, 'race', page))
  }
} finally {
  await broker.stop()
  rmSync(directory, { recursive: true, force: true })
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

async function head(): Promise<string[]> {
  return [
    '## The race against Kafka Streams',
    '',
    `${new Date().toISOString().slice(0, 10)}. ${await machineLine()}`,
    '',
    'One broker, generator and harness on the same machine. One thread each: onfile is one Node process, Kafka Streams has',
    'one stream thread. Exactly once, commit interval 100 ms, no compression, local store on. The sides ran in turn (A B B A A B), ' +
      `${runs} times each after one run each that warmed the broker up; cells are the median (least to greatest). ` +
      `${noisyRuns === 0 ? 'All runs began on a quiet machine' : `${noisyRuns} runs began while other load ran`}; ` +
      `the whole took ${Math.round((Date.now() - startedMs) / 60_000)} min.`,
    `Specification: [SPEC.md](race/SPEC.md). Again: \`${commandLine('npm run race')}\`.`,
    '',
  ]
}

/** One measurement, on a machine as quiet as it gets; the raw line is kept. */
async function measured(what: string, work: () => Promise<HarnessResult>): Promise<HarnessResult> {
  if (!(await untilQuiet(Number(values.wait)))) noisyRuns++
  const result = await work()
  appendFileSync(rawFile, `${JSON.stringify({ at: new Date().toISOString(), what, ...result })}\n`)
  say(`${what}: ${JSON.stringify(result)}`)
  return result
}

function table(title: string, figures: readonly Figure[], results: readonly (readonly HarnessResult[])[]): void {
  const [onfile = [], streams = []] = results
  tables.push(`### ${title}`, '', ...COMPARISON_HEAD, ...comparison(figures, { onfile, streams }), '')
}

async function throughput(): Promise<void> {
  say(`prefilling ${events} events of ${users} users`)
  await track.prefill('race.', events, users, false)
  const results: HarnessResult[][] = contenders.map(() => [])
  const written = new Set<string>()
  let counted: HarnessResult = {}
  for (let round = 0; round <= runs; round++) {
    for (const [side, contender] of inOrder(round, contenders)) {
      const name = `t${round}-${contender.name}`
      const lane: Lane = {
        ...{ contender, users, inputPrefix: 'race.', outputPrefix: `${name}.` },
        ...{ group: `${name}-decide`, instanceId: null },
      }
      await track.openLane(lane)
      if (round === 0) await track.throughput(lane)
      else results[side]!.push(await measured(`throughput ${name}`, () => track.throughput(lane)))
      counted = await track.counts(lane)
      mustBeTheSame(written, counted)
      await track.closeLane(lane)
    }
  }
  const title = `Throughput: ${events.toLocaleString('en')} events, ${users.toLocaleString('en')} users, 4 partitions`
  table(title, THROUGHPUT_FIGURES, results)
  tables.push(`All ${2 * runs} runs wrote the same records: \`${JSON.stringify(counted)}\`.`, '')
}

/** Adds what one run wrote to that of the runs before. Throws when it wrote something else from the same input. */
function mustBeTheSame(written: Set<string>, counted: HarnessResult): void {
  written.add(JSON.stringify(counted))
  if (written.size > 1) throw new Error(`The sides wrote different records: ${[...written].join(' and ')}`)
}

/** Latency and restarts, each side on input, output and state of its own that grow from run to run. */
async function steadyState(
  prefix: string,
  eventCount: number,
  userCount: number,
  rates: readonly number[],
): Promise<void> {
  const lanes: Lane[] = []
  const written = new Set<string>()
  for (const contender of contenders) {
    const name = `${prefix}steady-${contender.name}`
    const lane: Lane = {
      ...{ contender, users: userCount, inputPrefix: `${name}.`, outputPrefix: `${name}.` },
      ...{ group: `${name}-decide`, instanceId: 'i1' },
    }
    await track.prefill(lane.inputPrefix, eventCount, userCount, true)
    await track.openLane(lane)
    await track.throughput(lane)
    mustBeTheSame(written, await track.counts(lane))
    lanes.push(lane)
  }
  const state = `${userCount.toLocaleString('en')} users of state`
  if (phases.has('latency')) {
    for (const rate of rates) {
      const options = { rate, warmSeconds: Number(values.warm), seconds: Number(values.seconds) }
      for (const lane of lanes) await track.latency(lane, options)
      const results = await inTurn(lanes, `latency ${rate}/s`, lane => track.latency(lane, options))
      table(`Latency at ${rate.toLocaleString('en')} events/s, ${state}`, LATENCY_FIGURES, results)
    }
  }
  if (!phases.has('restart')) return
  const clean = await inTurn(lanes, `${prefix}clean restart`, lane => track.restart(lane, 'clean', load))
  table(`Restart after a clean stop, ${state}`, CLEAN_RESTART_FIGURES, clean)
  const killed = await inTurn(lanes, `${prefix}kill -9`, lane => track.restart(lane, 'killload', load))
  table(`Restart after kill -9 under heavy writes, ${state}`, KILL_RESTART_FIGURES, killed)
  const sizes: string[] = []
  for (const lane of lanes) sizes.push(`${lane.contender.title} ${await explained(lane)}`)
  tables.push(
    `The state of ${userCount.toLocaleString('en')} users was built from the same ${eventCount.toLocaleString('en')} events, and both sides wrote the same records. ` +
      `What came after is made by the clock, another for each side: as many outcomes as input records at the end (${sizes.join(', ')}).`,
    '',
  )
}

/** Records of the lane's input. Throws unless there are as many outcomes: each has exactly one, whatever it is. */
async function explained(lane: Lane): Promise<string> {
  const size = await track.inputSize(lane)
  const outcomes = (await track.counts(lane))['card-outcomes'] as { readonly n: number }
  if (outcomes.n !== size) throw new Error(`${lane.group}: ${outcomes.n} outcomes for ${size} records`)
  return size.toLocaleString('en')
}

/** The sides with their numbers, every other round from the last one on. */
function inOrder<T>(round: number, sides: readonly T[]): (readonly [side: number, of: T])[] {
  const numbered = sides.map((of, side) => [side, of] as const)
  return round % 2 === 0 ? numbered.toReversed() : numbered
}

async function inTurn(
  lanes: readonly Lane[],
  what: string,
  work: (lane: Lane) => Promise<HarnessResult>,
): Promise<HarnessResult[][]> {
  const results: HarnessResult[][] = lanes.map(() => [])
  for (let round = 1; round <= runs; round++) {
    for (const [side, lane] of inOrder(round, lanes)) {
      results[side]!.push(await measured(`${what} ${lane.contender.name} ${round}`, () => work(lane)))
    }
  }
  return results
}
