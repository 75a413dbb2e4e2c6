import { readFileSync, readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { checkFullTransitive, eachField } from '../../../src/avro/compatibility.ts'
import { RECORD_SCHEMAS, avroType, readSchemaFile } from '../../../src/avro/schemaFiles.ts'
import type { RecordSchema } from '../../../src/avro/schemaFiles.ts'
import {
  sampleBodies,
  sampleCommand,
  sampleOutcome,
  sampleSuppression,
  userEventOf,
} from '../../support/sampleRecords.ts'

const ALL = [...RECORD_SCHEMAS, 'in/card-lifecycle', 'in/knot-event'] as const
const HISTORY = new URL('../../../schemas/history/', import.meta.url)

function historyOf(name: string): readonly RecordSchema[] {
  const folder = new URL(`${name}/`, HISTORY)
  const versions = readdirSync(folder).map(file => Number(/^(\d+)\.avsc$/.exec(file)?.[1]))
  return versions
    .sort((a, b) => a - b)
    .map(version => JSON.parse(readFileSync(new URL(`${version}.avsc`, folder), 'utf8')) as RecordSchema)
}

/** Every definition with a name below a schema: records and enums. */
function definitions(type: unknown): { name: string; type: string; doc?: string }[] {
  if (Array.isArray(type)) return type.flatMap(definitions)
  if (typeof type !== 'object' || type === null) return []
  const below = Object.values(type).flatMap(definitions)
  return 'name' in type && 'type' in type && (type.type === 'record' || type.type === 'enum')
    ? [type as { name: string; type: string }, ...below]
    : below
}

describe.each(ALL)('the schema %s', name => {
  const schema = readSchemaFile(name)

  it('is valid Avro', () => {
    expect(avroType(schema).name).toBe(`${schema.namespace!}.${schema.name}`)
  })

  it('documents every record, enum and field', () => {
    const undocumented = [
      ...definitions(schema).filter(({ doc }) => doc === undefined || doc.length < 10),
      ...[...eachField(schema, '')].filter(([, { doc }]) => doc === undefined || doc.length < 5).map(([path]) => path),
    ]
    expect(undocumented).toEqual([])
  })
})

describe.each(RECORD_SCHEMAS)('the history of %s', name => {
  const history = historyOf(name)

  it('ends with the schema in use: a change needs a new file', () => {
    expect(history.at(-1)).toEqual(readSchemaFile(name))
  })

  it('is FULL_TRANSITIVE', () => {
    expect(checkFullTransitive(history)).toEqual([])
  })

  it('counts from 1 without a gap', () => {
    expect(readdirSync(new URL(`${name}/`, HISTORY)).sort()).toEqual(
      history.map((_, index) => `${index + 1}.avsc`).sort(),
    )
  })
})

describe('the records of the code', () => {
  const records: [(typeof RECORD_SCHEMAS)[number], object][] = [
    ['provisioning-command', sampleCommand],
    ['card-outcome', sampleOutcome],
    ['card-suppression', sampleSuppression],
  ]
  it.each(records)('have exactly the fields of the schema: %s', (name, record) => {
    expect(Object.keys(record)).toEqual(readSchemaFile(name).fields.map(field => field.name))
    expect(avroType(readSchemaFile(name)).isValid(record, { noUndeclaredFields: true })).toBe(true)
  })

  it.each(sampleBodies.map(body => [body.kind, body] as const))(
    'have exactly the fields of the schema: %s',
    (_kind, body) => {
      const schema = readSchemaFile('user-event')
      expect(Object.keys(userEventOf(body))).toEqual(schema.fields.map(field => field.name))
      const branches = schema.fields.at(-1)!.type as RecordSchema[]
      const names = branches.map(branch => ['kind', ...branch.fields.map(field => field.name)].join())
      expect(names).toContain(Object.keys(body).join())
    },
  )
})
