import { Writer } from '../../src/kafka/wire.ts'

/** How a number stands in the bytes. */
export type FieldKind = 'int8' | 'int16' | 'int32' | 'int64' | 'varint'

/** A number in a sample: lengths and counts are among them, so mutations aim at these places. */
export interface Field {
  readonly at: number
  readonly kind: FieldKind
}

/** Valid input of a decoder. */
export interface Sample {
  readonly bytes: Buffer
  /** What is known of its numbers; the rest is hit by chance. */
  readonly fields: readonly Field[]
}

export function plainSample(bytes: Buffer): Sample {
  return { bytes, fields: [] }
}

/** Writes as `Writer` does and remembers where each number went. Strings and arrays count by their lengths. */
export class FieldWriter extends Writer {
  readonly fields: Field[] = []

  override int8(value: number): this {
    return this.noted('int8', () => super.int8(value))
  }

  override int16(value: number): this {
    return this.noted('int16', () => super.int16(value))
  }

  override int32(value: number): this {
    return this.noted('int32', () => super.int32(value))
  }

  override int64(value: bigint | number): this {
    return this.noted('int64', () => super.int64(value))
  }

  override unsignedVarint(value: number): this {
    return this.noted('varint', () => super.unsignedVarint(value))
  }

  sample(): Sample {
    return { bytes: Buffer.from(this.finish()), fields: this.fields }
  }

  private noted(kind: FieldKind, write: () => this): this {
    this.fields.push({ at: this.length, kind })
    return write()
  }
}
