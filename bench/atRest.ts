/**
 * What one process of all roles costs: from the start to ready, memory at rest and under load, size and time of a scrape, and
 * the size of the files that the image holds. The process runs what the image holds, started by node as there.
 *
 *   node bench/atRest.ts [--partitions 64] [--rate 5000] [--seconds 30]
 *
 * Needs a bed of its own, or ONFILE_BED_BROKERS and ONFILE_BED_REGISTRY_URL. Figures: docs/deployment.md 8.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startBed } from '../sandbox/bed/bed.ts'
import { layOutImage } from '../test/support/imageFiles.ts'
import { lifecycleEvent } from '../test/support/onfile/lifecycleEvent.ts'
import { OnfileRun } from '../test/support/onfile/onfileRun.ts'
import type { ProductProcess } from '../test/support/onfile/productProcess.ts'

const { values } = parseArgs({
  options: {
    partitions: { type: 'string', default: '64' },
    rate: { type: 'string', default: '5000' },
    seconds: { type: 'string', default: '30' },
  },
})
const READY_MS = 180_000
const REST_MS = 20_000
const TICK_MS = 50
const BATCH = 1_000
const USERS = 50_000

const app = mkdtempSync(join(tmpdir(), 'onfile-image-'))
layOutImage(app)
for (const part of ['', 'dist', 'node_modules', 'schemas']) {
  const [kilobytes] = execFileSync('du', ['-sk', join(app, part)], { encoding: 'utf8' }).split('\t')
  say(`/app/${part}: ${(Number(kilobytes) / 1024).toFixed(1)} MiB on disk`)
}
const onfile: [string, ...string[]] = [process.execPath, '--disable-sigusr1', join(app, 'dist/cli/main.js')]
const bed = await startBed()
const run = await OnfileRun.create({
  brokers: bed.brokers,
  registryUrl: bed.registryUrl,
  partitions: Number(values.partitions),
  settings: { ONFILE_KAFKA_SESSION_TIMEOUT: '45s', ONFILE_KAFKA_GROUP_INSTANCE_ID: 'pod-0' },
})
try {
  say(`node ${process.version}, ${values.partitions} partitions of each topic, load ${loadText()}`)
  const first = await timedStart('first start, empty state')
  await wait(REST_MS)
  say(`at rest: ${memory(first)}`)
  await scrape(first, 'at rest')
  await underLoad(first)
  await first.kill('SIGTERM')
  const again = await timedStart('start again, local state kept')
  await again.kill('SIGTERM')
} finally {
  await run.close()
  await bed.stop()
  rmSync(app, { recursive: true, force: true })
}

async function timedStart(what: string): Promise<ProductProcess> {
  const startedMs = performance.now()
  const started = run.start({}, onfile)
  await started.ready(READY_MS)
  say(`${what}: ready after ${((performance.now() - startedMs) / 1_000).toFixed(1)} s`)
  return started
}

/** Resident memory and its peak, as Linux counts them. */
function memory(process_: ProductProcess): string {
  const status = readFileSync(`/proc/${process_.pid}/status`, 'utf8')
  const of = (name: string) => Math.round(Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / 1024)
  return `${of('VmRSS')} MiB resident, ${of('VmHWM')} MiB at most so far`
}

async function scrape(process_: ProductProcess, when: string): Promise<void> {
  const times: number[] = []
  let page = ''
  for (let i = 0; i < 30; i++) {
    const startedMs = performance.now()
    // A process that is too busy to answer in time counts with the time that it was given.
    page = await process_.metrics().catch(() => page)
    times.push(performance.now() - startedMs)
    await wait(100)
  }
  times.sort((a, b) => a - b)
  const series = page.split('\n').filter(line => line !== '' && !line.startsWith('#')).length
  say(
    `scrape ${when}: ${series} series, ${Math.round(page.length / 1024)} KiB, ` +
      `${times[15]!.toFixed(0)} ms (median), ${times[29]!.toFixed(0)} ms (longest of 30)`,
  )
}

/** Events that are decided at once, without a push, at the rate. */
async function underLoad(process_: ProductProcess): Promise<void> {
  const [rate, seconds] = [Number(values.rate), Number(values.seconds)]
  const startedMs = performance.now()
  const processedBefore = await processed(process_)
  let written = 0
  while (performance.now() - startedMs < seconds * 1_000) {
    const due = Math.floor(((performance.now() - startedMs) * rate) / 1_000)
    const messages = []
    for (; written < due; written++) {
      const userId = `user-${written % USERS}`
      const cardRef = `card-${userId}`
      messages.push({ key: cardRef, value: lifecycleEvent({ cardRef, type: 'contact_cardholder_advice', userId }) })
    }
    for (let at = 0; at < messages.length; at += BATCH) await run.sendLifecycle(...messages.slice(at, at + BATCH))
    await wait(TICK_MS)
  }
  const wroteMs = performance.now() - startedMs
  const decided = (await processed(process_)) - processedBefore
  say(
    `under load: ${Math.round((written * 1_000) / wroteMs)} events/s written, ${Math.round((decided * 1_000) / wroteMs)}/s ` +
      `decided meanwhile; ${memory(process_)}; load ${loadText()}`,
  )
  await scrape(process_, 'under load')
  await run.quiet(120_000)
  say(`caught up after ${((performance.now() - startedMs - wroteMs) / 1_000).toFixed(1)} s more`)
}

async function processed(process_: ProductProcess): Promise<number> {
  for (let tries = 1; ; tries++) {
    try {
      return await process_.metric('onfile_records_processed_total', 'role="decide"')
    } catch (error) {
      if (tries === 10) throw error
    }
  }
}

function loadText(): string {
  return loadavg()
    .map(load => load.toFixed(1))
    .join(' ')
}

function say(line: string): void {
  console.log(line)
}
