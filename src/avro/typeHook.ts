import type { Schema, Type } from 'avsc'
import { boundedContainers } from './boundedContainers.ts'
import { exactInts } from './exactInts.ts'
import { longs } from './longType.ts'
import { textStrings } from './textType.ts'

/** The `typeHook` of every Avro type here: fast strings and longs, exact ints, containers that end with the buffer. */
export function typeHook(schema: Schema, options: object): Type | undefined {
  return textStrings(schema) ?? longs(schema, options) ?? exactInts(schema) ?? boundedContainers(schema, options)
}
