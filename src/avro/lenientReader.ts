import avsc from 'avsc'
import type { Type } from 'avsc'
import type { ValueReader } from './codecs.ts'
import type { RecordSchema, SchemaField } from './schemaFiles.ts'

/** Leaves that JSON could have held too. Containers and bytes in their place are not read: the field is then absent. */
const SCALARS = ['null', 'boolean', 'int', 'long', 'float', 'double', 'string', 'enum', 'logical']

/**
 * Reads an issuer's Avro by field names alone: the writer's records may have any name and namespace, its fields any
 * order, its text may be an enum. For each writer one reader type is made that has the fields of `expected`, each as
 * the writer declares it, or null where the writer has none; what is not expected is skipped without being built. So
 * every Avro record becomes an object of one shape, the one that JSON gives too, and validation judges both alike.
 * Undefined where the writer's schema is not a record.
 */
export function lenientReader(expected: RecordSchema, writer: Type): ValueReader<unknown> | undefined {
  if (!isRecord(writer)) return undefined
  const reader = readerType(expected, writer)
  const resolver = reader.createResolver(writer)
  return {
    decode: (buffer, start) => reader.decode(buffer, start, resolver),
  }
}

function readerType(expected: RecordSchema, writer: avsc.types.RecordType): Type {
  const fields = expected.fields.map(field => ({ name: field.name, ...readerField(field, writer) }))
  return avsc.Type.forSchema({ type: 'record', name: writer.name!, fields }, { omitRecordMethods: true })
}

function readerField(field: SchemaField, writer: avsc.types.RecordType): { type: avsc.Schema; default?: null } {
  const written = writer.fields.find(candidate => candidate.name === field.name)?.type
  const nested = nestedRecord(field)
  if (written !== undefined && nested !== undefined) {
    if (isRecord(written)) return { type: readerType(nested, written) }
    const record = isUnion(written) ? written.types.find(isRecord) : undefined
    if (isUnion(written) && record !== undefined && written.types.length === 2 && hasNull(written)) {
      return { type: written.types.map(branch => (branch === record ? readerType(nested, record) : branch)) as never }
    }
  } else if (written !== undefined && isScalar(written)) {
    return { type: written }
  }
  return { type: 'null', default: null }
}

function nestedRecord(field: SchemaField): RecordSchema | undefined {
  const branches = Array.isArray(field.type) ? (field.type as unknown[]) : [field.type]
  return branches.find((branch): branch is RecordSchema => {
    return typeof branch === 'object' && branch !== null && 'fields' in branch
  })
}

function isRecord(type: Type): type is avsc.types.RecordType {
  return avsc.Type.isType(type, 'record')
}

/** An unwrapped union; avsc wraps the values of ambiguous ones, which no issuer's scalar field needs. */
function isUnion(type: Type): type is avsc.types.UnwrappedUnionType {
  return avsc.Type.isType(type, 'union:unwrapped')
}

function hasNull(union: avsc.types.UnwrappedUnionType): boolean {
  return union.types.some(branch => avsc.Type.isType(branch, 'null'))
}

function isScalar(type: Type): boolean {
  return isUnion(type) ? type.types.every(isScalar) : avsc.Type.isType(type, ...SCALARS)
}
