/**
 * The longest silence of any partition while the instances of a role are restarted one by one under load, of those that
 * stay where they are and of those that move or whose process is replaced, and how long a commit takes, for both
 * transaction protocols. The output is checked by an independent read_committed reader.
 *
 *   node bench/rolling.ts [--instances 3] [--partitions 6] [--rate 2000] [--rounds 1]
 */
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startBed } from '../sandbox/bed/bed.ts'
import { ChainRun } from '../test/support/chain/harness.ts'
import type { Worker } from '../test/support/chain/harness.ts'
import { longestOf, silencesOf } from '../test/support/chain/silence.ts'
import type { ChainSettings } from '../test/support/chain/workerProtocol.ts'

const { values } = parseArgs({
  options: {
    instances: { type: 'string', default: '3' },
    partitions: { type: 'string', default: '6' },
    rate: { type: 'string', default: '2000' },
    rounds: { type: 'string', default: '1' },
  },
})
const instances = Number(values.instances)
const partitions = Number(values.partitions)
const keys = 200
const everyMs = (keys * 1000) / Number(values.rate)

/** A process says what it has committed every 200 ms. */
const REPORT_MS = 400

/** How an instance goes, and comes back. */
const ENDS = {
  'SIGTERM, static member': { isStatic: true, end: (worker: Worker) => worker.stop() },
  'SIGTERM, dynamic member': { isStatic: false, end: (worker: Worker) => worker.stop() },
  'kill -9, static member': { isStatic: true, end: (worker: Worker) => worker.kill() },
} as const

const bed = await startBed()
try {
  process.stdout.write(
    '| protocol | restarts | events/s | commits | commit p50 / p99, ms | usual silence, ms | longest, stayed, ms | longest, moved, ms |\n',
  )
  process.stdout.write('|---|---|---|---|---|---|---|---|\n')
  for (const protocol of ['v2', 'v1'] as const) {
    for (const name of Object.keys(ENDS) as (keyof typeof ENDS)[]) await rollingRestart(protocol, name)
  }
} finally {
  await bed.stop()
}

async function rollingRestart(protocol: ChainSettings['protocol'], name: keyof typeof ENDS): Promise<void> {
  const { isStatic, end } = ENDS[name]
  const run = await ChainRun.create(bed.brokers, { partitions, keys, settings: { protocol, sessionTimeoutMs: 45_000 } })
  try {
    const ended: Worker[] = []
    const startOne = (i: number) =>
      run.start({ instanceId: isStatic ? `pod-${i}` : null, stateDirectory: run.otherDirectory(`pod-${i}`) })
    const workers = Array.from({ length: instances }, (_, i) => startOne(i))
    await run.untilRunning()
    let usualMs = 0
    /** When the restart of each instance began, and at last when it was over. */
    const beginsMs: number[] = []
    const scene = async () => {
      await wait(5_000)
      usualMs = longestOf(silencesOf(workers, Date.now() - 4_000, Date.now() - REPORT_MS))
      for (let round = 0; round < Number(values.rounds); round++) {
        for (const [i, worker] of workers.entries()) {
          beginsMs.push(Date.now())
          await end(worker)
          ended.push(worker)
          workers[i] = startOne(i)
          await run.untilRunning(60_000)
          await wait(2_000)
        }
      }
      beginsMs.push(Date.now() - REPORT_MS)
    }
    const startMs = Date.now()
    await run.writeUntil(scene(), everyMs)
    const wroteMs = Date.now() - startMs
    await run.expectExact(60_000)
    const all = [...ended, ...workers]
    const written = [...(await run.ends(run.topics.input)).values()].reduce((sum, count) => sum + count, 0)
    const restarts = beginsMs.slice(1).flatMap((toMs, index) => silencesOf(all, beginsMs[index]!, toMs))
    const durations = all.flatMap(({ cycles }) => cycles.map(cycle => cycle.durationMs)).sort((a, b) => a - b)
    const cells = [
      protocol.toUpperCase(),
      name,
      Math.round((written * 1000) / wroteMs),
      durations.length,
      `${percentile(durations, 0.5).toFixed(1)} / ${percentile(durations, 0.99).toFixed(1)}`,
      usualMs,
      longestOf(restarts.filter(({ isMoved }) => !isMoved)),
      longestOf(restarts.filter(({ isMoved }) => isMoved)),
    ]
    process.stdout.write(`| ${cells.join(' | ')} |\n`)
    await run.stopAll()
  } finally {
    await run.close()
  }
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN
}
