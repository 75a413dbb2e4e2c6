import avsc from 'avsc'
import type { Type } from 'avsc'

/**
 * `timestamp-micros` of an issuer's schema, read as milliseconds. `timestamp-millis` needs no type of its own: avsc
 * gives its number as it is.
 */
export class InstantType extends avsc.types.LogicalType {
  static readonly byName = { 'timestamp-micros': InstantType, 'local-timestamp-micros': InstantType }

  protected override _fromValue(micros: number): number {
    return Math.floor(micros / 1_000)
  }

  protected override _toValue(millis: number): number {
    return millis * 1_000
  }

  protected override _resolve(writer: Type): ((value: number) => number) | undefined {
    return avsc.Type.isType(writer, 'logical') ? value => value : undefined
  }
}
