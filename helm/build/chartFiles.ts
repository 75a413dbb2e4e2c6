import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { TRAFFIC } from '../../src/config/accessRights.ts'
import { resolveDefaults } from '../../src/config/config.ts'
import { defaultSettings } from '../../src/config/defaults.ts'
import { CONFIG_KEYS } from '../../src/config/keys.ts'
import { expectedTopics } from '../../src/config/topicPlan.ts'
import { valuesSchema } from './valuesSchema.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const RULES = 'monitoring/prometheus/rules.yaml'
const DASHBOARDS = 'monitoring/grafana/dashboards'

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`

/**
 * Files of the chart that are made of something else, by path below helm/onfile: a chart can read nothing outside of itself.
 * `npm run docs` writes them, and a test fails when one is stale.
 */
export function chartFiles(): ReadonlyMap<string, string> {
  const files = new Map([
    ['values.schema.json', json(valuesSchema())],
    ['files/topics.json', json(topics())],
    ['files/traffic.json', json(TRAFFIC)],
    ['files/secrets.json', json(secretSettings())],
  ])
  if (existsSync(root + RULES)) files.set('files/rules.yaml', readFileSync(root + RULES, 'utf8'))
  const dashboards = existsSync(root + DASHBOARDS) ? readdirSync(root + DASHBOARDS) : []
  for (const name of dashboards.filter(name => name.endsWith('.json'))) {
    files.set(`files/dashboards/${name}`, readFileSync(`${root}${DASHBOARDS}/${name}`, 'utf8'))
  }
  return files
}

/** A topic for a chart that creates it, or gives rights on it. `ownName`: the default name goes behind `application.id`. */
interface ChartTopic {
  readonly key: string
  readonly name: string
  /** The issuer's topics are only named. */
  readonly owner: 'issuer' | 'onfile'
  readonly ownName: boolean
  /** Its own count, where it does not follow `topics.partitions`. */
  readonly partitions?: number
  /** Without min.insync.replicas, which follows the replication factor. */
  readonly settings: Readonly<Record<string, string>>
}

/** Paths of the settings that no manifest may have the value of. */
function secretSettings(): string[] {
  return CONFIG_KEYS.filter(({ description }) => description.secret === true).map(({ path }) => path)
}

function topics(): ChartTopic[] {
  const config = resolveDefaults(defaultSettings())
  const prefix = `${config.application.id}-`
  return expectedTopics(config).map(({ key, name, owner, partitions, settings }) => ({
    key,
    name: name.startsWith(prefix) ? name.slice(prefix.length) : name,
    owner,
    ownName: name.startsWith(prefix),
    ...(partitions === undefined ? {} : { partitions }),
    settings: Object.fromEntries(
      settings.filter(setting => setting.name !== 'min.insync.replicas').map(({ name, value }) => [name, value]),
    ),
  }))
}
