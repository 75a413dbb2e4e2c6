import { z } from 'zod'
import { acceptsFile, CONFIG_KEYS, fileKeyOf } from './keys.ts'
import type { ConfigKey } from './keys.ts'

/** A JSON schema, draft 7. */
export type JsonSchema = Readonly<Record<string, unknown>>

interface Group {
  readonly type: 'object'
  readonly additionalProperties: false
  readonly properties: Record<string, JsonSchema | Group>
}

const newGroup = (): Group => ({ type: 'object', additionalProperties: false, properties: {} })

/**
 * Schema of an onfile.yaml that may be read by many, such as a ConfigMap: every setting but the values of secrets, and
 * for those, as for certificates, the key that names a file. Made of the same table as docs/configuration.md. What only
 * the program can judge (a regular expression, rules between keys) it lets pass.
 */
export function configFileSchema(): JsonSchema {
  const root = newGroup()
  for (const key of CONFIG_KEYS) {
    if (key.description.secret !== true) place(root, key.path, leafSchema(key))
    if (acceptsFile(key)) place(root, fileKeyOf(key.path), fileSchema(key))
  }
  return root as unknown as JsonSchema
}

/** Paths of the settings that may stand in files of their own. */
export function fileSettings(): string[] {
  return CONFIG_KEYS.filter(acceptsFile).map(({ path }) => path)
}

function place(root: Group, path: string, schema: JsonSchema): void {
  const parts = path.split('.')
  const name = parts.pop()!
  let group = root
  for (const part of parts) group = (group.properties[part] ??= newGroup()) as Group
  group.properties[name] = schema
}

function leafSchema(key: ConfigKey): JsonSchema {
  const { description, form } = key.description
  const generated = z.toJSONSchema(key.schema, { io: 'input', target: 'draft-7', unrepresentable: 'any' })
  const value = portable(withDurations(withoutFrame(generated), form)) as JsonSchema
  return { description, ...alternatives(value, form) }
}

/** Without what is no part of the value: the dialect, and defaults that zod knows in another form than a file has. */
function withoutFrame(generated: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(generated).filter(([name]) => name !== '$schema' && name !== 'default'))
}

const DURATION = { pattern: '^[0-9]{1,12}(ms|s|m|h|d)$' }

function withDurations(schema: Record<string, unknown>, form: string): Record<string, unknown> {
  if (form === 'duration') return { ...schema, ...DURATION }
  if (form === 'list of durations') return { ...schema, items: { type: 'string', ...DURATION } }
  return schema
}

/** What zod's own schema does not say: a list may be one text, a rate a word, and a URL has a scheme. */
function alternatives(value: JsonSchema, form: string): JsonSchema {
  if (form.startsWith('list of')) return { anyOf: [value, { type: 'string' }] }
  if (form === 'URL') return { type: ['string', 'null'], pattern: '^https?://[^/]' }
  if (form === 'number or `unlimited`') return { anyOf: [value, { const: 'unlimited' }] }
  return value
}

/** Go's regular expressions, which Helm checks with, have no look-ahead. */
function portable(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(portable)
  if (typeof schema !== 'object' || schema === null) return schema
  return Object.fromEntries(
    Object.entries(schema).map(([name, value]) =>
      name === 'pattern' && typeof value === 'string'
        ? [name, value.replace(/\(\?!.*?\$\)/, '')]
        : [name, portable(value)],
    ),
  )
}

function fileSchema({ path }: ConfigKey): JsonSchema {
  return { description: `File that holds \`${path}\`.`, type: ['string', 'null'], minLength: 1 }
}
