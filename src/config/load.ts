import { ConfigError } from './errors.ts'
import { CONFIG_KEYS } from './keys.ts'
import type { ConfigKey } from './keys.ts'
import { withoutCredentials } from './redacted.ts'
import { crossProblems, missingKeys } from './rules.ts'
import type { Purpose } from './rules.ts'
import { configSchema } from './schema.ts'
import { resolveDefaults } from './config.ts'
import type { Config } from './config.ts'
import { environmentValues, fileValues, flagValues } from './sources.ts'
import type { RawValue, RawValues } from './sources.ts'
import { sameNameProblems } from './topicNames.ts'

/** Read where no other file is named; need not exist. */
export const DEFAULT_CONFIG_FILE = 'onfile.yaml'

export interface ConfigSources {
  /** `--config`; else `ONFILE_CONFIG`; else `onfile.yaml` if there is one. */
  readonly file?: string | undefined
  readonly environment: NodeJS.ProcessEnv
  /** Settings from the command line, by key path. */
  readonly flags?: ReadonlyMap<string, string>
}

/**
 * Reads the configuration: file, then environment, then flags, the later winning key by key.
 * @throws ConfigError with every problem of every source at once
 */
export function loadConfig(sources: ConfigSources, purpose: Purpose): Config {
  const problems: string[] = []
  const raw: RawValues = new Map([
    ...readFile(sources, problems),
    ...environmentValues(sources.environment, problems),
    ...flagValues(sources.flags ?? new Map(), problems),
  ])
  const values = new Map<string, unknown>()
  for (const key of CONFIG_KEYS) {
    const parsed = key.schema.safeParse(raw.get(key.path)?.value)
    if (parsed.success) values.set(key.path, parsed.data)
    else problems.push(...parsed.error.issues.map(issue => describe(key, issue.path, issue.message, raw)))
  }
  const settings = {
    isSet: (path: string) => raw.has(path) && !isEmptyList(raw.get(path)?.value),
    value: (path: string) => values.get(path),
  }
  problems.push(...crossProblems(settings), ...missingKeys(settings, purpose))
  if (problems.length > 0) throw new ConfigError(problems)
  const files = new Map([...raw].flatMap(([path, { file }]) => (file === undefined ? [] : [[path, file] as const])))
  const config = resolveDefaults(configSchema.parse(nested(raw)), files)
  const clashes = sameNameProblems(config.topics)
  if (clashes.length > 0) throw new ConfigError(clashes)
  return config
}

function readFile(sources: ConfigSources, problems: string[]): RawValues {
  const named = sources.file ?? (sources.environment.ONFILE_CONFIG || undefined)
  const values = fileValues(named ?? DEFAULT_CONFIG_FILE, problems)
  if (values === null && named !== undefined) {
    problems.push(`${named} does not exist; ${sources.file === undefined ? 'ONFILE_CONFIG' : '--config'} names it`)
  }
  return values ?? new Map<string, RawValue>()
}

function isEmptyList(value: unknown): boolean {
  return (Array.isArray(value) && value.length === 0) || (typeof value === 'string' && /^[\s,]*$/.test(value))
}

function describe(key: ConfigKey, inner: readonly PropertyKey[], message: string, raw: RawValues): string {
  const found = raw.get(key.path)
  const where = found === undefined ? '' : ` (${found.origin})`
  const what = key.description.secret === true || found === undefined ? '' : `, not ${brief(found.value)}`
  const path = [key.path, ...inner.map(String)].join('.')
  return `${path}${where} ${message}${what}`
}

function brief(value: unknown): string {
  const text = JSON.stringify(withoutCredentials(value))
  return text.length > 60 ? `${text.slice(0, 60)}...` : text
}

/** The raw values as the tree that the schema describes; every group is there. */
function nested(raw: RawValues): object {
  const root: Record<string, unknown> = {}
  for (const { path } of CONFIG_KEYS) {
    const parts = path.split('.')
    const name = parts.pop()!
    let group = root
    for (const part of parts) group = (group[part] ??= {}) as Record<string, unknown>
    const found = raw.get(path)
    if (found !== undefined) group[name] = found.value
  }
  return root
}
