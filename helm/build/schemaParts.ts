import type { JsonSchema } from '../../src/config/jsonSchema.ts'

/** Pieces of values.schema.json: what a value of the chart may be. */

export const text = (description: string): JsonSchema => ({ description, type: 'string' })
export const flag = (description: string): JsonSchema => ({ description, type: 'boolean' })
export const count = (description: string, minimum = 0): JsonSchema => ({ description, type: 'integer', minimum })
export const choice = (description: string, ...values: readonly string[]): JsonSchema => ({ description, enum: values })

/** A part of a manifest that Kubernetes itself checks. */
export const manifest = (description: string): JsonSchema => ({ description, type: 'object' })
export const manifests = (description: string): JsonSchema => ({
  description,
  type: 'array',
  items: { type: 'object' },
})

/** A table of texts: labels, annotations, node selectors. */
export const texts = (description: string): JsonSchema => ({
  description,
  type: 'object',
  additionalProperties: { type: 'string' },
})

export const ports = (description: string): JsonSchema => ({
  description,
  type: 'array',
  items: { type: 'integer', minimum: 1, maximum: 65_535 },
})

export const seconds = (description: string): JsonSchema => count(`${description} In seconds.`, 1)

export const quantity = (description: string): JsonSchema => ({
  description,
  type: 'string',
  pattern: '^[0-9.]+([EPTGMk]i?)?$',
})

/** A table that has these keys and no other. */
export function closed(description: string, properties: Readonly<Record<string, JsonSchema>>): JsonSchema {
  return { description, type: 'object', additionalProperties: false, properties }
}
