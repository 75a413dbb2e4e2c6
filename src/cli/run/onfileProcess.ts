import type { Logger } from 'pino'
import { connectRecords } from '../../avro/records.ts'
import type { RecordCodecs } from '../../avro/records.ts'
import type { SchemaRegistry } from '../../avro/registry.ts'
import type { Config } from '../../config/config.ts'
import { liveValue } from '../../config/liveValue.ts'
import { ENGINE_DEFAULTS } from '../../engine/options.ts'
import type { EngineOptions } from '../../engine/options.ts'
import type { Topology } from '../../engine/processor.ts'
import { Cluster } from '../../kafka/cluster.ts'
import type { AdminCalls } from '../../server/adminCalls.ts'
import { AdminServer } from '../../server/adminServer.ts'
import type { HealthSource } from '../../server/health.ts'
import type { LogLevelSwitch } from '../../server/logLevelSwitch.ts'
import { createMetrics } from '../../telemetry/metrics.ts'
import type { Metrics } from '../../telemetry/metrics.ts'
import { registryOf } from '../connections.ts'
import { EXIT } from '../exitCodes.ts'
import type { ExitCode } from '../exitCodes.ts'
import { codeOf, exitCodeOfError } from '../failure.ts'
import { kafkaOptionsOf } from '../kafkaOptions.ts'
import { releaseRevision, releaseVersion } from '../program.ts'
import { StateLock } from '../stateLock.ts'
import { adminCallsOf } from './adminCalls.ts'
import { decideGroupOf } from './decideGroup.ts'
import { policyOf } from './policy.ts'
import { createRoles } from './roles.ts'
import type { RunningRole } from './roles.ts'
import { unfinishedOf } from './shutdownWatch.ts'
import { prepareIngestStart } from './startOffsets.ts'
import { checkStartTopics } from './startTopics.ts'
import { StartSteps, untilAborted } from './startSteps.ts'
import { surroundingsOf } from './surroundings.ts'

/** Of `shutdown.deadline`, for what comes after the tasks: a commit in doubt, the local stores, leaving the group. */
const AFTER_DRAIN_MS = 4_000
/** So long before the deadline whatever still waits for a broker is told that there will be no answer. */
const CUT_BEFORE_END_MS = 1_000

/** The roles of this process from the first look at the state directory to the last commit. */
export class OnfileProcess implements HealthSource {
  private readonly config: Config
  private readonly log: Logger
  private readonly logLevel: LogLevelSwitch
  private cluster: Cluster | null = null
  private readonly metrics: Metrics
  private readonly version = releaseVersion()
  private running: readonly RunningRole[] = []
  private startNotices: readonly string[] = []
  private stopping = false
  /** What is being done besides the roles, for whoever asks why it does not end. */
  private doing = 'taking the state directory'
  private readonly stillStopping = new Set<RunningRole>()
  private readonly stop: AbortSignal
  private readonly steps: StartSteps

  /** `stop`: the first signal came. */
  constructor(config: Config, log: Logger, logLevel: LogLevelSwitch, stop: AbortSignal) {
    this.config = config
    this.log = log
    this.logLevel = logLevel
    this.stop = stop
    this.steps = new StartSteps(stop, log)
    this.metrics = createMetrics({
      version: this.version,
      revision: releaseRevision(),
      roles: config.roles,
      ingestInputs: [config.topics.cardLifecycle, config.topics.knotEvents, config.topics.retry],
      ownInputs: [
        ...(config.roles.includes('decide') ? [config.topics.userEvents] : []),
        ...(config.roles.includes('provision') ? [config.topics.provisioningCommands] : []),
      ],
      failureReasons: [...policyOf(config).reasons.keys()].map(reason => reason.replace(/[ -]/g, '_')),
      status: () => this.roles(),
      surroundings: surroundingsOf(config),
    })
  }

  startup(): { ready: boolean; reasons: readonly string[] } {
    const { waitingFor } = this.steps
    return { ready: waitingFor.length === 0, reasons: waitingFor }
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

  /** A step of the start was left while it ran: it may hold the process for long. */
  get leftBehind(): boolean {
    return this.steps.leftBehind
  }

  /** What has not ended yet, in words. */
  unfinished(): string[] {
    return this.stillStopping.size === 0
      ? [this.doing]
      : [...this.stillStopping].flatMap(role => unfinishedOf(role.health()))
  }

  /** @param ending called when nothing is left to do but closing, whatever led to it */
  async run(ending: () => void): Promise<ExitCode> {
    const { config, log, steps, stop } = this
    const lock = await steps.orStopped(StateLock.acquire(config.state.dir))
    if (lock === null) return EXIT.done
    const server = await AdminServer.start({
      host: config.admin.host,
      port: config.admin.port,
      health: this,
      metrics: () => this.metrics.page(),
      calls: this.adminCalls(),
      onStuck: reasons => log.error({ reasons }, 'loops stand still: liveness fails, report it to the developers'),
    }).catch(async (error: unknown) => {
      await lock.release()
      throw error
    })
    log.info({ version: this.version, roles: config.roles, admin: server.url }, 'onfile starts')
    try {
      const registry = registryOf(config, (...call) => this.metrics.calls.called('registry', ...call))
      const cluster = await steps.waitFor('Kafka', () => Cluster.connect(kafkaOptionsOf(config)))
      this.cluster = cluster
      const codecs = await steps.waitFor('the schema registry', () =>
        connectRecords(registry, config.topics, { autoRegister: config.registry.autoRegister }),
      )
      const unseen = cluster && (await steps.waitFor('the topics', () => checkStartTopics(cluster, config)))
      const startAt = await this.startPoint(cluster)
      if (cluster === null || codecs === null || unseen === null || startAt === null) return EXIT.done
      if (unseen.length > 0)
        log.info({ topics: unseen }, 'without DESCRIBE_CONFIGS nobody looks whether they are compacted')
      this.startRoles(cluster, codecs, registry, startAt)
      steps.done()
      await untilAborted(stop)
      await this.stopRoles()
      log.info('onfile has stopped')
      return EXIT.done
    } catch (error) {
      log.fatal({ err: error, code: codeOf(error) ?? undefined }, 'onfile cannot run')
      return exitCodeOfError(error)
    } finally {
      ending()
      this.logLevel.close()
      await this.cluster?.close()
      this.doing = 'closing the admin server'
      await server.stop()
      this.doing = 'giving the state directory back'
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

  private async startPoint(cluster: Cluster | null): Promise<Topology['startAt'] | null> {
    if (!this.config.roles.includes('ingest')) return () => 'earliest'
    if (cluster === null) return null
    const start = await this.steps.waitFor("the issuer's topics", () => prepareIngestStart(cluster, this.config))
    if (start === null) return null
    this.startNotices = start.notices
    for (const notice of start.notices) this.log.warn(notice)
    return start.startAt
  }

  private async stopRoles(): Promise<void> {
    this.stopping = true
    // A static member comes back: its partitions wait for it. After scaling down they wait for the session timeout.
    const leave = this.config.kafka.groupInstanceId === null
    const { deadline } = this.config.shutdown
    const deadlineMs = Math.max(deadline / 2, deadline - AFTER_DRAIN_MS)
    const cut = setTimeout(
      () => void this.cluster?.close(),
      // Where no role has come to a partition there is nothing to say to a broker.
      this.roles().every(({ state }) => state === 'starting')
        ? 0
        : Math.max(deadline * 0.75, deadline - CUT_BEFORE_END_MS),
    )
    await Promise.all(
      this.running.map(async role => {
        this.stillStopping.add(role)
        await role.stop({ leave, deadlineMs })
        this.stillStopping.delete(role)
      }),
    )
    clearTimeout(cut)
  }
}
