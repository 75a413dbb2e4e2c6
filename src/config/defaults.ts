import { z } from 'zod'
import { configSchema } from './schema.ts'
import type { ParsedConfig } from './schema.ts'

/** The settings where nobody has set anything, for pages and files that show the defaults. */
export function defaultSettings(): ParsedConfig {
  return configSchema.parse(emptyGroups(configSchema.shape))
}

/** A file without any setting, as the schema wants it: every group is there. */
function emptyGroups(shape: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(
    Object.entries(shape).flatMap(([name, part]) =>
      part instanceof z.ZodObject ? [[name, emptyGroups(part.shape)] as const] : [],
    ),
  )
}
