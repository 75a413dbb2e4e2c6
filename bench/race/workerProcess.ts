/**
 * The race's topology on this engine as one process, under the contract of SPEC.md's last section:
 * `node bench/race/worker.ts --brokers B --group G --state DIR --prefix P --out P [--instance ID]`.
 * Everything but the static member id is the engine's default.
 */
import { parseArgs } from 'node:util'
import { pino } from 'pino'
import { silentObserver } from '../../src/engine/observer.ts'
import { ENGINE_DEFAULTS } from '../../src/engine/options.ts'
import { RoleRunner } from '../../src/engine/role.ts'
import { Cluster } from '../../src/kafka/cluster.ts'
import { RACE_ROLE, raceTopics, raceTopology } from './topology.ts'

const { values } = parseArgs({
  options: {
    brokers: { type: 'string', default: '127.0.0.1:9092' },
    group: { type: 'string', default: `race-${RACE_ROLE}` },
    state: { type: 'string', default: 'state/race' },
    prefix: { type: 'string', default: '' },
    out: { type: 'string' },
    instance: { type: 'string' },
  },
})
const suffix = `-${RACE_ROLE}`
if (!values.group.endsWith(suffix)) throw new Error(`--group ${values.group} must end with ${suffix}`)

const say = (line: string): void => void process.stdout.write(`${line}\n`)
let first = true
const onFirst = (): void => {
  if (first) say(`FIRST ${Date.now()}`)
  first = false
}

const topics = raceTopics(values.prefix, values.out ?? values.prefix, values.group)
const cluster = await Cluster.connect({ brokers: values.brokers.split(','), clientId: values.group })
let restoredRecords = 0
const runner = new RoleRunner(raceTopology(topics, onFirst), {
  ...ENGINE_DEFAULTS,
  cluster,
  applicationId: values.group.slice(0, -suffix.length),
  stateDirectory: values.state,
  instanceId: values.instance ?? null,
  log: pino({ level: 'warn' }, pino.destination(2)),
  observer: {
    ...silentObserver,
    taskState: (_role, _topic, _partition, state) => {
      if (state !== 'running') return
      if (runner.status().tasks.every(task => task.state === 'running')) say(`RUNNING ${Date.now()} restored_bytes=0`)
    },
    restored: (_role, topic, partition, records, durationMs) => {
      restoredRecords += records
      say(`RESTORE_START ${Date.now() - Math.round(durationMs)} ${topic}-${partition}`)
      say(`RESTORE_END ${Date.now()} ${topic}-${partition} records=${records} ms=${Math.round(durationMs)}`)
    },
  },
})
runner.start()

let stopping = false
process.on('SIGTERM', () => {
  if (stopping) return
  stopping = true
  void runner
    .stop({ leave: values.instance === undefined, deadlineMs: 10_000 })
    .then(() => cluster.close())
    .then(() => {
      say(`CLOSED ${Date.now()} restored_records=${restoredRecords}`)
      process.exit(0)
    })
})
