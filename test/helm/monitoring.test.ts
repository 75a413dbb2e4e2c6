import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { describe, expect, inject, test } from 'vitest'
import { findPrometheus, PrometheusUnavailableError } from '../../sandbox/prometheus/binaries.ts'
import { chartDirectory, ciFile, render } from './chart.ts'
import type { Manifest } from './chart.ts'
import { run } from './tools/run.ts'

const helm = inject('helm')

interface Rule {
  readonly alert?: string
  readonly expr: string
  readonly for?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}
interface Groups {
  readonly groups: readonly { readonly name: string; readonly rules: readonly Rule[] }[]
}

const source = parse(readFileSync(join(chartDirectory, 'files/rules.yaml'), 'utf8')) as Groups
const rulesOf = ({ groups }: Groups): Rule[] => groups.flatMap(({ rules }) => rules)

async function promtoolOrWhyNot(): Promise<{ readonly path: string } | { readonly whyNot: string }> {
  try {
    return { path: (await findPrometheus()).promtool }
  } catch (error) {
    if (!(error instanceof PrometheusUnavailableError)) throw error
    return { whyNot: error.message }
  }
}

async function manifestsOf(values: object): Promise<readonly Manifest[]> {
  const rendering = await render(helm, [ciFile('minimal')], values)
  if (rendering.refusal !== null) throw new Error(rendering.refusal)
  return rendering.manifests
}

async function rendered(settings: object): Promise<Rule[]> {
  const manifests = await manifestsOf({ prometheusRule: { enabled: true, ...settings } })
  return rulesOf(manifests.find(({ kind }) => kind === 'PrometheusRule')!.spec as unknown as Groups)
}

describe.runIf(helm !== '')('monitoring', () => {
  test('is not there unless asked for', async () => {
    const kinds = (await manifestsOf({})).map(({ kind }) => kind)
    expect(kinds).not.toContain('PrometheusRule')
    expect(kinds).not.toContain('PodMonitor')
  })

  test('has the rules as they are, templates of Prometheus among them', async () => {
    const rules = await rendered({})
    expect(rules.length).toBeGreaterThan(10)
    expect(rules).toEqual(rulesOf(source))
    expect(JSON.stringify(rules)).toContain('{{ $labels.role }}')
  })

  test('misses a role that this release installs, also one that never came', async () => {
    const absent = async (values: object): Promise<string> => {
      const manifests = await manifestsOf({ prometheusRule: { enabled: true }, ...values })
      const rules = rulesOf(manifests.find(({ kind }) => kind === 'PrometheusRule')!.spec as unknown as Groups)
      return rules.find(({ alert }) => alert === 'OnfileRoleAbsent')!.expr
    }
    const expected = (job: string, ...roles: string[]): string =>
      `(${roles.map(role => `label_replace(label_replace(vector(1), "job", "${job}", "", ""), "role", "${role}", "", "")`).join(' or ')}) unless `
    const asInTheRules = rulesOf(source).find(({ alert }) => alert === 'OnfileRoleAbsent')!.expr
    const podMonitor = { enabled: true }
    expect(await absent({ podMonitor })).toBe(
      expected('pay/r-onfile', 'ingest', 'decide', 'provision') + asInTheRules.split(' unless ')[1]!,
    )
    expect(await absent({ podMonitor, taskFlow: { enabled: true } })).toContain('"role", "switcher"')
    expect(await absent({ podMonitor, provisioner: { enabled: false } })).not.toContain('"role", "provision"')
    expect(await absent({ prometheusRule: { enabled: true, job: 'cards' } })).toContain(
      expected('cards', 'ingest', 'decide', 'provision'),
    )
    // Only the platform knows the job then.
    expect(await absent({})).toBe(asInTheRules)
    const relabelings = [{ targetLabel: 'job', replacement: 'cards' }]
    expect(await absent({ podMonitor: { enabled: true, relabelings } })).toBe(asInTheRules)
  })

  test('says so in words that Prometheus reads: it pages for the role that never came, and for no other', async context => {
    const promtool = await promtoolOrWhyNot()
    if (!('path' in promtool)) return context.skip(promtool.whyNot)
    const rules = await rendered({ job: 'cards' })
    const rule = rules.find(({ alert }) => alert === 'OnfileRoleAbsent')!
    const directory = mkdtempSync(join(tmpdir(), 'onfile-role-absent-'))
    try {
      writeFileSync(join(directory, 'rules.yaml'), stringify({ groups: [{ name: 'g', rules: [rule] }] }))
      const here = (role: string) => ({
        series: `onfile_role_state{job="cards",instance="a",role="${role}",state="stable"}`,
        values: '1x60',
      })
      const paged = {
        exp_labels: { severity: 'page', job: 'cards', role: 'provision' },
        exp_annotations: {
          ...rule.annotations,
          description: 'No process has been at work as provision for 10 minutes. What is for it waits.',
        },
      }
      const tried = (what: string, roles: readonly string[], expected: readonly object[]) => ({
        name: what,
        interval: '1m',
        input_series: roles.map(here),
        alert_rule_test: [{ eval_time: '20m', alertname: 'OnfileRoleAbsent', exp_alerts: expected }],
      })
      const tests = [
        tried('the provisioner never came', ['ingest', 'decide'], [paged]),
        tried('all are there', ['ingest', 'decide', 'provision'], []),
      ]
      const file = join(directory, 'tests.yaml')
      writeFileSync(file, stringify({ rule_files: ['rules.yaml'], evaluation_interval: '1m', tests }))
      const { exitCode, stdout, stderr } = await run(promtool.path, ['test', 'rules', file])
      expect(exitCode, stdout + stderr).toBe(0)
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  test('knows its alerts: one that there is not cannot be changed', async () => {
    const values = { prometheusRule: { enabled: true, alerts: { OnfileAbsend: { enabled: false } } } }
    const { refusal } = await render(helm, [ciFile('minimal')], values)
    expect(refusal).toContain("additional properties 'OnfileAbsend' not allowed")
  })

  test('lets one alert go, and changes another', async () => {
    const rules = await rendered({
      runbookBaseUrl: 'https://wiki.example/onfile/',
      alerts: {
        OnfileAbsent: { enabled: false },
        OnfileRoleFailed: { severity: 'ticket', for: '30m' },
      },
      additionalGroups: [{ name: 'ours', rules: [{ alert: 'Ours', expr: 'vector(1)' }] }],
    })
    expect(rules).toHaveLength(rulesOf(source).length)
    expect(rules.map(({ alert }) => alert)).not.toContain('OnfileAbsent')
    expect(rules.find(({ alert }) => alert === 'OnfileRoleFailed')).toMatchObject({
      for: '30m',
      labels: { severity: 'ticket' },
      annotations: { runbook_url: 'https://wiki.example/onfile/OnfileRoleFailed.md' },
    })
    expect(rules.at(-1)).toEqual({ alert: 'Ours', expr: 'vector(1)' })
  })

  test.each(['PodMonitor', 'ServiceMonitor'])('scrapes the workloads and nothing else by a %s', async kind => {
    const key = kind.charAt(0).toLowerCase() + kind.slice(1)
    const manifests = await manifestsOf({ [key]: { enabled: true, labels: { release: 'prometheus' } } })
    const monitor = manifests.find(manifest => manifest.kind === kind)!
    expect(monitor.metadata.labels).toMatchObject({ release: 'prometheus' })
    expect(monitor.spec).toMatchObject({
      namespaceSelector: { matchNames: ['pay'] },
      selector: { matchExpressions: [{ operator: 'In', values: ['processor', 'provisioner'] }] },
      [kind === 'PodMonitor' ? 'podMetricsEndpoints' : 'endpoints']: [{ port: 'admin', path: '/metrics' }],
    })
  })

  test.each(['PodMonitor', 'ServiceMonitor'])('has one job for all workloads by a %s', async kind => {
    const key = kind.charAt(0).toLowerCase() + kind.slice(1)
    const mine = { targetLabel: 'cluster', replacement: 'east' }
    const values = { ingest: { enabled: true }, [key]: { enabled: true, relabelings: [mine] } }
    const monitor = (await manifestsOf(values)).find(manifest => manifest.kind === kind)!
    expect(monitor.spec).toMatchObject({
      selector: { matchExpressions: [{ operator: 'In', values: ['ingest', 'processor', 'provisioner'] }] },
      [kind === 'PodMonitor' ? 'podMetricsEndpoints' : 'endpoints']: [
        { relabelings: [{ targetLabel: 'job', replacement: 'pay/r-onfile' }, mine] },
      ],
    })
  })
})
