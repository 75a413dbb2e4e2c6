import { expect, it } from 'vitest'
import { growthOf, leastByTenth } from '../../soak/leaks.ts'
import { membershipSection } from '../../soak/membershipCommand.ts'
import type { Resources } from '../../support/chain/workerProtocol.ts'

const MIB = 1 << 20
const flat: Resources = {
  ...{ rssBytes: 100 * MIB, heapUsedBytes: 12.2 * MIB, bufferBytes: 3 * MIB },
  ...{ handles: 9, timers: 5, listeners: 11 },
}

function sectionOf(samples: readonly Resources[]): string {
  const growth = growthOf(samples, { bytes: MIB, count: 1 })
  const counts = { rebalances: 7, commits: 70, records: 6_000, seconds: 60, load: 2.25 }
  return membershipSection({ growth, leastByTenth: leastByTenth(samples), ...counts }, 'today', 'npm run soak')
}

/** The cells of the row that begins with that name. */
function rowOf(section: string, name: string): string[] {
  const line = section.split('\n').find(one => one.startsWith(`| ${name}`))
  return (line ?? '').split('|').map(cell => cell.trim())
}

it('has a row of tenths for each resource, each judged, and says what rises', () => {
  const stays = Array.from({ length: 100 }, () => flat)
  const section = sectionOf(stays)
  expect(section.match(/\| flat \|$/gm)).toHaveLength(6)
  expect(section).not.toMatch(/\| RISES \|$/m)
  expect(rowOf(section, 'records |')).toEqual(['', 'records', '6000, 100 per second', ''])

  const rises = sectionOf(stays.map((sample, at) => ({ ...sample, rssBytes: (100 + at) * MIB, timers: 5 + at })))
  expect(rowOf(rises, 'resident memory')).toEqual([
    ...['', 'resident memory, MiB', '100', '110', '120', '130', '140', '150', '160', '170', '180', '190'],
    ...['50', 'RISES', ''],
  ])
  expect(rowOf(rises, 'timers').slice(-3)).toEqual(['50', 'RISES', ''])
  expect(rowOf(rises, 'heap in use').slice(1, 4)).toEqual(['heap in use, MiB', '12.2', '12.2'])
  expect(rowOf(rises, 'handles').slice(-3)).toEqual(['0', 'flat', ''])
})
