import type { Type } from 'avsc'
import { avroType } from './schemaFiles.ts'
import type { RecordSchema, SchemaField } from './schemaFiles.ts'

/**
 * FULL_TRANSITIVE without a registry: every version must read what every other one wrote. Takes all versions, oldest
 * first, and returns what stands in the way, empty where nothing does. Checked beyond what a resolver finds: enums carry
 * a default that is one of their symbols, nullable fields default to null, and a default never changes its meaning.
 */
export function checkFullTransitive(versions: readonly RecordSchema[]): readonly string[] {
  const types: Type[] = []
  const problems: string[] = []
  versions.forEach((version, index) => {
    try {
      types.push(avroType(version))
      problems.push(...shapeProblems(version, `version ${index + 1}: ${version.name}`))
    } catch (error) {
      problems.push(`version ${index + 1} is not a valid schema: ${messageOf(error)}`)
    }
  })
  if (types.length < versions.length) return problems
  types.forEach((reader, readerIndex) => {
    types.forEach((writer, writerIndex) => {
      if (readerIndex === writerIndex) return
      try {
        reader.createResolver(writer)
      } catch (error) {
        problems.push(`version ${readerIndex + 1} cannot read version ${writerIndex + 1}: ${messageOf(error)}`)
      }
    })
  })
  versions.slice(1).forEach((version, index) => {
    problems.push(...changedDefaults(versions[index]!, version, `version ${index + 2}: ${version.name}`))
  })
  return problems
}

/** Each record field below `schema`, with its path, records in arrays and unions included. */
export function* eachField(schema: RecordSchema, path: string): Generator<[path: string, field: SchemaField]> {
  for (const field of schema.fields) {
    const fieldPath = `${path}.${field.name}`
    yield [fieldPath, field]
    for (const nested of namedTypes(field.type)) {
      if (isRecordSchema(nested)) yield* eachField(nested, fieldPath)
    }
  }
}

interface EnumSchema {
  readonly type: 'enum'
  readonly name: string
  readonly symbols: readonly string[]
  readonly default?: string
}

function shapeProblems(schema: RecordSchema, path: string): string[] {
  const problems: string[] = []
  for (const [fieldPath, field] of eachField(schema, path)) {
    if (Array.isArray(field.type) && field.type[0] === 'null' && field.default !== null) {
      problems.push(`${fieldPath} is nullable without "default": null`)
    }
    for (const nested of namedTypes(field.type)) {
      if (isEnumSchema(nested) && (nested.default === undefined || !nested.symbols.includes(nested.default))) {
        problems.push(`${fieldPath}: enum ${nested.name} has no default among its symbols`)
      }
    }
  }
  return problems
}

function changedDefaults(before: RecordSchema, after: RecordSchema, path: string): string[] {
  const defaults = new Map<string, string>()
  for (const [fieldPath, field] of eachField(before, path))
    defaults.set(fieldPath, JSON.stringify(field.default ?? null))
  const problems: string[] = []
  for (const [fieldPath, field] of eachField(after, path)) {
    const previous = defaults.get(fieldPath)
    if (previous !== undefined && previous !== JSON.stringify(field.default ?? null)) {
      problems.push(`${fieldPath} changes its default`)
    }
  }
  return problems
}

/** Record and enum definitions directly below a field's type: in unions and as items of arrays. */
function namedTypes(type: unknown): readonly unknown[] {
  if (Array.isArray(type)) return type.flatMap(namedTypes)
  if (typeof type !== 'object' || type === null) return []
  return 'items' in type ? namedTypes(type.items) : [type]
}

function isRecordSchema(type: unknown): type is RecordSchema {
  return typeof type === 'object' && type !== null && 'fields' in type
}

function isEnumSchema(type: unknown): type is EnumSchema {
  return typeof type === 'object' && type !== null && 'symbols' in type
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown error'
}
