import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { KeyTable, OWNER_CELL } from '../../../src/store/keyTable.ts'

afterEach(() => void vi.restoreAllMocks())

const WIDTH = OWNER_CELL + 1

function read(table: KeyTable, slot: number): string {
  const { arena } = table
  return arena.bufferOf(slot).toString('utf8', arena.startOf(slot), arena.endOf(slot))
}

/** The owner's part of adding: key and value stand together, the owner's cell says where the one ends. */
function put(table: KeyTable, key: string, value: string): number {
  const bytes = Buffer.from(key)
  const hash = table.hashOf(bytes, 0, bytes.length)
  let slot = table.find(bytes, 0, bytes.length, hash)
  if (slot < 0) {
    slot = table.add(hash)
    table.arena.set(slot, bytes, 0, bytes.length)
    table.arena.cells[slot * WIDTH + OWNER_CELL] = bytes.length
  }
  table.arena.setBehind(slot, bytes.length, Buffer.from(value), 0, Buffer.byteLength(value))
  return slot
}

function find(table: KeyTable, key: string): number {
  const bytes = Buffer.from(`<${key}>`)
  return table.find(bytes, 1, bytes.length - 1, table.hashOf(bytes, 1, bytes.length - 1))
}

/** Few names of few characters, so that one begins as another one does, and many, so that it grows. */
const name = fc.oneof(fc.stringMatching(/^[ab]{0,4}$/u), fc.nat(4_000).map(String), fc.string({ unit: 'grapheme' }))
const steps = fc.array(fc.tuple(name, fc.option(fc.string({ maxLength: 9 }), { freq: 3, nil: null })), {
  maxLength: 4_000,
  size: 'max',
})

describe('KeyTable', () => {
  it.each([
    ['', -1],
    ['of few hashes', 31],
    ['of one hash', 0],
  ])('finds what is in it and nothing else, after any adds and removes of keys %s', (_, bits) => {
    const plain = new KeyTable(1, OWNER_CELL)
    const mix = plain.mix.bind(plain)
    vi.spyOn(KeyTable.prototype, 'mix').mockImplementation(hash => mix(hash) & bits)
    fc.assert(
      fc.property(steps, list => {
        const table = new KeyTable(1, OWNER_CELL)
        const model = new Map<string, string>()
        for (const [key, value] of bits === -1 ? list : list.slice(0, 300)) {
          if (value !== null) {
            put(table, key, value)
            model.set(key, value)
            continue
          }
          const slot = find(table, key)
          if (slot >= 0 !== model.delete(key)) expect.unreachable(`${key} is in slot ${slot}`)
          if (slot >= 0) table.remove(slot)
        }
        expect(table.size).toBe(model.size)
        const keys = [...new Set(list.map(([key]) => key))]
        const found = keys.map(key => find(table, key)).map(slot => (slot < 0 ? null : read(table, slot)))
        expect(found).toEqual(keys.map(key => (model.has(key) ? key + model.get(key)! : null)))
      }),
      { numRuns: 15 },
    )
  })

  it('has another hash for a key in each table', () => {
    const key = Buffer.from('user/1')
    const hashes = Array.from({ length: 5 }, () => new KeyTable(1, OWNER_CELL).hashOf(key, 0, key.length))
    expect(new Set(hashes).size).toBeGreaterThan(1)
  })

  it('keeps no hash of what is removed: a list of ids tells nobody whether one of them was here', () => {
    const table = new KeyTable(1, OWNER_CELL)
    put(table, 'stays', '')
    const hash = table.hashOf(Buffer.from('forgotten'), 0, 9)
    const slot = put(table, 'forgotten', '')
    const hashes = () => [...table.arena.cells].filter(cell => cell === hash)
    expect(hashes()).toHaveLength(1)
    table.remove(slot)
    expect(hashes()).toHaveLength(0)
  })
})
