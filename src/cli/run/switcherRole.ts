import { createSwitcherTopology } from '../../processors/switcher.ts'
import { eitherOf } from '../../processors/switcher/suppressionIndex.ts'
import { pushClients, pushingRole } from './pushingRole.ts'
import { pushLimitsOf } from './pushLimits.ts'
import { recentRecordsOf } from './recentRecords.ts'
import type { RoleParts, RunningRole } from './runningRole.ts'
import { followSuppressions } from './suppressions.ts'

/** SWITCHER with clients, limits and followers of its own: nothing that PROVISION does holds it up. */
export function switcherRole(parts: RoleParts): RunningRole {
  const { config, engine, codecs, registry, metrics, log } = parts
  const { ingest, knot, topics } = config
  const clients = pushClients(parts)
  const suppressions = followSuppressions(engine.cluster, topics.cardSuppressions)
  const topology = createSwitcherTopology({
    topics: { knotEvents: topics.knotEvents, userEvents: topics.userEvents },
    userEvents: codecs.userEvents,
    schemas: registry,
    idPattern: ingest.idPattern,
    knot: clients.knot,
    vault: clients.vault,
    suppressions: suppressions.index,
    pushSwitch: eitherOf(clients.control.killSwitch, suppressions.index),
    recentRecords: recentRecordsOf(engine.cluster),
    limits: pushLimitsOf(config),
    metrics: metrics.switcher,
    log: log.child({ role: 'switcher' }),
    probeIntervalMs: knot.probeInterval,
  })
  return pushingRole(topology, parts, clients, suppressions)
}
