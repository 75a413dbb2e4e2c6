import { RoleRunner } from '../../engine/role.ts'
import type { Topology } from '../../engine/processor.ts'
import { CardUpdater } from '../../knot/cardUpdater.ts'
import { measuredKnot, measuredVault } from '../../processors/provision/measuredPorts.ts'
import type { KnotPort, PushHold, VaultPort } from '../../processors/provision/ports.ts'
import type { Pause } from '../../processors/provision/rolePause.ts'
import type { Outage } from '../../server/health.ts'
import { knotOf, vaultOf } from '../connections.ts'
import { followControl } from './control.ts'
import type { Control } from './control.ts'
import { runningRole } from './runningRole.ts'
import type { RoleParts, RunningRole } from './runningRole.ts'

/** What one role pushes with. Each has its own: nothing that one does holds the other up. */
export interface PushClients {
  readonly knot: KnotPort
  readonly vault: VaultPort
  /** The global stop of pushes, and what Knot says of merchants. */
  readonly control: Control
  close(): Promise<void>
}

/** Clients of Knot and of the vault, each call of them measured, and a follower of the control topic. */
export function pushClients({ config, engine, metrics }: RoleParts): PushClients {
  const vault = vaultOf(config)
  const updater = new CardUpdater(knotOf(config), config.knot.cardData)
  const control = followControl(engine.cluster, config.topics.control)
  return {
    knot: measuredKnot(updater, metrics.calls.called),
    vault: measuredVault(vault, metrics.calls.called),
    control,
    close: async () => {
      await Promise.all([control.close(), updater.close(), vault.close()])
    },
  }
}

/** A role that pushes, as its topology tells of itself. */
interface PushingTopology<Tables extends object, Effect, Result> extends Topology<Tables, Effect, Result> {
  status(): { readonly paused: Pause | null; readonly hold: PushHold | null; readonly outages: readonly Outage[] }
  hint(merchantId: number, up: boolean): void
  stop(): void
}

/** @param more what the role follows besides the control topic */
export function pushingRole<Tables extends object, Effect, Result>(
  topology: PushingTopology<Tables, Effect, Result>,
  { engine }: RoleParts,
  clients: PushClients,
  more?: { start(): void; close(): Promise<void> },
): RunningRole {
  const { control } = clients
  control.killSwitch.onHint(({ merchantId, up }) => topology.hint(merchantId, up))
  return runningRole(new RoleRunner(topology, engine), {
    start: () => {
      control.start()
      more?.start()
    },
    paused: () => {
      const { hold, paused } = topology.status()
      if (paused !== null) return { reason: paused.reason, sinceMs: paused.sinceMs }
      return hold === null ? null : { reason: hold.detail, sinceMs: hold.sinceMs }
    },
    outages: () => topology.status().outages,
    close: async () => {
      topology.stop()
      await Promise.all([clients.close(), more?.close()])
    },
  })
}
