import type { CommittedCycle } from './workerProtocol.ts'

/** How long one partition was silent in a window of time. */
export interface Silence {
  readonly partition: number
  /** Longest time between two commits with input records, milliseconds. */
  readonly longestMs: number
  /** More than one process committed it: it moved, or its process was replaced. */
  readonly isMoved: boolean
}

/**
 * The silence of each partition that ever committed, between two times of the wall clock. A gap belongs to the window in
 * which it ends, with all of its length; one that has not ended by `toMs` counts up to there. What a killed process did
 * not report counts as silence.
 *
 * @param processes one entry for each process that ever was, also where one took the place of another
 */
export function silencesOf(
  processes: readonly { readonly cycles: readonly CommittedCycle[] }[],
  fromMs: number,
  toMs: number,
): Silence[] {
  const commits = processes.flatMap(({ cycles }, owner) => {
    return cycles.map(({ partition, atMs }) => ({ partition, atMs, owner }))
  })
  const byPartition = Map.groupBy(
    commits.filter(({ atMs }) => atMs <= toMs),
    ({ partition }) => partition,
  )
  return [...byPartition].map(([partition, unsorted]) => {
    const sorted = unsorted.toSorted((a, b) => a.atMs - b.atMs)
    const inside = sorted.findIndex(({ atMs }) => atMs > fromMs)
    const seen = sorted.slice(inside < 0 ? -1 : Math.max(0, inside - 1))
    const times = [...seen.map(({ atMs }) => atMs), toMs]
    const longestMs = Math.max(...times.slice(1).map((atMs, index) => atMs - times[index]!))
    return { partition, longestMs, isMoved: new Set(seen.map(({ owner }) => owner)).size > 1 }
  })
}

/** The longest of them, 0 for none. */
export function longestOf(silences: readonly Silence[]): number {
  return Math.max(0, ...silences.map(({ longestMs }) => longestMs))
}
