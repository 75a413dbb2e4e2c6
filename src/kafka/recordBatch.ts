/** A record header as on the wire: the value may be null. */
export interface Header {
  readonly key: string
  readonly value: Buffer | null
}

/**
 * A window on one record inside a fetched batch. The scanner reuses one instance for a whole batch: keep `clone()`, not
 * the view. `valueEnd` is -1 for a null value, `keyEnd` is -1 for a null key.
 */
export declare class RecordView {
  buffer: Buffer
  offset: number
  timestamp: number
  keyStart: number
  keyEnd: number
  valueStart: number
  valueEnd: number
  headersStart: number
  headerCount: number
  /** Slices, not copies. */
  key(): Buffer | null
  value(): Buffer | null
  keyString(): string | null
  headers(): Header[]
  clone(): RecordView
}
