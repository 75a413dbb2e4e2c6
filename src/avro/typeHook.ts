import type { Schema, Type } from 'avsc'
import { boundedContainers } from './boundedContainers.ts'
import { exactInts } from './exactInts.ts'
import { textStrings } from './textType.ts'

/** The `typeHook` of every Avro type in the product: fast strings, exact ints, arrays and maps that end with the buffer. */
export function typeHook(schema: Schema, options: object): Type | undefined {
  return textStrings(schema) ?? exactInts(schema) ?? boundedContainers(schema, options)
}
