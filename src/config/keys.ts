import { z } from 'zod'
import { keyDescriptions } from './leaves.ts'
import type { KeyDescription } from './leaves.ts'
import { configSchema } from './schema.ts'

/** One setting. */
export interface ConfigKey {
  /** `kafka.sessionTimeout`. */
  readonly path: string
  /** `ONFILE_KAFKA_SESSION_TIMEOUT`. */
  readonly environmentName: string
  readonly schema: z.ZodType
  readonly description: KeyDescription
}

/** Dots to `_`, camelCase to snake, upper case. */
export function environmentNameOf(path: string): string {
  const snake = path.replace(/[A-Z]/g, letter => `_${letter}`).replaceAll('.', '_')
  return `ONFILE_${snake.toUpperCase()}`
}

/** The key that names a file which holds the value of `path`. */
export function fileKeyOf(path: string): string {
  return `${path}File`
}

function collect(group: z.ZodObject, prefix: string): ConfigKey[] {
  return Object.entries(group.shape as Record<string, z.ZodType>).flatMap(([name, schema]) => {
    const path = prefix + name
    if (schema instanceof z.ZodObject) return collect(schema, `${path}.`)
    const description = keyDescriptions.get(schema)
    if (description === undefined) throw new TypeError(`${path} has no description`)
    return [{ path, environmentName: environmentNameOf(path), schema, description }]
  })
}

/** Every key of the schema, in its order. */
export const CONFIG_KEYS: readonly ConfigKey[] = collect(configSchema, '')

/** True where the value may stand in a file of its own. */
export function acceptsFile(key: ConfigKey): boolean {
  return key.description.secret === true || key.description.file === true
}
