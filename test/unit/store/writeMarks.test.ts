import { describe, expect, it } from 'vitest'
import { MissingWritesError, WriteMarks } from '../../../src/store/writeMarks.ts'

const MIB = 1 << 20

describe('WriteMarks', () => {
  it('numbers writes without a gap, over restarts too', () => {
    const first = new WriteMarks('d', [])
    const marks = [first.next(1).put, first.next(1).put]
    const second = new WriteMarks('d', marks)
    marks.push(second.next(1).put)
    expect(marks.toSorted()).toEqual(marks)
    expect(() => new WriteMarks('d', marks)).not.toThrow()
  })

  it('prunes what was found at the start, but never the last mark', () => {
    const before = new WriteMarks('d', [])
    const found = [before.next(1).put, before.next(1).put, before.next(1).put]
    expect(new WriteMarks('d', found).next(0).prune).toEqual(found.slice(0, 2))
  })

  it('prunes a mark of its own only after 64 MiB of later writes', () => {
    const marks = new WriteMarks('d', [])
    const { put } = marks.next(0)
    const pruned: number[] = []
    for (let write = 1; write <= 10; write++) if (marks.next(10 * MIB).prune.includes(put)) pruned.push(write)
    expect(pruned).toEqual([7])
  })

  it('refuses a gap', () => {
    const before = new WriteMarks('d', [])
    const [first, , third] = [before.next(1).put, before.next(1).put, before.next(1).put]
    expect(() => new WriteMarks('d', [first, third])).toThrow(MissingWritesError)
  })
})
