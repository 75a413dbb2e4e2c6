import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { KeyIndex } from '../../../src/store/keyIndex.ts'

describe('KeyIndex', () => {
  it('finds what is in it, and nothing else, after any adds and removes', () => {
    const key = fc.oneof(fc.nat(5_000).map(String), fc.string({ maxLength: 3 }), fc.string())
    const steps = fc.array(fc.tuple(key, fc.nat(2)), { maxLength: 3_000, size: 'max' })
    fc.assert(
      fc.property(steps, operations => {
        const index = new KeyIndex()
        const model = new Map<string, number>()
        for (const [number, [name, kind]] of operations.entries()) {
          const bytes = Buffer.from(name)
          if (kind > 0) {
            index.setPlace(index.add(bytes, 0, bytes.length), 1, number, 1)
            model.set(bytes.toString(), number)
          } else {
            const slot = index.find(bytes, 0, bytes.length)
            expect(slot >= 0).toBe(model.delete(bytes.toString()))
            if (slot >= 0) index.remove(slot)
          }
        }
        expect(index.size).toBe(model.size)
        for (const [name, number] of model) {
          const bytes = Buffer.from(`..${name}`)
          const slot = index.find(bytes, 2, bytes.length)
          expect([index.offsetOf(slot), index.keyOf(slot)]).toEqual([number, name])
        }
      }),
      { numRuns: 30 },
    )
  })

  it('gives a new key a size of 0, also where its slot was another one’s', () => {
    const index = new KeyIndex()
    const [a, b] = [Buffer.from('a'), Buffer.from('b')]
    const slot = index.add(a, 0, 1)
    index.setPlace(slot, 3, 4, 5)
    expect([index.segmentOf(slot), index.offsetOf(slot), index.sizeOf(slot)]).toEqual([3, 4, 5])
    index.remove(slot)
    expect(index.find(a, 0, 1)).toBe(-1)
    expect(index.sizeOf(index.add(b, 0, 1))).toBe(0)
  })

  it('lists the keys of a prefix in the order of the log', () => {
    const index = new KeyIndex()
    const places: [string, number, number][] = [
      ['t/late', 2, 5],
      ['t/early', 1, 90],
      ['u/other', 1, 1],
      ['t', 1, 2],
      ['t/middle', 2, 4],
    ]
    for (const [name, segment, offset] of places) {
      const bytes = Buffer.from(name)
      index.setPlace(index.add(bytes, 0, bytes.length), segment, offset, 9)
    }
    expect(index.slotsOf(Buffer.from('t/')).map(slot => index.keyOf(slot))).toEqual(['t/early', 't/middle', 't/late'])
  })
})
