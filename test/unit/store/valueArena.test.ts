import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ValueArena } from '../../../src/store/valueArena.ts'

function valueOf(slot: number, turn: number, sizeBytes: number): Buffer {
  return Buffer.alloc(sizeBytes, `${slot}.${turn};`)
}

function read(arena: ValueArena, slot: number): Buffer {
  return arena.bufferOf(slot).subarray(arena.startOf(slot), arena.endOf(slot))
}

const sizes = fc.oneof(
  { weight: 8, arbitrary: fc.nat(400) },
  { weight: 4, arbitrary: fc.integer({ min: 10_000, max: 70_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 250_000, max: 300_000 }) },
)
const commands = fc.array(
  fc.record({ slot: fc.nat(40), sizeBytes: fc.option(sizes, { nil: null, freq: 8 }), from: fc.nat(9) }),
  { maxLength: 400 },
)

describe('ValueArena', () => {
  it('gives back what was set last, whatever was moved, overwritten or removed since', () => {
    fc.assert(
      fc.property(commands, list => {
        const arena = new ValueArena()
        const model = new Map<number, Buffer>()
        for (const [turn, { slot, sizeBytes, from }] of list.entries()) {
          if (sizeBytes === null) {
            arena.remove(slot)
            model.delete(slot)
          } else {
            const source = Buffer.concat([Buffer.alloc(from, 'x'), valueOf(slot, turn, sizeBytes), Buffer.from('y')])
            arena.set(slot, source, from, from + sizeBytes)
            model.set(slot, valueOf(slot, turn, sizeBytes))
          }
        }
        for (let slot = 0; slot <= 41; slot++) {
          expect(arena.has(slot)).toBe(model.has(slot))
          if (model.has(slot)) expect(read(arena, slot).equals(model.get(slot)!)).toBe(true)
        }
      }),
      { numRuns: 60 },
    )
  })

  it('keeps what stands in front of a value, whatever comes behind it', () => {
    fc.assert(
      fc.property(commands, list => {
        const arena = new ValueArena()
        const model = new Map<number, Buffer>()
        for (const [turn, { slot, sizeBytes, from }] of list.entries()) {
          const front = Buffer.from(`slot ${slot}`)
          if (!model.has(slot)) arena.set(slot, front, 0, front.length, 30 * (slot % 3))
          if (sizeBytes === null) {
            arena.cut(slot, front.length)
            model.set(slot, front)
          } else {
            const source = Buffer.concat([Buffer.alloc(from, 'x'), valueOf(slot, turn, sizeBytes), Buffer.from('y')])
            arena.setBehind(slot, front.length, source, from, from + sizeBytes)
            model.set(slot, Buffer.concat([front, valueOf(slot, turn, sizeBytes)]))
          }
        }
        for (const [slot, bytes] of model) expect(read(arena, slot).equals(bytes)).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  it.each([0, 10])('takes little more than what is live, however often values grow behind %i bytes', kept => {
    const arena = new ValueArena()
    for (let round = 1; round <= 30; round++) {
      for (let slot = 0; slot < 2_000; slot++) {
        const value = Buffer.alloc(round * 40, round)
        if (kept === 0 || round === 1) arena.set(slot, value, 0, value.length)
        else arena.setBehind(slot, kept, value, kept, value.length)
        if (kept > 0) arena.bufferOf(slot).fill(30, arena.startOf(slot), arena.startOf(slot) + kept)
      }
    }
    const live = 2_000 * 30 * 40
    expect(arena.sizeBytes).toBeLessThan(live * 1.6)
    for (let slot = 0; slot < 2_000; slot++) expect(read(arena, slot).every(byte => byte === 30)).toBe(true)
  })

  it('gives the memory of removed values back', () => {
    const arena = new ValueArena()
    const value = Buffer.alloc(100_000)
    for (let slot = 0; slot < 100; slot++) arena.set(slot, value, 0, value.length)
    for (let slot = 0; slot < 100; slot++) arena.remove(slot)
    expect(arena.sizeBytes).toBeLessThan(600_000)
  })

  it('gives the room back of what was cut', () => {
    const arena = new ValueArena()
    for (let slot = 0; slot < 4_000; slot++) {
      arena.set(slot, valueOf(slot, 0, 1_000), 0, 1_000)
      arena.cut(slot, 20)
    }
    expect(arena.sizeBytes).toBeLessThan(1 << 20)
    for (let slot = 0; slot < 4_000; slot++) expect(read(arena, slot)).toEqual(valueOf(slot, 0, 20))
  })
})
