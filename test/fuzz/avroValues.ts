import type { Random } from './random.ts'

/** Named types of one schema, by their short names. */
type Names = Map<string, Schema>
type Schema = string | readonly Schema[] | SchemaObject

interface SchemaObject {
  readonly type: Schema
  readonly name?: string
  readonly fields?: readonly { readonly name: string; readonly type: Schema }[]
  readonly items?: Schema
  readonly values?: Schema
  readonly symbols?: readonly string[]
  readonly size?: number
}

const MOST_ITEMS = 3
const MOST_DEPTH = 5

/**
 * A valid value of an Avro schema, as avsc takes it, from random numbers that can be repeated (avsc's own `random` can
 * not). Unions must be of `null` and one other type.
 */
export function valueOf(schema: object, random: Random): unknown {
  const names: Names = new Map()
  collectNames(schema as Schema, names)
  return anyOf(schema as Schema, random, names, 0)
}

/** Before anything is made: a type may be used where the branch that defines it is null. */
function collectNames(schema: Schema, names: Names): void {
  if (typeof schema === 'string') return
  if (Array.isArray(schema)) return (schema as readonly Schema[]).forEach(branch => collectNames(branch, names))
  const { name, type, fields = [], items = 'null', values = 'null' } = schema as SchemaObject
  if (name !== undefined) names.set(name, schema)
  for (const part of [type, items, values, ...fields.map(field => field.type)]) collectNames(part, names)
}

function anyOf(schema: Schema, random: Random, names: Names, depth: number): unknown {
  if (typeof schema === 'string') return primitiveOf(schema, random, names, depth)
  if (Array.isArray(schema)) return branchOf(schema as readonly Schema[], random, names, depth)
  const object = schema as SchemaObject
  switch (object.type) {
    case 'record':
      return Object.fromEntries(object.fields!.map(({ name, type }) => [name, anyOf(type, random, names, depth + 1)]))
    case 'enum':
      return random.pick(object.symbols!)
    case 'array':
      return several(random, depth).map(() => anyOf(object.items!, random, names, depth + 1))
    case 'map':
      return Object.fromEntries(
        several(random, depth).map(key => [key, anyOf(object.values!, random, names, depth + 1)]),
      )
    case 'fixed':
      return random.bytes(object.size!)
    default:
      return anyOf(object.type, random, names, depth)
  }
}

function branchOf(branches: readonly Schema[], random: Random, names: Names, depth: number): unknown {
  const nullable = branches.includes('null')
  if (nullable && (depth > MOST_DEPTH || random.chance(4))) return null
  return anyOf(
    branches.find(branch => branch !== 'null')!,
    random,
    names,
    depth,
  )
}

function primitiveOf(type: string, random: Random, names: Names, depth: number): unknown {
  switch (type) {
    case 'null':
      return null
    case 'boolean':
      return random.chance(2)
    case 'int':
      return random.below(100_000)
    case 'long':
      return random.pick([0, 7, 1_743_132_938_947, 9_007_199_254_740])
    case 'float':
    case 'double':
      return random.below(1_000) / 8
    case 'string':
      return random.pick(['', 'a', 'user-1', '1d15778a-64fb-459b-8c19-e8b5da0a9af9', 'Zoë, 東京', 'x'.repeat(90)])
    case 'bytes':
      return random.bytes(random.below(9))
    default:
      return anyOf(names.get(type.slice(type.lastIndexOf('.') + 1))!, random, names, depth)
  }
}

function several(random: Random, depth: number): readonly string[] {
  return depth > MOST_DEPTH ? [] : Array.from({ length: random.below(MOST_ITEMS + 1) }, (_, index) => `k${index}`)
}
