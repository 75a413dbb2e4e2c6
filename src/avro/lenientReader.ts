import avsc from 'avsc'
import type { Type } from 'avsc'
import type { ValueReader } from './codecs.ts'
import type { RecordSchema, SchemaField } from './schemaFiles.ts'

/** Leaves that JSON could have held too. Containers and bytes in their place are left out. */
const SCALARS = ['null', 'boolean', 'int', 'long', 'float', 'double', 'string', 'enum', 'logical']

/**
 * Reads an issuer's Avro by field names alone: the writer's records may have any name and namespace, its fields any
 * order, its text may be an enum. For each writer one reader type is made that has the fields of `expected`, each as
 * the writer declares it, or null where the writer has none; what is not expected, or is no such thing, is skipped
 * without being built. So Avro becomes the objects that JSON gives too, and validation judges both alike.
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
  const fields = expected.fields.flatMap(field => readerField(field, writer))
  return avsc.Type.forSchema({ type: 'record', name: writer.name!, fields }, { omitRecordMethods: true })
}

interface ReaderField {
  readonly name: string
  readonly type: avsc.Schema
  readonly default?: null
}

/** One field, or none where the writer's is nothing that can stand there. */
function readerField(field: SchemaField, writer: avsc.types.RecordType): readonly ReaderField[] {
  const { name } = field
  const written = writer.fields.find(candidate => candidate.name === name)?.type
  if (written === undefined) return [{ name, type: 'null', default: null }]
  const nested = nestedRecord(field)
  if (nested === undefined) return isScalar(written) ? [{ name, type: written }] : []
  if (isRecord(written)) return [{ name, type: readerType(nested, written) }]
  const branches = isUnion(written) ? written.types : []
  const record = branches.find(isRecord)
  if (record === undefined || branches.length !== 2 || !branches.some(isNull)) return []
  const adapted = branches.map(branch => (branch === record ? readerType(nested, record) : branch))
  return [{ name, type: adapted as unknown as avsc.Schema }]
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

function isNull(type: Type): boolean {
  return avsc.Type.isType(type, 'null')
}

function isScalar(type: Type): boolean {
  return isUnion(type) ? type.types.every(isScalar) : avsc.Type.isType(type, ...SCALARS)
}
