import { readFileSync } from 'node:fs'
import avsc from 'avsc'
import type { Type } from 'avsc'
import { typeHook } from './typeHook.ts'

/** Names of the schemas of the topics that onfile writes: files in `schemas/`. */
export const RECORD_SCHEMAS = ['user-event', 'provisioning-command', 'card-outcome', 'card-suppression'] as const
export type RecordSchemaName = (typeof RECORD_SCHEMAS)[number]

/** Names of the schemas that issuers' Avro is read as: files in `schemas/in/`. */
export type InputSchemaName = 'in/card-lifecycle' | 'in/knot-event'

/** A field of a record schema as it stands in the file. */
export interface SchemaField {
  readonly name: string
  readonly doc?: string
  readonly type: unknown
  readonly default?: unknown
}

/** A record schema as it stands in the file. */
export interface RecordSchema {
  readonly type: 'record'
  readonly name: string
  readonly namespace?: string
  readonly doc?: string
  readonly fields: readonly SchemaField[]
}

const SCHEMA_ROOT = new URL('../../schemas/', import.meta.url)

export function readSchemaFile(name: RecordSchemaName | InputSchemaName): RecordSchema {
  return JSON.parse(readFileSync(new URL(`${name}.avsc`, SCHEMA_ROOT), 'utf8')) as RecordSchema
}

/**
 * The text under which a schema is registered and looked up: without blanks, always the same. Registries that do not
 * normalise would take other whitespace for another schema.
 */
export function registeredText(name: RecordSchemaName): string {
  return JSON.stringify(readSchemaFile(name))
}

/** An avsc type with plain records, unwrapped nullable fields, bounded arrays and times as numbers. */
export function avroType(schema: RecordSchema): Type {
  return avsc.Type.forSchema(schema as unknown as avsc.Schema, { omitRecordMethods: true, typeHook })
}
