import fc from 'fast-check'
import { expect, it } from 'vitest'
import { KeySet } from '../../../../src/processors/switcher/keySet.ts'

it('knows what was added and not deleted, like a Set, through growth and deletions', () => {
  const step = fc.record({ text: fc.nat(400).map(String), isAdded: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 600 }), steps => {
      const [keys, model] = [new KeySet(), new Set<string>()]
      for (const { text, isAdded } of steps) {
        if (isAdded) [keys, model].forEach(set => set.add(text))
        else [keys, model].forEach(set => set.delete(text))
      }
      expect(keys.size).toBe(model.size)
      for (let text = 0; text <= 400; text++) expect(keys.has(String(text))).toBe(model.has(String(text)))
    }),
    { numRuns: 20 },
  )
})

it('grows to tens of thousands and shrinks again', () => {
  const keys = new KeySet()
  const count = 20_000
  for (let i = 0; i < count; i++) keys.add(`user-${i}/*/*`)
  expect(keys.size).toBe(count)
  for (let i = 0; i < count; i += 2) keys.delete(`user-${i}/*/*`)
  expect(keys.size).toBe(count / 2)
  for (let i = 0; i < 1_000; i++) expect(keys.has(`user-${i}/*/*`)).toBe(i % 2 === 1)
  expect(keys.has(`user-${count}/*/*`)).toBe(false)
  keys.clear()
  expect([keys.size, keys.has('user-1/*/*')]).toEqual([0, false])
})
