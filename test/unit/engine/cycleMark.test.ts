import { describe, expect, it } from 'vitest'
import { cycleMarkOf, cycleMetadata } from '../../../src/engine/commit.ts'

describe('the mark of a cycle in the offset metadata', () => {
  it('is read as it was written', () => {
    for (const mark of [
      { number: 1, changelogEnd: 0 },
      { number: 42, changelogEnd: 1_007 },
      { number: 999_999_999_999_999, changelogEnd: 999_999_999_999_999 },
    ]) {
      expect(cycleMarkOf(cycleMetadata(mark))).toEqual(mark)
    }
  })

  it('is none where somebody else wrote the offset', () => {
    for (const metadata of [
      '',
      'cycle=7',
      'cycle=7 changelog=',
      'cycle=-1 changelog=2',
      'x cycle=1 changelog=1',
      'by hand',
    ]) {
      expect(cycleMarkOf(metadata)).toEqual({ number: 0, changelogEnd: 0 })
    }
  })
})
