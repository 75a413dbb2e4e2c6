import avsc from 'avsc'
import { AvroDecodeError } from './errors.ts'

/** The part of avsc's cursor that is used here. */
interface Tap {
  readInt(): number
}

/**
 * avsc reads an `int` of more than 32 bits as whatever number comes out, also as NaN, and then refuses to write it: a
 * task that passes such a value on would stop. Here it is an error when it is read. `_read` is internal to avsc:
 * `exactInts.test.ts` fails when a new one no longer calls it.
 */
class ExactIntType extends avsc.types.IntType {
  /** Also called with an avsc resolver as `this`. */
  _read(tap: Tap): number {
    const value = tap.readInt()
    if ((value | 0) !== value) throw new AvroDecodeError('an int of more than 32 bits')
    return value
  }
}

/** One for all schemas: an int type has no attributes of its own. */
const exactInt = new ExactIntType()

/** A `typeHook` for `Type.forSchema`: plain ints become exact ones, a logical type over an int stays avsc's. */
export function exactInts(schema: avsc.Schema): avsc.Type | undefined {
  if (schema === 'int') return exactInt
  if (typeof schema !== 'object' || !('type' in schema) || schema.type !== 'int') return undefined
  return 'logicalType' in schema ? undefined : exactInt
}
