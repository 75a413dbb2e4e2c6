import type { Resources } from '../support/chain/workerProtocol.ts'

const RESOURCES = ['rssBytes', 'heapUsedBytes', 'bufferBytes', 'handles', 'timers', 'listeners'] as const

/** How far each may rise over the last half of a soak, and count as flat. */
export interface Allowance {
  readonly bytes: number
  readonly count: number
}

export interface Growth {
  readonly resource: keyof Resources
  /** Over the last half of the time, by the slope of its five tenths; below 0 where it falls. */
  readonly rise: number
  readonly isLeak: boolean
}

/** Of a level this much is no rise: resident memory is counted in pages and arenas. */
const SHARE_OF_LEVEL = 0.01
const LAST_HALF = 5

/**
 * Judges the slope over the last half of the time: what has not come to an end by then is taken for a leak, however little
 * it has made of the whole, and the first half is warm-up. Each tenth stands for itself with its least, since what a garbage
 * collection or the end of a rebalance gives back is no growth; the slope is the median of those between any two of the
 * tenths, so that one of them that is out of line decides nothing.
 */
export function growthOf(samples: readonly Resources[], allowance: Allowance): Growth[] {
  const tenths = leastByTenth(samples)
  return RESOURCES.map(resource => {
    const half = tenths[resource].slice(-LAST_HALF)
    const rise = medianSlope(half) * LAST_HALF
    const inBytes = resource.endsWith('Bytes')
    const allowed = inBytes ? Math.max(allowance.bytes, SHARE_OF_LEVEL * half[0]!) : allowance.count
    return { resource, rise, isLeak: !(Number.isFinite(rise) && rise <= allowed) }
  })
}

function medianSlope(values: readonly number[]): number {
  const slopes = values
    .flatMap((from, at) => values.slice(at + 1).map((to, after) => (to - from) / (after + 1)))
    .toSorted((a, b) => a - b)
  const middle = slopes.length / 2
  return (slopes[Math.ceil(middle) - 1]! + slopes[Math.floor(middle)]!) / 2
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
    bufferBytes: leastOf('bufferBytes'),
    handles: leastOf('handles'),
    timers: leastOf('timers'),
    listeners: leastOf('listeners'),
  }
}
