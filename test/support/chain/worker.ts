/**
 * One process that runs the chain topology until SIGTERM. Settings come as JSON in CHAIN_SETTINGS, with what shall go
 * wrong inside of it. Prints a WorkerReport as one line of JSON every 200 ms.
 */
import { writeSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { pino } from 'pino'
import { silentObserver } from '../../../src/engine/observer.ts'
import type { EngineObserver } from '../../../src/engine/observer.ts'
import { ENGINE_DEFAULTS } from '../../../src/engine/options.ts'
import { RoleRunner } from '../../../src/engine/role.ts'
import { Cluster } from '../../../src/kafka/cluster.ts'
import type { TopicPartition } from '../../../src/kafka/groupMember.ts'
import { ListenerWatch } from './listenerWatch.ts'
import { chainTopology } from './topology.ts'
import type { ChainSettings, CommitCounts, CommittedCycle, Resources, Struck, WorkerReport } from './workerProtocol.ts'

const settings = JSON.parse(process.env.CHAIN_SETTINGS ?? '{}') as ChainSettings

const jump = settings.clockJump
if (jump !== null) {
  const clock = Date.now
  let shiftMs = 0
  Date.now = () => clock() + shiftMs
  setTimeout(() => (shiftMs = jump.byMs), jump.afterMs)
  if (jump.backAfterMs !== null) setTimeout(() => (shiftMs = 0), jump.backAfterMs)
}

const watch = new ListenerWatch()
watch.begin()

const noCommits = (): CommitCounts => ({ committed: 0, 'found-committed': 0, resent: 0, lost: 0 })
const commits = noCommits()
const commitsWithoutRecords = noCommits()
let cycles: CommittedCycle[] = []
let rebalances = 0
const observer: EngineObserver = {
  ...silentObserver,
  cycle: (_role, _topic, partition, verdict, durationMs, records) => {
    commits[verdict]++
    if (records === 0) commitsWithoutRecords[verdict]++
    else if (verdict !== 'lost') cycles.push({ partition, atMs: Date.now(), durationMs })
  },
  rebalanced: () => {
    rebalances++
  },
}

const cluster = await Cluster.connect({
  brokers: settings.brokers.split(','),
  clientId: 'chain',
  requestTimeoutMs: settings.requestTimeoutMs,
})
let reached = 0
/** Partitions that wait at `heldAt`. */
const held = new Set<number>()
const runner = new RoleRunner(chainTopology(settings.topics, settings.variant), {
  ...ENGINE_DEFAULTS,
  cluster,
  applicationId: settings.applicationId,
  stateDirectory: settings.stateDirectory,
  sessionTimeoutMs: settings.sessionTimeoutMs,
  transactionTimeoutMs: settings.transactionTimeoutMs,
  maxStoreAgeMs: settings.maxStoreAgeMs,
  maxUnflushedBytes: settings.maxUnflushedBytes,
  restoreNoProgressMs: settings.restoreNoProgressMs,
  instanceId: settings.instanceId,
  log: pino({ level: settings.logLevel }, pino.destination(2)),
  observer,
  ...(settings.protocol === 'v1' ? { forceTransactionProtocol: 'v1' as const } : {}),
  ...(settings.storeWriteEntries === null ? {} : { forceStoreWriteEntries: settings.storeWriteEntries }),
  onStep: async (step, _topic, partition) => {
    const { fault } = settings
    const heldAt = fault?.heldAt
    if (heldAt?.step === step) {
      held.add(partition)
      await wait(heldAt.waitMs)
      held.delete(partition)
    }
    if (step !== fault?.step || Date.now() < (fault.fromMs ?? 0)) return
    if ((heldAt !== undefined && !held.has(partition)) || ++reached < fault.count) return
    if (fault.does === 'wait') return wait(fault.waitMs)
    if (reached !== fault.count) return
    const struck: Struck = { struckAt: step, partition }
    writeSync(2, `${JSON.stringify(struck)}\n`)
    process.kill(process.pid, fault.does === 'kill' ? 'SIGKILL' : 'SIGSTOP')
  },
})

if (settings.takesEverything) {
  // The assigner's bug: this member believes that it was given all partitions, whatever the group says.
  const partitions = await cluster.partitionCount(settings.topics.input)
  const everything = Array.from({ length: partitions }, (_, partition) => ({ topic: settings.topics.input, partition }))
  const inside = runner as unknown as { assigned(assignment: readonly TopicPartition[]): void }
  const assigned = inside.assigned.bind(runner)
  inside.assigned = () => assigned(everything)
}

runner.start()
/** Where the process may (`--expose-gc`): what nobody holds any more is collected before it is counted. */
const COLLECT_EVERY_MS = 5_000
let collectedMs = 0
function resources(): Resources {
  if (performance.now() - collectedMs > COLLECT_EVERY_MS) {
    collectedMs = performance.now()
    globalThis.gc?.()
  }
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage()
  const active = process.getActiveResourcesInfo()
  const timers = active.filter(kind => kind === 'Timeout' || kind === 'Immediate').length
  const handles = active.length - timers
  const listeners = watch.most()
  return { rssBytes: rss, heapUsedBytes: heapUsed, bufferBytes: arrayBuffers, handles, timers, listeners }
}

function say(): void {
  const role = runner.status()
  const now: WorkerReport = { role, commits, commitsWithoutRecords, rebalances, cycles, resources: resources() }
  process.stdout.write(`${JSON.stringify(now)}\n`)
  cycles = []
}
const report = setInterval(say, 200)

let stopping = false
process.on('SIGTERM', () => {
  if (stopping) return
  stopping = true
  clearInterval(report)
  void runner
    .stop({ leave: settings.instanceId === null, deadlineMs: 10_000 })
    .then(() => cluster.close())
    .then(say)
    .then(() => process.exit(0))
})
