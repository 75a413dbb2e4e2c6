import avsc from 'avsc'
import type { Schema } from 'avsc'

interface ConstantSchema {
  readonly value: string | number
}

/**
 * A field that is the same in every value, on one side of the wire only. Over `null` it takes no bytes and appears in
 * the decoded object (`kind`); over `int` it is written without being asked for (the index of a union's branch).
 * Schema: `{ type: 'null' | 'int', logicalType: 'onfile-constant', value }`. Never registered anywhere.
 */
export class ConstantType extends avsc.types.LogicalType {
  readonly #value: string | number

  constructor(schema: Schema, options?: unknown) {
    super(schema, options)
    this.#value = (schema as unknown as ConstantSchema).value
  }

  protected override _fromValue(): string | number {
    return this.#value
  }

  protected override _toValue(): number | null {
    return typeof this.#value === 'number' ? this.#value : null
  }

  protected override _resolve(): undefined {
    return undefined
  }
}

/**
 * Marks a record as the branch of a union that is only ever read. avsc refuses several plain records in an unwrapped
 * union, because it could not tell them apart when it writes; logical types it leaves to their own judgement.
 */
export class BranchType extends avsc.types.LogicalType {
  protected override _fromValue(value: unknown): unknown {
    return value
  }

  protected override _toValue(value: unknown): unknown {
    return value
  }

  protected override _resolve(): undefined {
    return undefined
  }
}
