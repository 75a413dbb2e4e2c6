import { describe, expect, it } from 'vitest'
import { fingerprint, MEMORY_LIMIT, MEMORY_MS, recall, remember } from '../../../src/domain/memory.ts'
import type { Lifecycle } from '../../../src/domain/records.ts'
import type { SeenRecord } from '../../../src/domain/userState.ts'

describe('memory', () => {
  it('recalls what it was given, and leaves the old memory as it was', () => {
    const before: readonly SeenRecord[] = [{ key: 'a', print: 1, at: 5 }]
    const after = remember(before, 'b', 2, 6)
    expect(before).toHaveLength(1)
    expect(recall(after, 'a')).toEqual({ key: 'a', print: 1, at: 5 })
    expect(recall(after, 'b')).toEqual({ key: 'b', print: 2, at: 6 })
    expect(recall(after, 'c')).toBeUndefined()
  })

  it('keeps the newest 256', () => {
    let memory: readonly SeenRecord[] = []
    for (let i = 0; i < 300; i++) memory = remember(memory, `k${i}`, 0, i)
    expect(memory).toHaveLength(MEMORY_LIMIT)
    expect(recall(memory, 'k43')).toBeUndefined()
    expect(recall(memory, 'k44')).toBeDefined()
  })

  it.each([
    [MEMORY_MS - 1, 3],
    [MEMORY_MS, 2],
    [MEMORY_MS + 1, 1],
  ])('after %i ms %i are left', (now, left) => {
    const memory = [
      { key: 'a', print: 0, at: 0 },
      { key: 'b', print: 0, at: 1 },
    ]
    expect(remember(memory, 'c', 0, now)).toHaveLength(left)
  })
})

describe('fingerprint', () => {
  const event: Lifecycle = {
    kind: 'lifecycle',
    own_stamp: true,
    event_uid: 'x',
    card_ref: 'card-1',
    type: 'updated',
    status: 'enrolled',
    updated_at: 1_700_000_000_000,
  }

  it.each<Partial<Lifecycle>>([
    { type: 'expired' },
    { status: null },
    { status: 'closed' },
    { updated_at: 1_700_000_000_001 },
    { card_ref: 'card-2' },
  ])('tells %j apart', change => {
    expect(fingerprint({ ...event, ...change })).not.toBe(fingerprint(event))
  })

  it("does not look at a time that is not the event's own: a copy of it comes at another one", () => {
    const without = { ...event, own_stamp: false }
    expect(fingerprint({ ...without, updated_at: 1_700_000_009_999 })).toBe(fingerprint(without))
  })

  it('does not look at the uid, and is the same tomorrow', () => {
    expect(fingerprint({ ...event, event_uid: null })).toBe(fingerprint(event))
    expect(fingerprint(event)).toBe(3_201_709_793_073_425)
    expect(fingerprint(event)).toBeLessThan(2 ** 52)
  })
})
