import { RoleRunner } from '../../engine/role.ts'
import { CardUpdater } from '../../knot/cardUpdater.ts'
import { measuredKnot, measuredVault } from '../../processors/provision/measuredPorts.ts'
import { createSwitcherTopology } from '../../processors/switcher.ts'
import { eitherOf } from '../../processors/switcher/suppressionIndex.ts'
import { knotOf, vaultOf } from '../connections.ts'
import { followControl } from './control.ts'
import { pushLimitsOf } from './pushLimits.ts'
import { recentRecordsOf } from './recentRecords.ts'
import { runningRole } from './runningRole.ts'
import type { RoleParts, RunningRole } from './runningRole.ts'
import { followSuppressions } from './suppressions.ts'

/** SWITCHER with clients, limits and followers of its own: nothing that PROVISION does holds it up. */
export function switcherRole({ config, engine, codecs, registry, metrics, log }: RoleParts): RunningRole {
  const { ingest, knot, topics } = config
  const vault = vaultOf(config)
  const updater = new CardUpdater(knotOf(config), knot.cardData)
  const control = followControl(engine.cluster, topics.control)
  const suppressions = followSuppressions(engine.cluster, topics.cardSuppressions)
  const topology = createSwitcherTopology({
    topics: { knotEvents: topics.knotEvents, userEvents: topics.userEvents },
    userEvents: codecs.userEvents,
    schemas: registry,
    idPattern: ingest.idPattern,
    knot: measuredKnot(updater, metrics.provision.called),
    vault: measuredVault(vault, metrics.provision.called),
    suppressions: suppressions.index,
    pushSwitch: eitherOf(control.killSwitch, suppressions.index),
    recentRecords: recentRecordsOf(engine.cluster),
    limits: pushLimitsOf(config),
    metrics: metrics.switcher,
    log: log.child({ role: 'switcher' }),
    probeIntervalMs: knot.probeInterval,
  })
  control.killSwitch.onHint(({ merchantId, up }) => topology.hint(merchantId, up))
  return runningRole(new RoleRunner(topology, engine), {
    start: () => {
      control.start()
      suppressions.start()
    },
    paused: () => {
      const { hold, paused } = topology.status()
      if (paused !== null) return { reason: paused.reason, sinceMs: paused.sinceMs }
      return hold === null ? null : { reason: hold.detail, sinceMs: hold.sinceMs }
    },
    outages: () => topology.status().outages,
    close: async () => {
      topology.stop()
      await Promise.all([control.close(), suppressions.close(), updater.close(), vault.close()])
    },
  })
}
