/**
 * PROVISION's pushes: how many per second and what they cost, on a real broker with a Knot that takes its time in a process
 * of its own. The efficiency says how much of what is possible is reached: possible is what the CPU can do, or what the
 * slots (or the accounts, where they are fewer) can do in the time that Knot and one commit take.
 *
 *   node bench/provision.ts [--pushes 10000] [--keys 100,1000,10000] [--concurrency 100,1000] [--write]
 */
import { fork } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startBed } from '../sandbox/bed/bed.ts'
import { connectRecords } from '../src/avro/records.ts'
import { SchemaRegistry } from '../src/avro/registry.ts'
import { Cluster } from '../src/kafka/cluster.ts'
import type { Latency } from './push/knotStub.ts'
import { pushRun } from './push/pushRun.ts'
import type { PushFigures, PushForm } from './push/pushRun.ts'
import { machineLine } from './race/machine.ts'
import { withSection } from './race/report.ts'

const { values } = parseArgs({
  options: {
    pushes: { type: 'string', default: '10000' },
    keys: { type: 'string', default: '100,1000,10000' },
    concurrency: { type: 'string', default: '100,1000' },
    write: { type: 'boolean', default: false },
  },
})
const pushes = Number(values.pushes)
const keyCounts = values.keys.split(',').map(Number)
const concurrencies = values.concurrency.split(',').map(Number)
const most = { keys: Math.max(...keyCounts), concurrency: Math.max(...concurrencies) }
const LATENCIES: readonly [name: string, latency: Latency][] = [
  ['50 ms constant', { medianMs: 50, p99Ms: null }],
  ['log-normal, p50 50 ms, p99 500 ms', { medianMs: 50, p99Ms: 500 }],
]
const AT_ONCE: Latency = { medianMs: 0, p99Ms: null }
const resultsPage = fileURLToPath(new URL('RESULTS.md', import.meta.url))

const bed = await startBed()
const registry = new SchemaRegistry({ url: bed.registryUrl })
const cluster = await Cluster.connect({ brokers: bed.brokers.split(','), clientId: 'push' })
const stub = fork(fileURLToPath(new URL('push/knotStub.ts', import.meta.url)))
const loads: number[] = []
const stubEnded = new Promise<never>((_, reject) => {
  stub.once('exit', code => reject(new Error(`the Knot stub ended with ${code}`)))
})
stubEnded.catch(() => undefined)

try {
  const knotUrl = String(await answerOf())
  const names = { userEvents: 'bench-user-events', provisioningCommands: 'bench-commands' }
  const rest = { cardSuppressions: 'bench-suppressions', cardOutcomes: 'bench-outcomes' }
  const codecs = await connectRecords(registry, { ...names, ...rest }, { autoRegister: true })
  const run = async (form: PushForm, keys: number, concurrency: number, latency: Latency, count = pushes) => {
    stub.send(latency)
    await answerOf()
    const setting = { cluster, brokers: bed.brokers, codecs, knotUrl }
    const figures = await pushRun({ ...setting, form, pushes: count, keys, concurrency })
    loads.push(loadavg()[0]!)
    stub.send('measure')
    const { meanMs } = (await answerOf()) as { readonly meanMs: number | null }
    return { ...figures, serverMs: meanMs ?? 0 }
  }
  // What is compiled and connected once.
  await run('jwe', 100, 100, AT_ONCE, 1_000)

  const costs = new Map<PushForm, PushFigures>()
  for (const form of ['nothing', 'plain', 'jwe'] as const) {
    costs.set(form, await run(form, most.keys, most.concurrency, AT_ONCE))
    say(`${form}: ${JSON.stringify(costs.get(form))}`)
  }
  const rows: string[] = []
  for (const [name, latency] of LATENCIES) {
    for (const concurrency of concurrencies) {
      for (const keys of keyCounts) {
        const figures = await run('jwe', keys, concurrency, latency)
        rows.push(row(name, keys, concurrency, figures))
        say(rows.at(-1) ?? '')
      }
    }
  }
  const page = await report(costs, rows)
  say(page)
  if (values.write) {
    const before = existsSync(resultsPage) ? readFileSync(resultsPage, 'utf8') : '# Results\n'
    writeFileSync(resultsPage, withSection(before, 'provision', page))
  }
} finally {
  stub.disconnect()
  await cluster.close()
  await registry.close()
  await bed.stop()
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

function answerOf(): Promise<unknown> {
  const answer = new Promise(resolve => {
    stub.once('message', resolve)
  })
  return Promise.race([answer, stubEnded])
}

/** `serverMs`: mean service time of the stub, by its own clock. */
type MeasuredFigures = PushFigures & { readonly serverMs: number }

function row(name: string, keys: number, concurrency: number, figures: MeasuredFigures): string {
  const { perSecond, cpuMs, commitMs, pushMs, busy, starved, serverMs } = figures
  const slots = (Math.min(concurrency, keys) * 1_000) / (serverMs + commitMs)
  const processor = perSecond / busy
  const possible = Math.min(processor, slots)
  const bound = processor < slots ? 'CPU' : keys < concurrency ? 'accounts' : 'slots'
  const inUse = (perSecond * (commitMs + pushMs)) / 1_000 / Math.min(concurrency, keys)
  const cells = [
    name,
    keys,
    concurrency,
    perSecond.toFixed(0),
    `${possible.toFixed(0)} (${bound})`,
    (perSecond / possible).toFixed(2),
    Math.min(1, inUse).toFixed(2),
    commitMs.toFixed(0),
    serverMs.toFixed(1),
    pushMs.toFixed(0),
    cpuMs.toFixed(2),
    `${(starved * 100).toFixed(0)} %`,
  ]
  return `| ${cells.join(' | ')} |`
}

function costRow(what: string, { perSecond, cpuMs, starved }: PushFigures): string {
  const cells = [
    what,
    perSecond.toFixed(0),
    cpuMs.toFixed(2),
    (1_000 / cpuMs).toFixed(0),
    `${(starved * 100).toFixed(0)} %`,
  ]
  return `| ${cells.join(' | ')} |`
}

async function report(costs: ReadonlyMap<PushForm, PushFigures>, rows: readonly string[]): Promise<string> {
  const cost = (form: PushForm): PushFigures => costs.get(form)!
  const [least, greatest] = [Math.min(...loads), Math.max(...loads)]
  const parts = [
    ['engine: two commits, ledger, result', cost('nothing').cpuMs],
    ['HTTP', cost('plain').cpuMs - cost('nothing').cpuMs],
    ['JWE', cost('jwe').cpuMs - cost('plain').cpuMs],
  ] as const
  return [
    "## PROVISION's pushes",
    '',
    `${new Date().toISOString().slice(0, 10)}. ${await machineLine()}`,
    `Load average of the machine during the runs: ${least.toFixed(1)} to ${greatest.toFixed(1)} (broker and Knot stub included, and other work).`,
    '',
    `${pushes.toLocaleString('en')} pushes in one partition, commit interval 100 ms, a vault that answers at once, a Knot in a process of its own; the`,
    'middle eight tenths of each run. Again: `node bench/provision.ts --write`.',
    '',
    `With a Knot that answers at once, ${most.keys.toLocaleString('en')} accounts, ${most.concurrency.toLocaleString('en')} at once:`,
    '',
    '| what a push does | pushes/s | CPU ms per push | by CPU alone, pushes/s and core | waited for a processor |',
    '|---|---|---|---|---|',
    costRow("nothing (the engine's ceiling)", cost('nothing')),
    costRow('HTTP, card as it is', cost('plain')),
    costRow('HTTP and JWE', cost('jwe')),
    '',
    `Apart: ${parts.map(([name, ms]) => `${name} ${ms.toFixed(2)} ms`).join(', ')}.`,
    '',
    'Possible = min(CPU, min(at once, accounts) / (latency of Knot + one commit)). CPU is what the main thread would do if it',
    'ran, or stood ready to run, all the time: on a machine that others use it gets a part of a processor. In rows "(CPU)" that',
    'ceiling comes from the same run (pushes per second / part of the time in which the thread was busy), so they say how',
    'busy it was, and nothing of whether a push could cost less. The latency of Knot is what the stub itself measures, mean,',
    'from a request that is whole to its answer. The commit is measured, from the card in hand to the push. In use: the part',
    'of the slots (or accounts) that a commit or a push, as long as they really took, holds at any moment.',
    '',
    '| latency of Knot | accounts | at once | pushes/s | possible (by) | efficiency | in use | one commit, ms | at Knot, ms | one push, ms | CPU ms per push | waited for a processor |',
    '|---|---|---|---|---|---|---|---|---|---|---|---|',
    ...rows,
  ].join('\n')
}
