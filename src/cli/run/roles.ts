import { RoleRunner } from '../../engine/role.ts'
import { createIngestTopology } from '../../processors/ingest.ts'
import { createProvisionTopology } from '../../processors/provision.ts'
import { deadLetterWriter } from '../../processors/unreadable.ts'
import { directoryOf } from '../connections.ts'
import { createDecideTopology } from '../../processors/decide.ts'
import { policyOf } from './policy.ts'
import { pushClients, pushingRole } from './pushingRole.ts'
import { pushLimitsOf } from './pushLimits.ts'
import { runningRole } from './runningRole.ts'
import type { RoleParts, RunningRole } from './runningRole.ts'
import { switcherRole } from './switcherRole.ts'
import { userStateIn } from './userState.ts'

export type { RunningRole } from './runningRole.ts'

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
      case 'switcher':
        return switcherRole(parts)
    }
  })
}

function ingestRole({ config, engine, codecs, registry, startAt, metrics, version }: RoleParts): RunningRole {
  const { ingest, topics } = config
  const { called } = metrics.calls
  const directory = ingest.userFrom.includes('directory')
    ? directoryOf(config, (...call) => called('directory', ...call))
    : null
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
    idPattern: config.ingest.idPattern,
  })
  const runner = new RoleRunner(topology, engine)
  return runningRole(runner, {
    lookUp: (partition, userId) =>
      runner.read({ topic: topics.userEvents, partition }, tables => userStateIn(tables, userId)),
  })
}

function provisionRole(parts: RoleParts): RunningRole {
  const { config, codecs, metrics, log, version } = parts
  const { knot, policy, provision, topics } = config
  const clients = pushClients(parts)
  const topology = createProvisionTopology({
    topics: {
      commands: topics.provisioningCommands,
      userEvents: topics.userEvents,
      changelog: topics.provisionChangelog,
      deadLetters: topics.dlq,
    },
    codecs: { command: codecs.provisioningCommands, userEvent: codecs.userEvents },
    knot: clients.knot,
    vault: clients.vault,
    metrics: metrics.provision,
    log: log.child({ role: 'provision' }),
    deadLetter: deadLetterWriter({
      role: 'provision',
      topic: topics.dlq,
      appVersion: version,
      metrics: metrics.ingest,
    }),
    limits: pushLimitsOf(config),
    pushSwitch: clients.control.killSwitch,
    openCommandLimit: provision.openCommands,
    probeIntervalMs: knot.probeInterval,
    pushTimeoutMs: knot.timeout,
    retryScale: policy.retryScale,
  })
  return pushingRole(topology, parts, clients)
}
