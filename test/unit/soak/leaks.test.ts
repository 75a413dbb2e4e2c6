import { describe, expect, it } from 'vitest'
import type { Resources } from '../../support/chain/workerProtocol.ts'
import { growthOf, leastByTenth } from '../../soak/leaks.ts'

const flat: Resources = { rssBytes: 1e8, heapUsedBytes: 2e7, externalBytes: 1e6, handles: 9, timers: 5, listeners: 11 }

function grown(resource: keyof Resources, perSample: number): Resources[] {
  return Array.from({ length: 100 }, (_, i) => ({ ...flat, [resource]: flat[resource] + i * perSample }))
}

function leaksOf(samples: readonly Resources[]): string[] {
  return growthOf(samples, { bytes: 1e6, count: 2 }).flatMap(({ resource, isLeak }) => (isLeak ? [resource] : []))
}

describe('growth over a soak', () => {
  it.each(['rssBytes', 'heapUsedBytes', 'externalBytes'] as const)('%s that grows is a leak', resource => {
    expect(leaksOf(grown(resource, 1e5))).toEqual([resource])
  })

  it.each(['handles', 'timers', 'listeners'] as const)('%s that grow are a leak', resource => {
    expect(leaksOf(grown(resource, 1))).toEqual([resource])
  })

  it('what comes back again and again is none', () => {
    const saw = Array.from({ length: 100 }, (_, i) => ({
      ...flat,
      heapUsedBytes: 2e7 + (i % 10) * 1e6,
      handles: 9 + (i % 5),
    }))
    expect(leaksOf(saw)).toEqual([])
  })

  it('a step in the warm-up is none', () => {
    const step = Array.from({ length: 100 }, (_, i) => ({ ...flat, rssBytes: i < 20 ? 5e7 : 1e8 }))
    expect(leaksOf(step)).toEqual([])
  })

  it('too few samples never pass as flat', () => {
    expect(leaksOf([flat]).length).toBe(6)
  })
})

it('shows the least of each tenth of the time, for each resource', () => {
  const samples = Array.from({ length: 100 }, (_, i) => ({
    ...flat,
    rssBytes: 1_000 - i,
    timers: i % 10 === 3 ? 1 : 5,
    handles: i < 50 ? 9 : 7,
  }))
  const least = leastByTenth(samples)
  expect(least.rssBytes).toEqual([991, 981, 971, 961, 951, 941, 931, 921, 911, 901])
  expect(least.timers).toEqual(Array.from({ length: 10 }, () => 1))
  expect(least.handles).toEqual([9, 9, 9, 9, 9, 7, 7, 7, 7, 7])
  expect(Object.keys(least).toSorted()).toEqual(Object.keys(flat).toSorted())
})
