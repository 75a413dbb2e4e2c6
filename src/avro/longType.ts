import avsc from 'avsc'

/** The part of avsc's cursor that is used here. */
interface Tap {
  readonly buf: Buffer
  pos: number
  readLong(): number
}

interface AvscLong {
  _read(tap: Tap): number
  _write(tap: Tap, value: unknown): void
}

const avscLong = avsc.types.LongType.prototype as unknown as AvscLong

/** What four bytes hold, zigzag's sign bit left out: below it avsc works with integers too. */
const TWO_TO_27 = 2 ** 27
/** The greatest that avsc reads or writes: 2^53 - 2. */
const GREATEST = 9_007_199_254_740_990
/** `high` of the first numbers, 2^52 and beyond, that floating point no longer tells apart: left to avsc as they were. */
const FIRST_INEXACT = 2 ** 25

/**
 * avsc's long type for times, offsets and hashes: where a number needs five to eight bytes it works in integers of 28
 * bits, avsc divides floating-point numbers byte by byte. Same bytes, same values, same errors: all else goes avsc's way.
 * `_read` and `_write` are internal to avsc: `longType.test.ts` fails when a new one no longer calls them.
 *
 * What it saves: `node bench/avro.ts` measures times and offsets through avsc's type and this one in turn; whole records
 * with all own types, before and after, stand in bench/RESULTS.md, "Avro codecs".
 */
class LongType extends avsc.types.LongType {
  /** Also called with an avsc resolver as `this`. */
  _read(tap: Tap): number {
    const { buf, pos } = tap
    const first = buf[pos]!
    if (first < 0x80) {
      tap.pos = pos + 1
      return (first >>> 1) ^ -(first & 1)
    }
    const second = buf[pos + 1]!
    if (!(second >= 0x80)) return tap.readLong()
    const third = buf[pos + 2]!
    if (!(third >= 0x80)) return tap.readLong()
    const fourth = buf[pos + 3]!
    if (!(fourth >= 0x80)) return tap.readLong()
    const low = (first & 0x7f) | ((second & 0x7f) << 7) | ((third & 0x7f) << 14) | ((fourth & 0x7f) << 21)
    let high = 0
    for (let at = pos + 4, shift = 0; shift < 28; at++, shift += 7) {
      const byte = buf[at]!
      high |= (byte & 0x7f) << shift
      if (byte < 0x80) {
        if (high >= FIRST_INEXACT) break
        tap.pos = at + 1
        const half = high * TWO_TO_27 + (low >>> 1)
        return (low & 1) === 0 ? half : -half - 1
      }
    }
    return avscLong._read.call(this, tap)
  }

  _write(tap: Tap, value: unknown): void {
    if (typeof value !== 'number' || !(value >= TWO_TO_27 && value <= GREATEST)) {
      return avscLong._write.call(this, tap, value)
    }
    let high = Math.floor(value / TWO_TO_27)
    const low = value - high * TWO_TO_27
    if (low !== (low | 0)) return avscLong._write.call(this, tap, value)
    const { buf } = tap
    let at = tap.pos
    buf[at++] = (low << 1) | 0x80
    buf[at++] = (low >>> 6) | 0x80
    buf[at++] = (low >>> 13) | 0x80
    buf[at++] = (low >>> 20) | 0x80
    for (; high > 0x7f; high >>>= 7) buf[at++] = high | 0x80
    buf[at++] = high
    tap.pos = at
  }
}

/** One for all schemas: a long type has no attributes of its own. */
const long = new LongType()

/**
 * A `typeHook` for `Type.forSchema`: longs become `LongType`, also those with a logical type that nobody reads as such
 * (`timestamp-millis`); a registered logical type over a long stays avsc's.
 */
export function longs(schema: avsc.Schema, options: object): avsc.Type | undefined {
  if (schema === 'long') return long
  if (typeof schema !== 'object' || !('type' in schema) || schema.type !== 'long') return undefined
  return 'logicalType' in schema && isRegistered(schema.logicalType, options) ? undefined : long
}

function isRegistered(logicalType: unknown, options: { readonly logicalTypes?: object }): boolean {
  return options.logicalTypes !== undefined && String(logicalType) in options.logicalTypes
}
