import avsc from 'avsc'
import type { Type } from 'avsc'
import type { UserEvent, UserEventBody } from '../domain/records.ts'
import { BranchType, ConstantType } from './constantType.ts'
import type { ValueReader, ValueType } from './codecs.ts'
import { AvroDecodeError } from './errors.ts'
import { avroType, readSchemaFile } from './schemaFiles.ts'
import type { RecordSchema, SchemaField } from './schemaFiles.ts'
import { typeHook } from './typeHook.ts'

/** Record names of the branches of `UserEvent.body` and the `kind` that stands for each on the TypeScript side. */
const KINDS = { Lifecycle: 'lifecycle', Knot: 'knot', CommandResult: 'result', OperatorCommand: 'operator' } as const

type BranchName = keyof typeof KINDS
type Kind = UserEventBody['kind']
type BranchSchema = Omit<RecordSchema, 'name'> & { readonly name: BranchName }

const OPTIONS = {
  omitRecordMethods: true,
  typeHook,
  logicalTypes: { 'onfile-constant': ConstantType, 'onfile-branch': BranchType },
}

/**
 * `UserEvent` as TypeScript sees it. `kind` is not on the wire, where the union's index says the same: reading uses a
 * type in which `kind` is a field of no bytes, writing one type per kind in which the index is a constant. So neither
 * side wraps, clones or tests anything (ns per value: `bench/avro.ts`). A branch must define the records that it uses,
 * not refer to those of the branch before it.
 */
export function userEventType(): ValueType<UserEvent> {
  const { schema, bodyField, branches } = userEventSchema()
  const reader = typeOf({
    ...schema,
    fields: withBody(
      schema,
      branches.map(branch => ({
        ...branch,
        logicalType: 'onfile-branch',
        fields: [constantField('kind', 'null', KINDS[branch.name]), ...branch.fields],
      })),
    ),
  })
  const writers = {} as Record<Kind, Type>
  branches.forEach((branch, index) => {
    const fields = schema.fields.filter(field => field !== bodyField)
    writers[KINDS[branch.name]] = typeOf({
      ...schema,
      fields: [...fields, constantField('body_branch', 'int', index), { name: 'body', type: branch }],
    })
  })
  return {
    encode: (event, buffer, position) => writers[event.body.kind].encode(event, buffer, position),
    decode: (buffer, start) => reader.decode(buffer, start),
  }
}

/**
 * Reads what another version of the schema has written. Slower (each body is wrapped and unwrapped), and only used
 * while releases change or where an operator's tool registered its own version.
 */
export function resolvedUserEvents(writer: Type): ValueReader<UserEvent> {
  const type = avroType(readSchemaFile('user-event'))
  const resolver = type.createResolver(writer)
  return {
    decode(buffer, start) {
      const decoded: WireDecoded = type.decode(buffer, start, resolver)
      const { value, offset } = decoded
      if (value === undefined) throw new AvroDecodeError('cut short')
      return { value: { ...value, body: unwrapped(value.body) }, offset }
    },
  }
}

type WireUserEvent = Omit<UserEvent, 'body'> & { readonly body: Readonly<Record<string, object>> }

interface WireDecoded {
  readonly value: WireUserEvent | undefined
  readonly offset: number
}

function unwrapped(body: Readonly<Record<string, object>>): UserEventBody {
  const [name, fields] = Object.entries(body)[0]!
  return { kind: KINDS[name.slice(name.lastIndexOf('.') + 1) as BranchName], ...fields } as UserEventBody
}

function userEventSchema(): { schema: RecordSchema; bodyField: SchemaField; branches: readonly BranchSchema[] } {
  const schema = readSchemaFile('user-event')
  const bodyField = schema.fields.at(-1)!
  return { schema, bodyField, branches: bodyField.type as readonly BranchSchema[] }
}

function withBody(schema: RecordSchema, type: unknown): readonly SchemaField[] {
  return schema.fields.map(field => (field.name === 'body' ? { ...field, type } : field))
}

function constantField(name: string, type: 'null' | 'int', value: string | number): SchemaField {
  return { name, type: { type, logicalType: 'onfile-constant', value } }
}

function typeOf(schema: object): Type {
  return avsc.Type.forSchema(schema as avsc.Schema, { ...OPTIONS })
}
