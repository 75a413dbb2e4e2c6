/**
 * `npm run rehearse:rolling`: three processes of all roles under load, restarted, upgraded and rolled back one after another
 * by SIGTERM, between releases that are taken out of git. For each it says the longest silence of any partition of
 * `card-outcomes`; at the end Apache Kafka's own consumer reads everything, and what is lost or doubled is counted.
 *
 *   node scripts/rehearsal/rolling.ts [--rate 2000] [--partitions 6] [--before COMMIT] [--after COMMIT] [--newest COMMIT]
 *
 * `before` and `after` stand on the two sides of the last change of the state version, `newest` has the same state as
 * `after`. Needs a bed of its own, or ONFILE_BED_BROKERS and ONFILE_BED_REGISTRY_URL. Exit code 1 where something was lost
 * or doubled, or where the old release was not refused.
 */
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startBed } from '../../sandbox/bed/bed.ts'
import { OnfileRun } from '../../test/support/onfile/onfileRun.ts'
import type { ProductProcess } from '../../test/support/onfile/productProcess.ts'
import { writeDuring } from './load.ts'
import { checkOut, lastStateChange } from './releases.ts'
import type { Release } from './releases.ts'
import { SilenceWatch } from './silence.ts'

const { values } = parseArgs({
  options: {
    rate: { type: 'string', default: '2000' },
    partitions: { type: 'string', default: '6' },
    before: { type: 'string', default: `${lastStateChange()}~1` },
    after: { type: 'string', default: lastStateChange() },
    newest: { type: 'string', default: 'HEAD' },
  },
})
const PODS = ['pod-0', 'pod-1', 'pod-2']
const READY_MS = 240_000
/** Between two restarts, as a StatefulSet with `minReadySeconds` would. */
const REST_MS = 3_000

const releases = { before: checkOut(values.before), after: checkOut(values.after), newest: checkOut(values.newest) }
const bed = await startBed()
const run = await OnfileRun.create({
  brokers: bed.brokers,
  registryUrl: bed.registryUrl,
  partitions: Number(values.partitions),
  settings: { ONFILE_KAFKA_SESSION_TIMEOUT: '45s', ONFILE_POLICY_RESULT_HARD: '60s', ONFILE_KNOT_TIMEOUT: '30s' },
})
const pods = new Map<string, ProductProcess>()
try {
  process.exitCode = (await rehearse()) ? 0 : 1
} finally {
  await run.close()
  await bed.stop()
  for (const release of Object.values(releases)) release.remove()
}

function start(pod: string, release: Release): ProductProcess {
  const settings = {
    ONFILE_KAFKA_GROUP_INSTANCE_ID: pod,
    ONFILE_STATE_DIR: join(run.stateDirectory, pod),
    ONFILE_LOG_LEVEL: 'info',
  }
  const started = run.start(settings, release.onfile)
  pods.set(pod, started)
  return started
}

async function rehearse(): Promise<boolean> {
  const { before, after, newest } = releases
  for (const pod of PODS) start(pod, before)
  await Promise.all([...pods.values()].map(pod => pod.ready(READY_MS)))
  const watch = await SilenceWatch.start(bed.brokers, run.topics.cardOutcomes, `${run.id}-silence`)
  let refused = false
  const scene = async () => {
    await wait(15_000)
    watch.longest()
    await wait(10_000)
    say('undisturbed', watch.longest())
    await rollAll(watch, `restart of ${before.name}`, before)
    await rollAll(watch, `upgrade ${before.name} -> ${newest.name}, the state of before is read`, newest)
    await rollAll(watch, `rollback ${newest.name} -> ${after.name}, same state`, after)
    refused = await rollbackThatIsRefused(watch, before, after)
  }
  const { events, ms } = await writeDuring(run, Number(values.rate), scene())
  await watch.stop()
  say(`${events} events, ${Math.round((events * 1_000) / ms)}/s`)
  await run.quiet(120_000)
  let verdict = await run.verdict()
  for (let tries = 0; verdict.missing.length > 0 && tries < 10; tries++) {
    await wait(5_000)
    verdict = await run.verdict()
  }
  const { missing, wrong, evidence } = verdict
  say(
    `read by another consumer: ${evidence.inputs.length} inputs, ${evidence.outcomes.length} outcomes, ` +
      `${evidence.deadLetters.length} dead letters; lost ${missing.length}, doubled or wrong ${wrong.length}`,
  )
  for (const line of [...missing.slice(0, 5), ...wrong.slice(0, 5)]) say(line)
  say(
    `load of the machine ${loadavg()
      .map(load => load.toFixed(1))
      .join(' ')}; old release refused the new state: ${refused}`,
  )
  return missing.length === 0 && wrong.length === 0 && evidence.deadLetters.length === 0 && refused
}

async function rollAll(watch: SilenceWatch, what: string, release: Release): Promise<void> {
  const times: number[] = []
  for (const pod of PODS) {
    const startedMs = performance.now()
    const code = await pods.get(pod)!.kill('SIGTERM')
    if (code !== 0) throw new Error(`${pod} ended with ${code}`)
    await start(pod, release).ready(READY_MS)
    times.push(performance.now() - startedMs)
    await wait(REST_MS)
  }
  say(`${what} (SIGTERM to ready: ${times.map(ms => (ms / 1_000).toFixed(1)).join(', ')} s)`, watch.longest())
}

/** One instance back across the change of the state: its partitions of PROVISION must stand still, unharmed, until it comes forward. */
async function rollbackThatIsRefused(watch: SilenceWatch, before: Release, after: Release): Promise<boolean> {
  const [pod = ''] = PODS
  await pods.get(pod)!.kill('SIGTERM')
  const back = start(pod, before)
  let refused = false
  for (let i = 0; i < 60 && !refused; i++) {
    await wait(500)
    const answer = await back.readyz().catch(() => null)
    refused = answer?.reasons.some(reason => reason.includes('STATE_TOO_NEW')) ?? false
  }
  await back.kill('SIGTERM')
  await start(pod, after).ready(READY_MS)
  await wait(REST_MS)
  say(`${pod} back to ${before.name}, refused, and forward again`, watch.longest())
  return refused
}

function say(what: string, silenceMs?: number): void {
  console.log(silenceMs === undefined ? what : `${what}: longest silence of a partition ${silenceMs} ms`)
}
