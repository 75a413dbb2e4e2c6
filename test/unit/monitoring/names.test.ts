import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { ALERTS, RULE_GROUPS } from '../../../monitoring/alerts/groups.ts'
import { metricDescriptions } from '../../../src/telemetry/reference.ts'
import { unknownNames } from './knownNames.ts'

const RULES = RULE_GROUPS.flatMap(({ rules }) => rules)
const RECORDED = RULES.flatMap(rule => ('record' in rule ? [rule.record] : []))
const runbooks = new URL('../../../docs/runbooks/', import.meta.url)

describe('a rule', () => {
  test.each(RULES.map(rule => ['record' in rule ? rule.record : rule.name, rule.expr]))(
    '%s names only metrics and labels that there are',
    (_name, expr) => {
      expect(unknownNames(expr, RECORDED)).toEqual([])
    },
  )

  test('that names something else is found', () => {
    expect(unknownNames('onfile_no_such_total > 0', [])).toEqual(['onfile_no_such_total'])
    expect(unknownNames('sum by (merchant) (onfile_paused{why="x"})', [])).toEqual(['why', 'merchant'])
    expect(unknownNames('onfile_push_duration_seconds', [])).toEqual(['onfile_push_duration_seconds'])
  })

  test('keeps the job, so that one installation does not hide another', () => {
    for (const { name, expr } of ALERTS) {
      if (name === 'OnfileAbsent') continue
      for (const [aggregation] of expr.matchAll(/\b(?:sum|max|min|avg)\b(?: by \([^)]*\))?/g)) {
        expect({ name, aggregation }).toEqual({ name, aggregation: expect.stringMatching(/by \(job\b/) as string })
      }
    }
  })
})

describe('a runbook', () => {
  test.each(ALERTS.map(({ name }) => name))('of %s says what happened, how to check, what to do, and who', name => {
    const page = new URL(`${name}.md`, runbooks)
    expect(existsSync(page)).toBe(true)
    const text = readFileSync(page, 'utf8')
    expect([...text.matchAll(/^#+ .*$/gm)].map(([heading]) => heading)).toEqual([
      `# ${name}`,
      '## What happened',
      '## How to check',
      '## What to do',
      '## Who',
    ])
    for (const section of text.split(/^#+ .*$/m).slice(2)) expect(section.trim().length).toBeGreaterThan(14)
  })

  test('is there for nothing else', () => {
    const known = new Set([...ALERTS.map(({ name }) => `${name}.md`), 'README.md'])
    expect(readdirSync(runbooks).filter(file => !known.has(file))).toEqual([])
  })

  test('names only metrics that there are', () => {
    const families = new Set(metricDescriptions().map(({ name }) => name))
    for (const { name } of ALERTS) {
      const named = new Set([...textOf(name).matchAll(/\bonfile_[a-z0-9_]+/g)].map(([metric]) => metric))
      const unknown = [...named].filter(metric => !families.has(metric) && unknownNames(metric, RECORDED).length > 0)
      expect({ name, unknown }).toEqual({ name, unknown: [] })
    }
  })

  test('names only codes that onfile knows', () => {
    const src = new URL('../../../src/', import.meta.url)
    const source = readdirSync(src, { recursive: true, encoding: 'utf8' })
      .filter(path => path.endsWith('.ts'))
      .map(path => readFileSync(new URL(path, src), 'utf8'))
      .join('\n')
    for (const { name } of ALERTS) {
      const codes = [...textOf(name).matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)].map(([, code]) => code!)
      const unknown = codes.filter(code => !source.includes(`'${code}'`))
      expect({ name, unknown }).toEqual({ name, unknown: [] })
    }
  })
})

function textOf(alert: string): string {
  return readFileSync(new URL(`${alert}.md`, runbooks), 'utf8')
}
