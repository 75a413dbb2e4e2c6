import { describe, expect, it } from 'vitest'
import { effectsRow } from '../../../../bench/race/effectsReport.ts'
import { commandLine, comparison, median, spread, withSection } from '../../../../bench/race/report.ts'
import type { Figure } from '../../../../bench/race/report.ts'

const of: Figure['of'] = run => run.value as number
const runs = (...values: number[]) => values.map(value => ({ value }))

describe('median', () => {
  it.each([
    [[3], 3],
    [[9, 1, 4], 4],
    [[4, 1, 3, 10], 3.5],
  ])('of %j is %d', (values, expected) => expect(median(values)).toBe(expected))

  it('of nothing is an error', () => expect(() => median([])).toThrow(RangeError))
})

describe('spread', () => {
  it('shows one value alone and several with their range', () => {
    expect(spread([1234567.4], 0)).toBe('1,234,567')
    expect(spread([12.345, 11, 13], 2)).toBe('12.35 (11.00 to 13.00)')
  })
})

describe('comparison', () => {
  it.each<{ name: string; figure: Partial<Figure>; onfile: number[]; streams: number[]; row: string }>([
    {
      name: 'a target of more, met',
      figure: { better: 'higher', target: 2.5 },
      onfile: [300],
      streams: [100],
      row: '| x | 300 | 100 | 3.00x | >= 2.5x: met |',
    },
    {
      name: 'a target of less, missed',
      figure: { better: 'lower', target: 3 },
      onfile: [10],
      streams: [20],
      row: '| x | 10 | 20 | 2.00x | >= 3x: missed |',
    },
    {
      name: 'a share, by medians',
      figure: { better: 'share', target: 0.7 },
      onfile: [60, 70, 90],
      streams: [100, 100, 200],
      row: '| x | 70 (60 to 90) | 100 (100 to 200) | 0.70x | <= 0.7x: met |',
    },
    {
      name: 'a ratio reached, but not the limit',
      figure: { better: 'lower', target: 8, limit: 1000 },
      onfile: [1100],
      streams: [11000],
      row: '| x | 1,100 | 11,000 | 10.00x | >= 8x, <= 1000: missed |',
    },
    {
      name: 'nothing asked',
      figure: { better: 'none', target: null },
      onfile: [1],
      streams: [0],
      row: '| x | 1 | 0 |  |  |',
    },
  ])('$name', ({ figure, onfile, streams, row }) => {
    const full: Figure = { label: 'x', of, digits: 0, better: 'none', target: null, ...figure }
    expect(comparison([full], { onfile: runs(...onfile), streams: runs(...streams) })).toEqual([row])
  })
})

describe('withSection', () => {
  it('adds a section once and replaces it after that, leaving the rest alone', () => {
    const first = withSection('# Results\n\nOther.\n', 'race', 'one\n')
    expect(first).toBe('# Results\n\nOther.\n\n<!-- race: begin -->\none\n<!-- race: end -->\n')
    const both = withSection(first, 'effects', 'e')
    expect(withSection(both, 'race', 'two')).toBe(both.replace('one', 'two'))
  })
})

describe('the command to repeat a run', () => {
  it('has the arguments that were given, and no others', () => {
    expect(commandLine('npm run race', ['--big', '--runs', '5'])).toBe('npm run race -- --big --runs 5')
    expect(commandLine('npm run race', [])).toBe('npm run race')
    expect(commandLine('node bench/race/effects.ts', ['--write'])).toBe('node bench/race/effects.ts --write')
  })
})

it('a row of the effects has medians and ranges of both sides', () => {
  const run = (seconds: number) => ({ seconds, cpuSeconds: seconds / 2, rssMb: seconds * 100 })
  const sides = { onfile: [1, 4, 2].map(run), sequential: [20].map(run) }
  expect(effectsRow(10, sides, 3.31)).toBe(
    '| 10 | 2.00 (1.00 to 4.00) | 20.00 | 10.0x | 3.31 | 1.00 (0.50 to 2.00) | 10.00 | 200 (100 to 400) | 2,000 |',
  )
})
