import avsc from 'avsc'
import type { Schema, Type } from 'avsc'

/**
 * avsc trusts the block counts of arrays and maps: a corrupt count of 2^40 makes it loop for hours, a negative block
 * size makes it loop for ever. These two types stop at the end of the buffer. They hook into avsc's `_read` and `_skip`,
 * which are internal: `boundedContainers.test.ts` fails when a new avsc no longer calls them.
 */

/** The part of avsc's cursor that is used. A position behind the buffer is how avsc says "invalid". */
export interface Tap {
  readonly buf: Buffer
  pos: number
  readLong(): number
  readString(): string | undefined
  skipString(): void
}

interface InnerType {
  _read(tap: Tap): unknown
  _skip(tap: Tap): void
}

/** More items than bytes are possible only for items of no size (`null`); nobody sends more of them in one value. */
const MAX_SIZELESS_ITEMS = 65_536
/** Items of no size so far, in all containers of a value: blocks of a few bytes would multiply a bound per block. */
const sizelessItems = new WeakMap<Tap, number>()

/** Room made in advance at most: a count is only a claim. */
const MAX_ROOM_ITEMS = 1_024

/** avsc's array type, which ends with the buffer. */
export class BoundedArrayType extends avsc.types.ArrayType {
  /**
   * A loop of its own, without the closure and the two calls per item of `forEachItem`, into an array of the right size
   * (`node bench/avro.ts`, the states).
   */
  _read(tap: Tap): unknown[] {
    const items = this.itemsType as unknown as InnerType
    let values: unknown[] | undefined
    let length = 0
    for (let count = tap.readLong(); count !== 0; count = tap.readLong()) {
      count = blockItems(tap, count)
      values ??= arrayFor(count)
      while (count-- > 0) {
        const before = tap.pos
        values[length++] = items._read(tap)
        if (tap.pos > before && tap.pos <= tap.buf.length) continue
        if (mayGoOn(tap, before)) continue
        invalidate(tap)
        return values
      }
    }
    return values ?? []
  }

  _skip(tap: Tap): void {
    const items = this.itemsType as unknown as InnerType
    forEachItem(tap, () => items._skip(tap))
  }
}

class BoundedMapType extends avsc.types.MapType {
  _read(tap: Tap): Record<string, unknown> {
    const values = this.valuesType as InnerType
    const entries: Record<string, unknown> = Object.create(null) as Record<string, unknown>
    forEachItem(tap, () => {
      const key = tap.readString()
      const value = values._read(tap)
      if (key !== undefined) entries[key] = value
    })
    return entries
  }

  _skip(tap: Tap): void {
    const values = this.valuesType as InnerType
    forEachItem(tap, () => {
      tap.skipString()
      values._skip(tap)
    })
  }
}

/** A `typeHook` for `Type.forSchema`: arrays and maps become bounded ones, all else stays as it is. */
export function boundedContainers(schema: Schema, options: object): Type | undefined {
  if (typeof schema !== 'object' || !('type' in schema)) return undefined
  if (schema.type === 'array') return new BoundedArrayType(schema, options)
  if (schema.type === 'map') return new BoundedMapType(schema, options)
  return undefined
}

function arrayFor(count: number): unknown[] {
  return count > 0 && count <= MAX_ROOM_ITEMS ? new Array<unknown>(count) : []
}

function forEachItem(tap: Tap, item: () => void): void {
  for (let count = tap.readLong(); count !== 0; count = tap.readLong()) {
    count = blockItems(tap, count)
    while (count-- > 0) {
      const before = tap.pos
      item()
      if (!mayGoOn(tap, before)) return invalidate(tap)
    }
  }
}

/** Items of a block whose count was just read. None of one that cannot be, and the cursor is behind the buffer then. */
function blockItems(tap: Tap, count: number): number {
  if (count < 0) {
    count = -count
    if (tap.readLong() < 0) return noItems(tap)
  }
  return count > tap.buf.length - tap.pos && count > MAX_SIZELESS_ITEMS ? noItems(tap) : count
}

/**
 * After an item: false where it went beyond the buffer or back, or is one of too many without a size. A text whose length
 * is a varint of 150 bytes leaves the position at NaN, which is neither.
 */
function mayGoOn(tap: Tap, before: number): boolean {
  if (!(tap.pos >= before && tap.pos <= tap.buf.length)) return false
  return tap.pos > before || mayHaveSizeless(tap)
}

/** avsc makes a cursor of its own for every value that it reads, so the cursor stands for the value. */
function mayHaveSizeless(tap: Tap): boolean {
  const count = (sizelessItems.get(tap) ?? 0) + 1
  sizelessItems.set(tap, count)
  return count <= MAX_SIZELESS_ITEMS
}

function invalidate(tap: Tap): void {
  tap.pos = tap.buf.length + 1
}

/** A count that is read behind the buffer is 0: it ends the container. */
function noItems(tap: Tap): number {
  invalidate(tap)
  return 0
}
