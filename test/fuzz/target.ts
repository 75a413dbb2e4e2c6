import type { Sample } from './sample.ts'

/** One decoder under test, with what it must hold to whatever the bytes are. */
export interface Target {
  readonly name: string
  readonly samples: readonly Sample[]
  /** Decodes, looks at all of the result, and throws what the decoder throws; `Broken` where the result is wrong. */
  readonly decode: (bytes: Buffer) => unknown
  /** The errors that the decoder may answer with. */
  readonly isTyped: (error: unknown) => boolean
  /** Made of damaged bytes before they are decoded: a right checksum, a compressed form. */
  readonly dress?: (bytes: Buffer, index: number) => Buffer
  /** Bytes that a case may allocate beyond what is in proportion to its input. */
  readonly allowanceBytes?: number
  /** Cases of this target for one of the others; default 1. Below for those that take longer. */
  readonly share?: number
}

/** A decoder returned what it must not return: a record that nobody wrote, a value of another shape. */
export class Broken extends Error {
  override readonly name = 'Broken'
}
