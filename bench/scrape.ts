/**
 * What one scrape costs: size of the page and CPU time of the event loop, with all roles and `PARTITIONS` partitions of each of
 * the five input topics in one process. `node bench/scrape.ts [partitions]`
 */
import { createMetrics } from '../src/telemetry/metrics.ts'
import type { ShownTask } from '../src/telemetry/taskGauges.ts'

const partitions = Number(process.argv[2] ?? 64)
const INPUTS = [
  ['ingest', 'card-lifecycle'],
  ['ingest', 'knot-events'],
  ['ingest', 'onfile-retry'],
  ['decide', 'onfile-user-events'],
  ['provision', 'provisioning-commands'],
] as const

const taskOf = (role: string, topic: string, partition: number): ShownTask => ({
  role,
  topic,
  partition,
  state: 'running',
  waiting: null,
  paused: null,
  position: 1_000_000 + partition,
  lagRecords: partition % 7,
  lagSeconds: (partition % 7) / 10,
  blockedRecords: 0,
  restoredRecords: 123_456,
  restoreRemaining: 0,
  effectsInFlight: 3,
  timers: role === 'decide' ? { switch: 12, hard: 40, soft: 40 } : {},
  unflushedBytes: 65_536,
  storeBytes: 16_777_216,
})
const rolesOf = (): Parameters<typeof createMetrics>[0]['status'] => () =>
  ['ingest', 'decide', 'provision'].map(role => ({
    role,
    state: 'stable',
    memberTurnAgeMs: 0,
    inputPartitions: Object.fromEntries(INPUTS.filter(([of]) => of === role).map(([, topic]) => [topic, partitions])),
    outages: [],
    tasks: INPUTS.filter(([of]) => of === role).flatMap(([, topic]) =>
      Array.from({ length: partitions }, (_, partition) => taskOf(role, topic, partition)),
    ),
  }))

const metrics = createMetrics({
  version: '1.0.0',
  roles: ['ingest', 'decide', 'provision'],
  ingestInputs: ['card-lifecycle', 'knot-events', 'onfile-retry'],
  ownInputs: ['onfile-user-events', 'provisioning-commands'],
  failureReasons: [],
  status: rolesOf(),
})
for (let merchant = 0; merchant < 100; merchant++) metrics.decide.outcome('UPDATED', 'updated', merchant)
for (let partition = 0; partition < partitions; partition++) metrics.provision.openCommands(partition, 10)

const times: number[] = []
let bytes = 0
let series = 0
for (let round = 0; round < 60; round++) {
  const startedUs = process.cpuUsage()
  const { body } = await metrics.page()
  const { user, system } = process.cpuUsage(startedUs)
  times.push((user + system) / 1_000)
  bytes = body.length
  series = body.split('\n').filter(line => line !== '' && !line.startsWith('#')).length
}
const sorted = times.slice(10).sort((a, b) => a - b)
const at = (share: number): string => sorted[Math.floor(share * (sorted.length - 1))]!.toFixed(1)
console.log(
  `${partitions} partitions of 5 topics: ${series} series, ${Math.round(bytes / 1024)} KiB, ` +
    `${at(0.5)} ms of CPU (p50), ${at(0.95)} (p95)`,
)
