import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { ALERTS } from '../../../monitoring/alerts/groups.ts'
import { FAILURE_REASONS } from '../../../src/domain/reasons.ts'
import { OUTCOME_REASONS } from '../../../src/telemetry/knownLabels.ts'
import { LABELS, PROCESS_METRICS } from '../../../src/telemetry/labels.ts'
import { LEFT_OUT } from '../../../src/telemetry/leftOut.ts'
import { createMetrics } from '../../../src/telemetry/metrics.ts'
import { metricDescriptions, metricsReference } from '../../../src/telemetry/reference.ts'

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')

describe('docs/metrics.md', () => {
  test('is what `npm run docs` writes', () => {
    expect(read('docs/metrics.md')).toBe(metricsReference())
  })

  test('has every metric of the page, and no other', async () => {
    const status = () => []
    const options = {
      version: '1',
      roles: ['ingest', 'decide', 'provision'],
      ingestInputs: ['a'],
      ownInputs: ['b'],
      failureReasons: [],
    }
    const metrics = createMetrics({ ...options, status, processMetrics: false })
    metrics.provision.pacing(() => ({
      inUse: 0,
      waiting: { push: 0, look: 0 },
      knotBreaker: 'closed',
      knotBreakerWaitMs: 0,
      places: 1,
      perSecond: null,
      merchants: [],
      openCommands: null,
    }))
    const { body } = await metrics.page()
    const onPage = [...body.matchAll(/^# TYPE (\S+)/gm)].map(match => match[1])
    expect(onPage.sort()).toEqual(
      metricDescriptions()
        .map(({ name }) => name)
        .sort(),
    )
  })

  test('says of every label what it may hold, and of no other', () => {
    const used = new Set(metricDescriptions().flatMap(({ labels }) => labels))
    expect(Object.keys(LABELS).sort()).toEqual([...used].sort())
  })

  test('names only metrics that there are where it says why others are left out', () => {
    const known = new Set(metricDescriptions().map(({ name }) => name))
    const named = LEFT_OUT.flatMap(([, why]) => [...why.matchAll(/onfile_[a-z_]+/g)].map(([name]) => name))
    expect(named.length).toBeGreaterThan(10)
    expect(named.filter(name => !known.has(name))).toEqual([])
    const alerts = LEFT_OUT.flatMap(([, why]) => [...why.matchAll(/Onfile[A-Za-z]+/g)].map(([name]) => name))
    expect(alerts.filter(name => !ALERTS.some(alert => alert.name === name))).toEqual([])
  })

  test('names only metrics of the process that there are', async () => {
    const options = { version: '1', roles: [], ingestInputs: [], ownInputs: [], failureReasons: [], status: () => [] }
    const { body } = await createMetrics(options).page()
    for (const name of Object.keys(PROCESS_METRICS)) expect(body).toContain(`# TYPE ${name} `)
  })
})

describe('reasons that have a series before they happen', () => {
  test('are those of the contract', () => {
    const contract = read('docs/contract.md')
    const knot = new Set([...FAILURE_REASONS.keys()].map(reason => reason.replace(/[ -]/g, '_')))
    for (const reasons of Object.values(OUTCOME_REASONS)) {
      for (const reason of reasons) {
        const documented = contract.includes(reason) || knot.has(reason) || reason.startsWith('accepted_before_')
        expect({ reason, documented }).toEqual({ reason, documented: true })
      }
    }
  })

  test('cover every status but the one that is never written', () => {
    const statuses = Object.keys(OUTCOME_REASONS)
    const schema = JSON.parse(read('schemas/card-outcome.avsc')) as { fields: { name: string; type: unknown }[] }
    const status = schema.fields.find(({ name }) => name === 'status')!.type as { symbols: string[] }
    expect(['UNKNOWN', ...statuses].sort()).toEqual([...status.symbols].sort())
  })
})
