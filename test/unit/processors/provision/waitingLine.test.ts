import { describe, expect, it } from 'vitest'
import { WaitingLine } from '../../../../src/processors/provision/waitingLine.ts'

class Guest {
  waits = true
  readonly name: number
  constructor(name: number) {
    this.name = name
  }
}

function line(count: number) {
  const waiting = new WaitingLine<Guest>()
  const guests = Array.from({ length: count }, (_, name) => new Guest(name))
  for (const guest of guests) waiting.add(guest)
  const leave = (guest: Guest) => {
    guest.waits = false
    waiting.left()
  }
  const serve = () => {
    const guest = waiting.take()
    if (guest !== undefined) leave(guest)
    return guest?.name
  }
  return { waiting, guests, leave, serve }
}

describe('a waiting line', () => {
  it('is served in its order while it is short', () => {
    const { waiting, serve } = line(5)
    expect([serve(), serve(), serve(), serve(), serve(), serve()]).toEqual([0, 1, 2, 3, 4, undefined])
    expect(waiting.size).toBe(0)
  })

  it('is served from both ends in turn while it is long', () => {
    const { serve } = line(36)
    expect([serve(), serve(), serve(), serve(), serve(), serve()]).toEqual([0, 35, 1, 34, 2, 3])
  })

  it('whoever comes behind ten thousand is served within two turns', () => {
    const { waiting, serve } = line(10_000)
    serve()
    waiting.add(new Guest(-1))
    expect([serve(), serve()]).toContain(-1)
  })

  it('passes over those that have left, wherever they stood, and keeps no more of them than of the others', () => {
    const { waiting, guests, leave, serve } = line(1_000)
    for (const guest of guests) if (guest.name % 3 !== 1) leave(guest)
    expect(waiting.size).toBe(333)
    const served = Array.from({ length: 333 }, serve)
    expect(served.every(name => name !== undefined && name % 3 === 1)).toBe(true)
    expect(new Set(served).size).toBe(333)
    expect(serve()).toBeUndefined()
  })
})
