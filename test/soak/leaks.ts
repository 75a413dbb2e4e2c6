import type { Resources } from '../support/chain/workerProtocol.ts'

const RESOURCES = ['rssBytes', 'heapUsedBytes', 'externalBytes', 'handles', 'timers', 'listeners'] as const

/** How far each may grow from the first to the last part of a soak before it counts as a leak. */
export interface Allowance {
  readonly bytes: number
  readonly count: number
}

export interface Growth {
  readonly resource: keyof Resources
  /** Least of the part from a fifth to two fifths of the time, and of the last fifth. */
  readonly early: number
  readonly late: number
  readonly isLeak: boolean
}

/**
 * Compares the least of an early part with the least of the last: what a garbage collection, or the end of a rebalance,
 * gives back is no growth, and the first fifth is warm-up.
 */
export function growthOf(samples: readonly Resources[], allowance: Allowance): Growth[] {
  const at = (share: number) => Math.floor(samples.length * share)
  const early = samples.slice(at(0.2), at(0.4))
  const late = samples.slice(at(0.8))
  return RESOURCES.map(resource => {
    const least = (part: readonly Resources[]) => Math.min(...part.map(sample => sample[resource]))
    const allowed = resource.endsWith('Bytes') ? allowance.bytes : allowance.count
    const growth = { resource, early: least(early), late: least(late) }
    return { ...growth, isLeak: !(Number.isFinite(growth.early) && growth.late - growth.early <= allowed) }
  })
}

/** Least of each tenth of the time, by resource: shows whether what grows comes to an end. */
export function leastByTenth(samples: readonly Resources[]): Readonly<Record<keyof Resources, readonly number[]>> {
  const at = (tenth: number): number => Math.floor((samples.length * tenth) / 10)
  const tenths = Array.from({ length: 10 }, (_, tenth) => samples.slice(at(tenth), at(tenth + 1)))
  const leastOf = (resource: keyof Resources): number[] =>
    tenths.map(part => Math.min(...part.map(sample => sample[resource])))
  return {
    rssBytes: leastOf('rssBytes'),
    heapUsedBytes: leastOf('heapUsedBytes'),
    externalBytes: leastOf('externalBytes'),
    handles: leastOf('handles'),
    timers: leastOf('timers'),
    listeners: leastOf('listeners'),
  }
}
