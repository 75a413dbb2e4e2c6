import avsc from 'avsc'
import type { Schema, Type } from 'avsc'

/**
 * avsc trusts the block counts of arrays and maps: a corrupt count of 2^40 makes it loop for hours, a negative block
 * size makes it loop for ever. These two types stop at the end of the buffer. They hook into avsc's `_read` and `_skip`,
 * which are internal: `boundedContainers.test.ts` fails when a new avsc no longer calls them.
 */

/** The part of avsc's cursor that is used here. A position behind the buffer is how avsc says "invalid". */
interface Tap {
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

class BoundedArrayType extends avsc.types.ArrayType {
  _read(tap: Tap): unknown[] {
    const items = this.itemsType as unknown as InnerType
    const values: unknown[] = []
    forEachItem(tap, () => values.push(items._read(tap)))
    return values
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

function forEachItem(tap: Tap, item: () => void): void {
  for (let count = tap.readLong(); count !== 0; count = tap.readLong()) {
    if (count < 0) {
      count = -count
      if (tap.readLong() < 0) return invalidate(tap)
    }
    if (count > tap.buf.length - tap.pos && count > MAX_SIZELESS_ITEMS) return invalidate(tap)
    while (count-- > 0) {
      const before = tap.pos
      item()
      if (tap.pos > tap.buf.length || tap.pos < before) return invalidate(tap)
      if (tap.pos === before && !mayHaveSizeless(tap)) return invalidate(tap)
    }
  }
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
