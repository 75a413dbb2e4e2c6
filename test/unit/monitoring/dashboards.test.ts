import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { RULE_GROUPS } from '../../../monitoring/alerts/groups.ts'
import { dashboardJson, place } from '../../../monitoring/grafana/dashboardJson.ts'
import type { PlacedPanel } from '../../../monitoring/grafana/dashboardJson.ts'
import { DASHBOARDS } from '../../../monitoring/grafana/dashboards.ts'
import { unknownNames } from './knownNames.ts'

const files = new URL('../../../monitoring/grafana/dashboards/', import.meta.url)
const RECORDED = RULE_GROUPS.flatMap(({ rules }) => rules).flatMap(rule => ('record' in rule ? [rule.record] : []))
/** Prometheus' own series of alerts. */
const OF_PROMETHEUS = ['ALERTS']

function panelsOf(dashboard: (typeof DASHBOARDS)[number]): PlacedPanel[] {
  return place(dashboard).filter((placed): placed is PlacedPanel => 'panel' in placed)
}

const PANELS = DASHBOARDS.flatMap(dashboard =>
  panelsOf(dashboard).map(({ panel }) => [`${dashboard.title}, ${panel.title}`, panel] as const),
)

describe('the files of the dashboards', () => {
  test('are what `npm run monitoring` writes', () => {
    expect(readdirSync(files).sort()).toEqual(DASHBOARDS.map(({ uid }) => `${uid}.json`).sort())
    for (const dashboard of DASHBOARDS) {
      expect(readFileSync(new URL(`${dashboard.uid}.json`, files), 'utf8')).toBe(dashboardJson(dashboard))
    }
  })

  test('can be provisioned: no id of their own, the data source is a variable everywhere', () => {
    for (const dashboard of DASHBOARDS) {
      const json = JSON.parse(dashboardJson(dashboard)) as { id: unknown; panels: { id: number }[] }
      expect(json.id).toBeNull()
      expect(new Set(json.panels.map(({ id }) => id)).size).toBe(json.panels.length)
      const uids = [...dashboardJson(dashboard).matchAll(/"type": "prometheus",\s+"uid": "([^"]*)"/g)].map(
        ([, uid]) => uid,
      )
      expect(new Set(uids)).toEqual(new Set(['${datasource}']))
    }
  })

  test('set their panels side by side: none overlaps another or leaves the page', () => {
    for (const dashboard of DASHBOARDS) {
      const taken = new Set<string>()
      for (const { panel, gridPos } of panelsOf(dashboard)) {
        expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24)
        for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
          for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
            expect({ panel: panel.title, cell: taken.has(`${x},${y}`) }).toEqual({ panel: panel.title, cell: false })
            taken.add(`${x},${y}`)
          }
        }
      }
    }
  })
})

describe('a panel', () => {
  test.each(PANELS)('%s: names only metrics and labels that there are, and says what it is for', (_name, panel) => {
    expect(panel.description.length).toBeGreaterThan(20)
    for (const { expr, legend } of panel.targets) {
      const names = unknownNames(expr.replaceAll(/\$__\w+/g, '5m'), [...RECORDED, ...OF_PROMETHEUS])
      // Labels of ALERTS are those of the alert.
      expect(names.filter(name => !expr.startsWith('ALERTS') || name !== 'alertname')).toEqual([])
      for (const [, label] of legend.matchAll(/\{\{(\w+)\}\}/g)) {
        const isThere = expr.startsWith('ALERTS') || new RegExp(`\\b${label!}\\b`).test(expr) || label === 'instance'
        expect({ legend, isThere }).toEqual({ legend, isThere: true })
      }
      expect(expr).toMatch(/job=~"\$job"|ALERTS/)
    }
  })
})
