import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { ALERTS, RULE_GROUPS } from '../../../monitoring/alerts/groups.ts'
import { annotationsOf, prometheusRule, rulesFile } from '../../../monitoring/rulesFile.ts'
import { findPrometheus, PrometheusUnavailableError } from '../../../sandbox/prometheus/binaries.ts'
import type { AlertCase } from './alertCase.ts'
import { INPUT_CASES } from './inputCases.ts'
import { KNOT_CASES } from './knotCases.ts'
import { STATE_CASES } from './stateCases.ts'
import { SURROUNDINGS_CASES } from './surroundingsCases.ts'
import { TASK_CASES } from './taskCases.ts'

const CASES = [...TASK_CASES, ...STATE_CASES, ...INPUT_CASES, ...KNOT_CASES, ...SURROUNDINGS_CASES]
const run = promisify(execFile)
const dir = mkdtempSync(join(tmpdir(), 'onfile-rules-'))
let promtool: string | null = null
let whyNot = ''
beforeAll(async () => {
  writeFileSync(join(dir, 'rules.yaml'), rulesFile())
  const { groups } = parse(rulesFile()) as { groups: { name: string }[] }
  for (const group of groups) writeFileSync(join(dir, `${group.name}.yaml`), stringify({ groups: [group] }))
  try {
    promtool = (await findPrometheus()).promtool
  } catch (error) {
    if (!(error instanceof PrometheusUnavailableError)) throw error
    whyNot = error.message
    process.stderr.write(`Rules are not tried: ${whyNot}\n`)
  }
}, 180_000)
afterAll(() => rmSync(dir, { recursive: true, force: true }))

/** What promtool says of these tries of one alert, with the rules of its group; empty when all of them hold. */
async function tried(cases: readonly AlertCase[]): Promise<string> {
  const { alert } = cases[0]!
  const group = RULE_GROUPS.find(({ rules }) => rules.some(rule => 'name' in rule && rule.name === alert))!
  const bySample = Map.groupBy(cases, ({ sample }) => sample ?? '1m')
  const answers = [...bySample].map(async ([sample, some]) => {
    const file = join(dir, `case-${alert}-${sample}.yaml`)
    const tests = { rule_files: [`${group.name}.yaml`], evaluation_interval: sample, tests: some.map(testOf) }
    writeFileSync(file, stringify(tests))
    return run(promtool!, ['test', 'rules', file]).then(
      () => '',
      (error: unknown) => (error as { stderr: string }).stderr,
    )
  })
  return (await Promise.all(answers)).join('')
}

function testOf({ alert, what, series, sample, at, fires }: AlertCase): object {
  const rule = ALERTS.find(({ name }) => name === alert)!
  return {
    name: `${alert}: ${what}`,
    interval: sample ?? '1m',
    input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
    alert_rule_test: [
      {
        alertname: alert,
        eval_time: at,
        exp_alerts:
          fires === null
            ? []
            : [
                {
                  exp_labels: { severity: rule.severity, ...fires.labels },
                  exp_annotations: { ...annotationsOf(rule), description: fires.description },
                },
              ],
      },
    ],
  }
}

describe('the rules', () => {
  test('are what `npm run monitoring` writes', () => {
    const read = (name: string) =>
      readFileSync(new URL(`../../../monitoring/prometheus/${name}`, import.meta.url), 'utf8')
    expect(read('rules.yaml')).toBe(rulesFile())
    expect(read('prometheusrule.yaml')).toBe(prometheusRule())
  })

  test('are read by Prometheus', async context => {
    if (promtool === null) return context.skip(whyNot)
    const { stdout } = await run(promtool, ['check', 'rules', join(dir, 'rules.yaml')])
    expect(stdout).toContain('SUCCESS')
  })

  test('name their runbooks where they are told to be', () => {
    const at = 'https://wiki.example/onfile/'
    for (const { name } of ALERTS) expect(rulesFile(at)).toContain(`runbook_url: ${at}${name}.md`)
  })
})

describe('an alert', () => {
  test.for(ALERTS.map(({ name }) => name))('%s fires when it must, and only then', async (name, context) => {
    const cases = CASES.filter(({ alert }) => alert === name)
    expect(cases.some(({ fires }) => fires !== null)).toBe(true)
    expect(cases.some(({ fires }) => fires === null)).toBe(true)
    if (promtool === null) return context.skip(whyNot)
    expect(await tried(cases)).toBe('')
  })

  test('that does not do what its case says is found', async context => {
    if (promtool === null) return context.skip(whyNot)
    const [fires] = CASES.filter(({ alert }) => alert === 'OnfilePaused')
    expect(await tried([{ ...fires!, fires: null }])).toContain('FAILED')
    expect(await tried([{ ...fires!, fires: { ...fires!.fires!, description: 'other' } }])).toContain('FAILED')
  })
})
