import { describe, expect, it } from 'vitest'
import type { Resources } from '../../support/chain/workerProtocol.ts'
import { growthOf, leastByTenth } from '../../soak/leaks.ts'

const MIB = 1 << 20
const flat: Resources = { rssBytes: 1e8, heapUsedBytes: 2e7, bufferBytes: 1e6, handles: 9, timers: 5, listeners: 11 }

function grown(resource: keyof Resources, perSample: number): Resources[] {
  return Array.from({ length: 100 }, (_, i) => ({ ...flat, [resource]: flat[resource] + i * perSample }))
}

function leaksOf(samples: readonly Resources[]): string[] {
  return growthOf(samples, { bytes: 1e6, count: 1 }).flatMap(({ resource, isLeak }) => (isLeak ? [resource] : []))
}

describe('growth over a soak', () => {
  it.each(['rssBytes', 'heapUsedBytes', 'bufferBytes'] as const)('%s that grows is a leak', resource => {
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

  it('what has come to an end by the middle is none, and one tenth out of line decides nothing', () => {
    const settled = Array.from({ length: 100 }, (_, i) => ({
      ...flat,
      heapUsedBytes: 2e7 + Math.min(i, 50) * 1e6,
      bufferBytes: i >= 80 && i < 90 ? 5e7 : 1e6,
      timers: i >= 90 ? 50 : 5,
    }))
    expect(leaksOf(settled)).toEqual([])
  })

  it('one that is small beside the whole is seen: 18 KB of each of 1,339 rebalances in an hour, behind a swing of 40 MiB', () => {
    const hour = Array.from({ length: 3_600 }, (_, second) => ({
      ...flat,
      rssBytes: (230 + (second % 20) * 2) * MIB + second * ((18_000 * 1_339) / 3_600),
    }))
    expect(
      growthOf(hour, { bytes: MIB, count: 1 }).flatMap(({ isLeak, resource }) => (isLeak ? resource : [])),
    ).toEqual(['rssBytes'])
  })

  it('that an hour has shown is told from what has levelled off: buffers and resident memory, not the heap', () => {
    const tenths = {
      rssBytes: [104, 165, 220, 222, 225, 227, 230, 235, 236, 236],
      heapUsedBytes: [12.2, 12.5, 12.7, 12.9, 13.0, 13.1, 13.3, 13.4, 13.4, 13.4],
      bufferBytes: [9.1, 12.9, 12.4, 15.9, 13.2, 17.7, 18.1, 18.7, 20.5, 20.7],
    }
    const hour = Array.from({ length: 10 }, (_, at): Resources => {
      const memory = Object.entries(tenths).map(([name, mib]) => [name, mib[at]! * MIB])
      return { ...flat, ...(Object.fromEntries(memory) as Pick<Resources, keyof typeof tenths>) }
    })
    const growth = growthOf(hour, { bytes: MIB, count: 1 })
    expect(growth.flatMap(({ isLeak, resource }) => (isLeak ? resource : []))).toEqual(['rssBytes', 'bufferBytes'])
    expect(growth.map(({ rise }) => rise / MIB).slice(0, 3)).toEqual([
      expect.closeTo(13.1, 1),
      expect.closeTo(0.3, 1),
      expect.closeTo(4.0, 1),
    ])
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
