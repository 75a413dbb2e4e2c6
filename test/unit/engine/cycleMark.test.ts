import { describe, expect, it } from 'vitest'
import { cycleMarkOf, cycleMetadata, ownerOfLock } from '../../../src/engine/cycleMark.ts'

const NONE = { number: 0, changelogEnd: 0, owner: null, changelogStart: 0 }

describe('the mark of a cycle in the offset metadata', () => {
  it('is read as it was written', () => {
    for (const mark of [
      { number: 1, changelogEnd: 0, owner: ownerOfLock({ producerId: 0n, epoch: 0 }), changelogStart: 0 },
      { number: 42, changelogEnd: 1_007, owner: ownerOfLock({ producerId: 7_001n, epoch: 3 }), changelogStart: 6 },
      {
        number: 999_999_999_999_999,
        changelogEnd: 999_999_999_999_999,
        owner: ownerOfLock({ producerId: 9_223_372_036_854_775_807n, epoch: 32_767 }),
        changelogStart: 999_999_999_999_999,
      },
    ]) {
      expect(cycleMarkOf(cycleMetadata(mark))).toEqual(mark)
    }
  })

  it('is read where an earlier build wrote it, without its owner', () => {
    expect(cycleMarkOf('cycle=42 changelog=1007')).toEqual({
      number: 42,
      changelogEnd: 1_007,
      owner: null,
      changelogStart: 0,
    })
  })

  it('is read where a newer release says more in it', () => {
    const mark = { number: 42, changelogEnd: 1_007, owner: '7001:3', changelogStart: 0 }
    expect(cycleMarkOf('cycle=42 changelog=1007 owner=7001:3 more=x')).toEqual(mark)
  })

  it('is none where somebody else wrote the offset', () => {
    for (const metadata of [
      '',
      'cycle=7',
      'cycle=7 changelog=',
      'cycle=-1 changelog=2',
      'x cycle=1 changelog=1',
      'cycle=1 changelog=1 by hand',
      'by hand',
    ]) {
      expect(cycleMarkOf(metadata)).toEqual(NONE)
    }
  })
})
