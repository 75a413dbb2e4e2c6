import { describe, expect, it } from 'vitest'
import { ChangelogReach } from '../../../src/engine/changelogReach.ts'

/** A changelog as Kafka keeps it: behind the records of each transaction stands its marker, committed or aborted. */
class Log {
  end: number

  constructor(end: number) {
    this.end = end
  }

  /** An attempt, and how it ended; the offset behind its last record. */
  write(records: number): number {
    const next = this.end + records
    this.end = next + 1
    return next
  }
}

describe('how far the changelog reaches', () => {
  it('is where it ends once the cycle is committed, however many attempts were aborted before', () => {
    for (const aborted of [0, 1, 2, 7]) {
      const log = new Log(100)
      const reach = new ChangelogReach(100, 10)
      for (let i = 0; i < aborted; i++) expect(reach.endWith(log.write(10))).toBe(log.end)
      // This one's answer was lost: where it stands was never known.
      log.write(10)
      expect(reach.endWith(log.write(10))).toBe(log.end)
      expect(reach.hasLost).toBe(false)
    }
  })

  it('stays where it is with a cycle that changes nothing', () => {
    const reach = new ChangelogReach(100, 0)
    expect([reach.endWith(undefined), reach.endWith(undefined), reach.hasLost]).toEqual([100, 100, false])
  })

  it('is not what it must be where the log has lost records, however few', () => {
    for (const lost of [1, 5, 30, 100]) {
      const log = new Log(100 - lost)
      const reach = new ChangelogReach(100, 50)
      expect(reach.endWith(log.write(50))).toBe(log.end + lost)
      expect(reach.hasLost).toBe(true)
    }
  })

  it('does not forget a loss because the attempts that were aborted have grown over it', () => {
    const log = new Log(95)
    const reach = new ChangelogReach(100, 10)
    for (let attempt = 0; attempt < 5; attempt++) expect(reach.endWith(log.write(10))).toBe(log.end + 5)
    expect([log.end > 111, reach.hasLost]).toEqual([true, true])
  })

  it('knows of a loss between two attempts, though the log ends behind what it did before the cycle', () => {
    const log = new Log(100)
    const reach = new ChangelogReach(100, 10)
    reach.endWith(log.write(10))
    // Cut to 95; the attempt that follows is never answered, and the next one stands behind it.
    log.end = 95
    log.write(5)
    expect(reach.endWith(log.write(10))).toBeGreaterThan(log.end)
    expect(reach.hasLost).toBe(true)
  })
})
