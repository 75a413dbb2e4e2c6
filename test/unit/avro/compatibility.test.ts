import { describe, expect, it } from 'vitest'
import { checkFullTransitive } from '../../../src/avro/compatibility.ts'
import type { RecordSchema, SchemaField } from '../../../src/avro/schemaFiles.ts'

const status = (...symbols: string[]): object => ({ type: 'enum', name: 'Status', symbols, default: 'UNKNOWN' })
const BASE: readonly SchemaField[] = [
  { name: 'id', type: 'string' },
  { name: 'count', type: 'int' },
  { name: 'note', type: ['null', 'string'], default: null },
  { name: 'status', type: status('UNKNOWN', 'A') },
  {
    name: 'items',
    type: { type: 'array', items: { type: 'record', name: 'Item', fields: [{ name: 'x', type: 'string' }] } },
  },
]

const version = (fields: readonly SchemaField[]): RecordSchema => ({
  type: 'record',
  name: 'R',
  namespace: 'n',
  fields,
})
const changed = (name: string, field: Partial<SchemaField>): RecordSchema =>
  version(BASE.map(each => (each.name === name ? { ...each, ...field } : each)))
const without = (name: string): RecordSchema => version(BASE.filter(field => field.name !== name))
const added = (field: SchemaField): RecordSchema => version([...BASE, field])

const good: [string, RecordSchema[]][] = [
  ['one version', [version(BASE)]],
  ['the same again', [version(BASE), version(BASE)]],
  ['a field with a default added', [version(BASE), added({ name: 'more', type: ['null', 'string'], default: null })]],
  ['a field with a default removed', [version(BASE), without('note')]],
  ['an enum symbol added', [version(BASE), changed('status', { type: status('UNKNOWN', 'A', 'B') })]],
  ['a doc changed', [version(BASE), changed('id', { doc: 'better' })]],
]

const bad: [string, RecordSchema[], RegExp][] = [
  [
    'a field without a default added',
    [version(BASE), added({ name: 'more', type: 'string' })],
    /version 2 cannot read version 1/,
  ],
  ['a field without a default removed', [version(BASE), without('id')], /version 1 cannot read version 2/],
  ['a field renamed', [version(BASE), changed('id', { name: 'key' })], /cannot read/],
  ['a wider number', [version(BASE), changed('count', { type: 'long' })], /version 1 cannot read version 2/],
  [
    'a field made nullable',
    [version(BASE), changed('id', { type: ['null', 'string'], default: null })],
    /version 1 cannot read version 2/,
  ],
  ['a changed record name', [version(BASE), { ...version(BASE), name: 'Other' }], /no alias found/],
  [
    'a change in a nested record',
    [
      version(BASE),
      changed('items', {
        type: { type: 'array', items: { type: 'record', name: 'Item', fields: [{ name: 'y', type: 'string' }] } },
      }),
    ],
    /cannot read/,
  ],
  [
    'only the first and the last disagree',
    [
      version(BASE),
      without('note'),
      added({ name: 'note2', type: ['null', 'string'], default: null }),
      changed('note', { type: ['null', 'int'] }),
    ],
    /version 4 cannot read version 1/,
  ],
  [
    'an enum without a default',
    [changed('status', { type: { type: 'enum', name: 'Status', symbols: ['A'] } })],
    /no default among its symbols/,
  ],
  ['an enum whose default is no symbol', [changed('status', { type: status('A') })], /version 1/],
  [
    'a nullable field without a default',
    [version([{ name: 'note', type: ['null', 'string'] }])],
    /note is nullable without/,
  ],
  [
    'a changed default',
    [added({ name: 'n', type: 'int', default: 1 }), added({ name: 'n', type: 'int', default: 2 })],
    /R\.n changes its default/,
  ],
  ['a version that is no schema', [version([{ name: 'x', type: 'nonsense' }])], /not a valid schema/],
]

describe('FULL_TRANSITIVE', () => {
  it.each(good)('holds for %s', (_what, versions) => {
    expect(checkFullTransitive(versions)).toEqual([])
  })

  it.each(bad)('does not hold for %s', (_what, versions, problem) => {
    expect(checkFullTransitive(versions).join('\n')).toMatch(problem)
  })
})
