import { readFileSync } from 'node:fs'
import { parseDocument } from 'yaml'
import { readValueFile } from './valueFile.ts'
import { acceptsFile, CONFIG_KEYS, environmentNameOf, fileKeyOf } from './keys.ts'
import { suggestion } from './suggestion.ts'

/** A value as it was written, and where. */
export interface RawValue {
  readonly value: unknown
  /** For messages: `ONFILE_KNOT_URL`, `onfile.yaml`, `--set`. */
  readonly origin: string
  /** The file that holds the value, where a key that ends in `File` named one. */
  readonly file?: string
}

/** Values by key path. `problems` grows: nothing here throws for what an operator wrote. */
export type RawValues = Map<string, RawValue>

/** Names that begin with `ONFILE_` and are no settings. */
const OTHER_ENVIRONMENT_NAMES = /^ONFILE_(CONFIG$|BED_)/
/** What Kubernetes adds for a Service called `onfile`, unless `enableServiceLinks: false`. */
const SERVICE_LINK = /^ONFILE_(.+_)?(SERVICE_(HOST|PORT)|PORT_\d+_(TCP|UDP)|PORT$)/

const pathByFileKey = new Map(CONFIG_KEYS.filter(acceptsFile).map(key => [fileKeyOf(key.path), key.path]))
const settablePaths = [...CONFIG_KEYS.map(key => key.path), ...pathByFileKey.keys()]
const pathByEnvironmentName = new Map(settablePaths.map(path => [environmentNameOf(path), path]))
const groups = new Set(CONFIG_KEYS.flatMap(({ path }) => prefixesOf(path)))
const secretPaths = new Set(CONFIG_KEYS.filter(key => key.description.secret === true).map(key => key.path))

function prefixesOf(path: string): string[] {
  const parts = path.split('.')
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('.'))
}

function unknown(name: string, origin: string, known: readonly string[]): string {
  const near = suggestion(name, known)
  return `${name} (${origin}) is not a setting${near === null ? '' : `: did you mean ${near}?`}`
}

/** Reads a YAML file, null if there is none. JSON is YAML too. */
export function fileValues(path: string, problems: string[]): RawValues | null {
  let content: string
  try {
    content = readFileSync(path, 'utf8')
  } catch (error) {
    if (isMissing(error)) return null
    problems.push(`${path} cannot be read: ${(error as Error).message}`)
    return new Map()
  }
  const document = parseDocument(content, { prettyErrors: false, stringKeys: true })
  if (document.errors.length > 0) {
    for (const { message, pos } of document.errors) {
      const line = content.slice(0, pos[0]).split('\n').length
      problems.push(`${path} line ${line} is not YAML: ${message}`)
    }
    return new Map()
  }
  const values: RawValues = new Map()
  let root: unknown
  try {
    root = document.toJS()
  } catch (error) {
    problems.push(`${path} cannot be read: ${(error as Error).message}`)
    return values
  }
  if (root === null || root === undefined) return values
  if (!isGroup(root)) {
    problems.push(`${path} must hold a table of settings, such as "kafka: { brokers: [...] }"`)
    return values
  }
  flatten(root, '', path, values, problems)
  return takeFiles(values, problems)
}

function flatten(group: object, prefix: string, origin: string, values: RawValues, problems: string[]): void {
  for (const [name, value] of Object.entries(group) as [string, unknown][]) {
    const path = prefix + name
    if (groups.has(path)) {
      if (isGroup(value)) flatten(value, `${path}.`, origin, values, problems)
      else if (value !== null) problems.push(`${path} (${origin}) must be a table of settings`)
    } else if (settablePaths.includes(path) && !name.includes('.')) {
      if (value !== null) values.set(path, { value, origin })
    } else if (settablePaths.includes(path)) {
      problems.push(`${path} (${origin}) must be written nested, one table per dot`)
    } else {
      problems.push(unknown(path, origin, settablePaths))
    }
  }
}

/** Reads `ONFILE_*`. An empty variable is one that is not set. */
export function environmentValues(environment: NodeJS.ProcessEnv, problems: string[]): RawValues {
  const values: RawValues = new Map()
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith('ONFILE_') || value === undefined) continue
    const path = pathByEnvironmentName.get(name)
    if (path !== undefined) {
      if (value !== '') values.set(path, { value, origin: name })
    } else if (!OTHER_ENVIRONMENT_NAMES.test(name)) {
      problems.push(unknownEnvironmentName(name))
    }
  }
  return takeFiles(values, problems)
}

function unknownEnvironmentName(name: string): string {
  if (SERVICE_LINK.test(name)) {
    return `${name} (environment) is not a setting but a service link of Kubernetes: set enableServiceLinks: false on the pod`
  }
  return unknown(name, 'environment', [...pathByEnvironmentName.keys(), 'ONFILE_CONFIG'])
}

/** Settings given on the command line, by key path. Secrets are refused: a command line is readable for everybody. */
export function flagValues(flags: ReadonlyMap<string, string>, problems: string[]): RawValues {
  const values: RawValues = new Map()
  for (const [path, value] of flags) {
    if (secretPaths.has(path)) {
      problems.push(`${path} (command line) is a secret: set ${environmentNameOf(fileKeyOf(path))} instead`)
    } else if (settablePaths.includes(path)) {
      values.set(path, { value, origin: 'command line' })
    } else {
      problems.push(unknown(path, 'command line', settablePaths))
    }
  }
  return takeFiles(values, problems)
}

/** Replaces each `...File` by the content of the file. The value and its file in one source contradict each other. */
function takeFiles(values: RawValues, problems: string[]): RawValues {
  for (const [fileKey, path] of pathByFileKey) {
    const named = values.get(fileKey)
    if (named === undefined) continue
    values.delete(fileKey)
    const inline = values.get(path)
    if (inline !== undefined) {
      const both =
        inline.origin === named.origin
          ? `${path} and ${fileKey} (${named.origin})`
          : `${inline.origin} and ${named.origin}`
      problems.push(`${both} are both set: keep one`)
    } else if (typeof named.value !== 'string') {
      problems.push(`${fileKey} (${named.origin}) must be the path of a file`)
    } else {
      try {
        values.set(path, { value: readValueFile(named.value), origin: named.origin, file: named.value })
      } catch (error) {
        problems.push(`${path} (${named.origin}) names a file that cannot be read: ${(error as Error).message}`)
      }
    }
  }
  return values
}

function isGroup(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
