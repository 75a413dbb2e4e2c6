import type { Schema, Type } from 'avsc'
import { boundedContainers } from './boundedContainers.ts'
import { exactInts } from './exactInts.ts'
import { longs } from './longType.ts'
import { textArrays } from './textArrayType.ts'
import { textStrings } from './textType.ts'

/** The `typeHook` of every Avro type here: fast strings, longs and lists of strings, exact ints, containers that end with the buffer. */
export function typeHook(schema: Schema, options: object): Type | undefined {
  return (
    textStrings(schema) ??
    longs(schema, options) ??
    exactInts(schema) ??
    textArrays(schema, options) ??
    boundedContainers(schema, options)
  )
}
