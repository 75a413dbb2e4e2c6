/**
 * `npm run monitoring`: writes rules and dashboards from their sources. `-- --runbooks https://wiki.example/onfile/` puts
 * the address at which your people find the runbooks into the rules.
 */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { dashboardJson } from './grafana/dashboardJson.ts'
import { DASHBOARDS } from './grafana/dashboards.ts'
import { prometheusRule, rulesFile, RUNBOOKS } from './rulesFile.ts'

const { values } = parseArgs({ options: { runbooks: { type: 'string', default: RUNBOOKS } } })
const write = (path: string, text: string): void => writeFileSync(new URL(path, import.meta.url), text)

write('./prometheus/rules.yaml', rulesFile(values.runbooks))
write('./prometheus/prometheusrule.yaml', prometheusRule(values.runbooks))
for (const dashboard of DASHBOARDS) write(`./grafana/dashboards/${dashboard.uid}.json`, dashboardJson(dashboard))
