import { describe, expect, it } from 'vitest'
import { longestOf, silencesOf } from '../../support/chain/silence.ts'

/** A process with commits of partitions at times. */
function processOf(...commits: readonly (readonly [partition: number, atMs: number])[]) {
  return { cycles: commits.map(([partition, atMs]) => ({ partition, atMs, durationMs: 1 })) }
}

describe('the silence of partitions', () => {
  it('is the longest gap, with all of one that began before the window', () => {
    const stays = processOf([0, 100], [0, 800], [0, 900], [1, 750], [1, 980])
    expect(silencesOf([stays], 700, 1_000)).toEqual([
      { partition: 0, longestMs: 700, isMoved: false },
      { partition: 1, longestMs: 230, isMoved: false },
    ])
    expect(silencesOf([stays], 850, 900)).toContainEqual({ partition: 0, longestMs: 100, isMoved: false })
  })

  it('goes on to the end of the window where nothing came any more', () => {
    expect(silencesOf([processOf([0, 100], [0, 200])], 150, 1_000)).toEqual([
      { partition: 0, longestMs: 800, isMoved: false },
    ])
    expect(silencesOf([processOf([0, 100])], 500, 1_000)).toEqual([{ partition: 0, longestMs: 900, isMoved: false }])
  })

  it('knows a partition that moved from one that stayed, and forgets what moved before', () => {
    const processes = [processOf([0, 100], [1, 100]), processOf([0, 400], [0, 600])]
    expect(silencesOf(processes, 50, 500).map(({ isMoved }) => isMoved)).toEqual([true, false])
    expect(silencesOf(processes, 450, 700).map(({ isMoved }) => isMoved)).toEqual([false, false])
  })

  it('is longest where it is, and 0 of none', () => {
    expect(longestOf(silencesOf([processOf([0, 100], [1, 300])], 0, 400))).toBe(300)
    expect(longestOf([])).toBe(0)
  })
})
