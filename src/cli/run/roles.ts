import type { Logger } from 'pino'
import type { RecordCodecs } from '../../avro/records.ts'
import type { SchemaRegistry } from '../../avro/registry.ts'
import type { Config } from '../../config/config.ts'
import type { EngineOptions } from '../../engine/options.ts'
import { RoleRunner } from '../../engine/role.ts'
import type { Pauses } from '../../engine/pauses.ts'
import type { Topology } from '../../engine/processor.ts'
import type { Read } from '../../engine/role.ts'
import type { RoleStatus } from '../../engine/status.ts'
import { CardUpdater } from '../../knot/cardUpdater.ts'
import { createIngestTopology } from '../../processors/ingest.ts'
import { createProvisionTopology } from '../../processors/provision.ts'
import { deadLetterWriter } from '../../processors/unreadable.ts'
import { measuredKnot, measuredVault } from '../../processors/provision/measuredPorts.ts'
import type { Outage, RoleHealth, Waiting } from '../../server/health.ts'
import type { Metrics } from '../../telemetry/metrics.ts'
import { directoryOf, knotOf, vaultOf } from '../connections.ts'
import { createDecideTopology } from '../../processors/decide.ts'
import type { KnownState } from '../user/story.ts'
import { followControl } from './control.ts'
import { policyOf } from './policy.ts'
import { pushLimitsOf } from './pushLimits.ts'
import { userStateIn } from './userState.ts'

/** A role that runs here: the engine's runner, and what must be closed after it. */
export interface RunningRole {
  readonly role: string
  /** What an operator has paused of it. */
  readonly pauses: Pauses
  /** What DECIDE holds of a user of that partition; null for the other roles. */
  readonly lookUp: ((partition: number, userId: string) => Read<KnownState>) | null
  start(): void
  health(): RoleHealth
  stop(options: { leave: boolean; deadlineMs: number }): Promise<void>
}

export interface RoleParts {
  readonly config: Config
  readonly engine: EngineOptions
  readonly codecs: RecordCodecs
  readonly registry: SchemaRegistry
  readonly startAt: Topology['startAt']
  readonly metrics: Metrics
  readonly log: Logger
  readonly version: string
}

/** The configured roles, put together from domain, adapters and engine. Nothing runs yet. */
export function createRoles(parts: RoleParts): RunningRole[] {
  return parts.config.roles.map(role => {
    switch (role) {
      case 'ingest':
        return ingestRole(parts)
      case 'decide':
        return decideRole(parts)
      case 'provision':
        return provisionRole(parts)
    }
  })
}

function ingestRole({ config, engine, codecs, registry, startAt, metrics, version }: RoleParts): RunningRole {
  const { ingest, topics } = config
  const directory = ingest.userFrom.includes('directory') ? directoryOf(config) : null
  const topology = createIngestTopology({
    topics: {
      cardLifecycle: topics.cardLifecycle,
      knotEvents: topics.knotEvents,
      retry: topics.retry,
      userEvents: topics.userEvents,
      deadLetters: topics.dlq,
      control: topics.control,
    },
    settings: {
      cardRef: ingest.cardRef,
      userFrom: ingest.userFrom,
      futureSkewMs: ingest.futureSkew,
      idPattern: ingest.idPattern,
      dedupeSecret: ingest.hashKey,
      appVersion: version,
    },
    userEvents: codecs.userEvents,
    schemas: registry,
    directory,
    metrics: metrics.ingest,
    startAt,
  })
  return runningRole(new RoleRunner(topology, engine), { close: () => directory?.close() ?? Promise.resolve() })
}

function decideRole({ config, engine, codecs, metrics, version }: RoleParts): RunningRole {
  const { topics } = config
  const topology = createDecideTopology({
    topics: {
      userEvents: topics.userEvents,
      commands: topics.provisioningCommands,
      outcomes: topics.cardOutcomes,
      suppressions: topics.cardSuppressions,
      changelog: topics.decideChangelog,
      deadLetters: topics.dlq,
    },
    codecs: {
      userEvent: codecs.userEvents,
      command: codecs.provisioningCommands,
      outcome: codecs.cardOutcomes,
      suppression: codecs.cardSuppressions,
    },
    policy: policyOf(config),
    metrics: metrics.decide,
    deadLetter: deadLetterWriter({ role: 'decide', topic: topics.dlq, appVersion: version, metrics: metrics.ingest }),
  })
  const runner = new RoleRunner(topology, engine)
  return runningRole(runner, {
    lookUp: (partition, userId) =>
      runner.read({ topic: topics.userEvents, partition }, tables => userStateIn(tables, userId)),
  })
}

function provisionRole({ config, engine, codecs, metrics, log, version }: RoleParts): RunningRole {
  const { knot, policy, provision, topics } = config
  const vault = vaultOf(config)
  const updater = new CardUpdater(knotOf(config), knot.cardData)
  const control = followControl(engine.cluster, topics.control)
  const topology = createProvisionTopology({
    topics: {
      commands: topics.provisioningCommands,
      userEvents: topics.userEvents,
      changelog: topics.provisionChangelog,
      deadLetters: topics.dlq,
    },
    codecs: { command: codecs.provisioningCommands, userEvent: codecs.userEvents },
    knot: measuredKnot(updater, metrics.provision.called),
    vault: measuredVault(vault, metrics.provision.called),
    metrics: metrics.provision,
    log: log.child({ role: 'provision' }),
    deadLetter: deadLetterWriter({
      role: 'provision',
      topic: topics.dlq,
      appVersion: version,
      metrics: metrics.ingest,
    }),
    limits: pushLimitsOf(config),
    pushSwitch: control.killSwitch,
    openCommandLimit: provision.openCommands,
    probeIntervalMs: knot.probeInterval,
    pushTimeoutMs: knot.timeout,
    retryScale: policy.retryScale,
  })
  control.killSwitch.onHint(({ merchantId, up }) => topology.hint(merchantId, up))
  return runningRole(new RoleRunner(topology, engine), {
    start: () => control.start(),
    paused: () => {
      const { hold, paused } = topology.status()
      if (paused !== null) return { reason: paused.reason, sinceMs: paused.sinceMs }
      return hold === null ? null : { reason: hold.detail, sinceMs: hold.sinceMs }
    },
    outages: () => topology.status().outages,
    close: async () => {
      topology.stop()
      await Promise.all([control.close(), updater.close(), vault.close()])
    },
  })
}

interface Runner {
  readonly pauses: Pauses
  start(): void
  status(): RoleStatus
  stop(options: { leave: boolean; deadlineMs: number }): Promise<void>
}

function runningRole(
  runner: Runner,
  extras: {
    lookUp?: NonNullable<RunningRole['lookUp']>
    start?: () => void
    paused?: () => Waiting | null
    outages?: () => readonly Outage[]
    close?: () => Promise<void>
  } = {},
): RunningRole {
  return {
    role: runner.status().role,
    pauses: runner.pauses,
    lookUp: extras.lookUp ?? null,
    start: () => {
      extras.start?.()
      runner.start()
    },
    health: () => ({
      ...runner.status(),
      paused: extras.paused?.() ?? null,
      outages: extras.outages?.() ?? [],
    }),
    stop: async options => {
      await runner.stop(options)
      await extras.close?.()
    },
  }
}
