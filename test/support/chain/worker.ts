/**
 * One process that runs the chain topology until SIGTERM. Settings come as JSON in CHAIN_SETTINGS; the steps at which it
 * shall kill itself are given there too. Prints `running` when all its tasks run.
 */
import { pino } from 'pino'
import { ENGINE_DEFAULTS } from '../../../src/engine/options.ts'
import { RoleRunner } from '../../../src/engine/role.ts'
import { silentObserver } from '../../../src/engine/observer.ts'
import type { EngineStep } from '../../../src/engine/options.ts'
import { Cluster } from '../../../src/kafka/cluster.ts'
import { chainTopology } from './topology.ts'

export interface ChainSettings {
  readonly brokers: string
  readonly applicationId: string
  readonly stateDirectory: string
  readonly topics: { readonly input: string; readonly output: string; readonly changelog: string }
  readonly sessionTimeoutMs: number
  readonly instanceId: string | null
  readonly logLevel: string
  /** Kill this process with SIGKILL the `count`-th time that `step` is reached. */
  readonly killAt: { readonly step: EngineStep; readonly count: number } | null
}

const settings = JSON.parse(process.env.CHAIN_SETTINGS ?? '{}') as ChainSettings
const cluster = await Cluster.connect({ brokers: settings.brokers.split(','), clientId: 'chain' })
let reached = 0
const runner = new RoleRunner(chainTopology(settings.topics), {
  ...ENGINE_DEFAULTS,
  cluster,
  applicationId: settings.applicationId,
  stateDirectory: settings.stateDirectory,
  sessionTimeoutMs: settings.sessionTimeoutMs,
  instanceId: settings.instanceId,
  log: pino({ level: settings.logLevel }, pino.destination(2)),
  observer: silentObserver,
  onStep: step => {
    if (step === settings.killAt?.step && ++reached >= settings.killAt.count) process.kill(process.pid, 'SIGKILL')
  },
})
runner.start()
const report = setInterval(() => process.stdout.write(`${JSON.stringify(runner.status())}\n`), 200)

let stopping = false
process.on('SIGTERM', () => {
  if (stopping) return
  stopping = true
  clearInterval(report)
  void runner
    .stop({ leave: settings.instanceId === null, deadlineMs: 10_000 })
    .then(() => cluster.close())
    .then(() => process.exit(0))
})
