import type { Instruments } from './instruments.ts'
import type { ShownTask } from './taskGauges.ts'

/** The states of a role; one of them is 1 and the others are 0. */
const ROLE_STATES = ['starting', 'joining', 'stable', 'stopped', 'failed'] as const

/** What is shown of a role: a part of what `/readyz` says of it. */
export interface ShownRole {
  readonly role: string
  readonly state: string
  /** Partition counts of its input topics. */
  readonly inputPartitions: Readonly<Record<string, number>>
  readonly outages: readonly { readonly system: string }[]
  readonly tasks: readonly ShownTask[]
}

/** What a role calls and does not keep an account of itself: the last call to it tells. */
const LOOKED_UP: Readonly<Record<string, readonly string[]>> = { ingest: ['directory', 'registry'] }

/**
 * Sets the gauges of the roles from one look at them.
 *
 * @param isFailing whether the last call to a system failed
 */
export function roleGauges(
  instruments: Instruments,
  isFailing: (system: string) => boolean,
): (roles: readonly ShownRole[]) => void {
  const state = instruments.gauge(
    'onfile_role_state',
    'State of the role: 1 for the state that it is in, 0 for the others.',
    ['role', 'state'],
  )
  const partitions = instruments.gauge(
    'onfile_input_partitions',
    'Partitions of an input topic, as the broker says: all instances together must have so many.',
    ['role', 'topic'],
  )
  const outage = instruments.gauge(
    'onfile_outage',
    '1 while a system that the role calls failed when it was last called. It goes on asking.',
    ['role', 'system'],
  )
  return roles => {
    for (const gauge of [state, partitions, outage]) gauge.reset()
    for (const { role, state: current, inputPartitions, outages } of roles) {
      for (const name of ROLE_STATES) state.set({ role, state: name }, current === name ? 1 : 0)
      for (const [topic, count] of Object.entries(inputPartitions)) partitions.set({ role, topic }, count)
      for (const system of LOOKED_UP[role] ?? ['registry']) outage.set({ role, system }, isFailing(system) ? 1 : 0)
      if (role !== 'provision' && role !== 'switcher') continue
      for (const system of ['knot', 'vault']) {
        outage.set({ role, system }, outages.some(open => open.system === system) ? 1 : 0)
      }
    }
  }
}
