import type { Resources } from '../support/chain/workerProtocol.ts'

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
  const names = ['rssBytes', 'heapUsedBytes', 'externalBytes', 'handles', 'timers', 'listeners'] as const
  return names.map(resource => {
    const least = (part: readonly Resources[]) => Math.min(...part.map(sample => sample[resource]))
    const allowed = resource.endsWith('Bytes') ? allowance.bytes : allowance.count
    const growth = { resource, early: least(early), late: least(late) }
    return { ...growth, isLeak: !(Number.isFinite(growth.early) && growth.late - growth.early <= allowed) }
  })
}

/** Least resident memory of each tenth of the time, in bytes: shows whether what grows comes to an end. */
export function residentByTenth(samples: readonly Resources[]): number[] {
  return Array.from({ length: 10 }, (_, i) => {
    const part = samples.slice(Math.floor((samples.length * i) / 10), Math.floor((samples.length * (i + 1)) / 10))
    return Math.min(...part.map(({ rssBytes }) => rssBytes))
  })
}
