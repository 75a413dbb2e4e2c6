import type { Logger } from 'pino'
import { connectRecords } from '../avro/records.ts'
import type { RecordCodecs } from '../avro/records.ts'
import type { SchemaRegistry } from '../avro/registry.ts'
import type { Config } from '../config/config.ts'
import { liveValue } from '../config/liveValue.ts'
import { Backoff, sleep } from '../engine/backoff.ts'
import { ENGINE_DEFAULTS } from '../engine/options.ts'
import type { EngineOptions } from '../engine/options.ts'
import type { Topology } from '../engine/processor.ts'
import { Cluster } from '../kafka/cluster.ts'
import type { AdminCalls } from '../server/adminCalls.ts'
import { AdminServer } from '../server/adminServer.ts'
import type { HealthSource } from '../server/health.ts'
import { LogLevelSwitch } from '../server/logLevelSwitch.ts'
import { createLog } from '../telemetry/log.ts'
import { LogLevels } from '../telemetry/logLevels.ts'
import { createMetrics } from '../telemetry/metrics.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { registryOf } from './connections.ts'
import { EXIT } from './exitCodes.ts'
import type { ExitCode } from './exitCodes.ts'
import { codeOf, exitCodeOfError } from './failure.ts'
import { kafkaOptionsOf } from './kafkaOptions.ts'
import { releaseVersion } from './program.ts'
import { adminCallsOf } from './run/adminCalls.ts'
import { decideGroupOf } from './run/decideGroup.ts'
import { guardMemory } from './run/memoryGuard.ts'
import { policyOf } from './run/policy.ts'
import { createRoles } from './run/roles.ts'
import type { RunningRole } from './run/roles.ts'
import { prepareIngestStart } from './run/startOffsets.ts'
import { StateLock } from './stateLock.ts'

/**
 * `onfile run`: the roles of this process until SIGTERM or SIGINT. What is missing outside (a broker, the registry, a
 * topic) is waited for and said in `/startupz`; what is definitely wrong ends it with exit code 78. The first signal
 * drains within `shutdown.deadline` and exits 0; the second one exits at once.
 */
export async function runOnfile(config: Config): Promise<ExitCode> {
  guardMemory(config)
  const levels = new LogLevels(config.log.level)
  const log = createLog({ level: config.log.level, pretty: config.log.pretty, levels })
  const process_ = new OnfileProcess(config, log, new LogLevelSwitch(levels, log))
  const stop = new AbortController()
  const onSignal = (signal: NodeJS.Signals) => {
    if (stop.signal.aborted) {
      log.warn({ signal }, 'second signal: leaving at once; the next owner continues from the last commit')
      process.exit(EXIT.failed)
    }
    log.info({ signal }, 'stopping: finishing what runs')
    stop.abort()
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
  try {
    return await process_.run(stop.signal)
  } finally {
    process.off('SIGTERM', onSignal)
    process.off('SIGINT', onSignal)
  }
}

class OnfileProcess implements HealthSource {
  private readonly config: Config
  private readonly log: Logger
  private readonly logLevel: LogLevelSwitch
  private cluster: Cluster | null = null
  private readonly metrics: Metrics
  private readonly version = releaseVersion()
  private running: readonly RunningRole[] = []
  private waitingFor: readonly string[] = ['starting']
  private startNotices: readonly string[] = []
  private stopping = false

  constructor(config: Config, log: Logger, logLevel: LogLevelSwitch) {
    this.config = config
    this.log = log
    this.logLevel = logLevel
    this.metrics = createMetrics({
      version: this.version,
      roles: config.roles,
      ingestInputs: [config.topics.cardLifecycle, config.topics.knotEvents, config.topics.retry],
      ownInputs: [
        ...(config.roles.includes('decide') ? [config.topics.userEvents] : []),
        ...(config.roles.includes('provision') ? [config.topics.provisioningCommands] : []),
      ],
      failureReasons: [...policyOf(config).reasons.keys()].map(reason => reason.replace(/[ -]/g, '_')),
      status: () => this.roles(),
    })
  }

  startup(): { ready: boolean; reasons: readonly string[] } {
    return { ready: this.waitingFor.length === 0, reasons: this.waitingFor }
  }

  roles() {
    return this.running.map(role => role.health())
  }

  notices(): readonly string[] {
    return this.startNotices
  }

  draining(): boolean {
    return this.stopping
  }

  async run(stop: AbortSignal): Promise<ExitCode> {
    const { config, log } = this
    const lock = await StateLock.acquire(config.state.dir)
    const server = await AdminServer.start({
      host: config.admin.host,
      port: config.admin.port,
      health: this,
      metrics: () => this.metrics.page(),
      calls: this.adminCalls(),
    }).catch(async (error: unknown) => {
      await lock.release()
      throw error
    })
    log.info({ version: this.version, roles: config.roles, admin: server.url }, 'onfile starts')
    try {
      const registry = registryOf(config)
      const cluster = await this.waitFor('Kafka', stop, () => Cluster.connect(kafkaOptionsOf(config)))
      this.cluster = cluster
      const codecs = await this.waitFor('the schema registry', stop, () =>
        connectRecords(registry, config.topics, { autoRegister: config.registry.autoRegister }),
      )
      const startAt = await this.startPoint(cluster, stop)
      if (cluster === null || codecs === null || startAt === null) return EXIT.done
      this.startRoles(cluster, codecs, registry, startAt)
      this.waitingFor = []
      await untilAborted(stop)
      await this.stopRoles()
      log.info('onfile has stopped')
      return EXIT.done
    } catch (error) {
      log.fatal({ err: error, code: codeOf(error) ?? undefined }, 'onfile cannot run')
      return exitCodeOfError(error)
    } finally {
      this.logLevel.close()
      await this.cluster?.close()
      await server.stop()
      await lock.release()
    }
  }

  private adminCalls(): AdminCalls {
    const { config, log, logLevel } = this
    return adminCallsOf({
      token: liveValue(config, 'admin.token', config.admin.token),
      idPattern: config.ingest.idPattern,
      log,
      logLevel,
      roles: () => this.running,
      group: decideGroupOf({ config, log, cluster: () => this.cluster, roles: () => this.running }),
    })
  }

  private startRoles(
    cluster: Cluster,
    codecs: RecordCodecs,
    registry: SchemaRegistry,
    startAt: Topology['startAt'],
  ): void {
    const { config, log, metrics, version } = this
    const engine: EngineOptions = {
      ...ENGINE_DEFAULTS,
      cluster,
      applicationId: config.application.id,
      stateDirectory: config.state.dir,
      commitIntervalMs: config.engine.commitInterval,
      maxRecordsPerCycle: config.engine.maxRecordsPerCycle,
      compression: config.engine.compression,
      sessionTimeoutMs: config.kafka.sessionTimeout,
      instanceId: config.kafka.groupInstanceId,
      adminUrl: config.admin.advertisedUrl,
      cacheEntries: config.engine.cacheEntries,
      log,
      observer: metrics.engine,
    }
    this.running = createRoles({ config, engine, codecs, registry, startAt, metrics, log, version })
    for (const role of this.running) role.start()
  }

  private async startPoint(cluster: Cluster | null, stop: AbortSignal): Promise<Topology['startAt'] | null> {
    if (!this.config.roles.includes('ingest')) return () => 'earliest'
    if (cluster === null) return null
    const start = await this.waitFor("the issuer's topics", stop, () => prepareIngestStart(cluster, this.config))
    if (start === null) return null
    this.startNotices = start.notices
    for (const notice of start.notices) this.log.warn(notice)
    return start.startAt
  }

  /** Tries again until it works; null when told to stop. Errors that waiting cannot mend are thrown. */
  private async waitFor<T>(what: string, stop: AbortSignal, work: () => Promise<T>): Promise<T | null> {
    const backoff = new Backoff(500, 15_000)
    while (!stop.aborted) {
      try {
        return await work()
      } catch (error) {
        if (exitCodeOfError(error) === EXIT.wrong) throw error
        const detail = error instanceof Error ? error.message : String(error)
        this.waitingFor = [`waits for ${what}: ${detail}`]
        this.log.warn({ err: error, code: codeOf(error) ?? undefined }, `waiting for ${what}`)
        await sleep(backoff.nextMs(), stop)
      }
    }
    return null
  }

  private async stopRoles(): Promise<void> {
    this.stopping = true
    // A static member comes back: its partitions wait for it. After scaling down they wait for the session timeout.
    const leave = this.config.kafka.groupInstanceId === null
    const deadlineMs = Math.max(1_000, this.config.shutdown.deadline - 2_000)
    await Promise.all(this.running.map(role => role.stop({ leave, deadlineMs })))
  }
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
