import type { Type } from 'avsc'
import { LRUCache } from 'lru-cache'
import type { ValueReader } from './codecs.ts'
import { decodeAll } from './codecs.ts'
import { AvroDecodeError, UnknownSchemaError } from './errors.ts'
import { FRAME_HEADER_BYTES, frameSchemaId } from './frame.ts'
import type { SchemaSource } from './registry.ts'

export interface FramedReaderOptions {
  /** How long an unknown id is answered from memory, so that a bad producer does not cost a request per record. */
  readonly unknownTtlMs?: number
}

const MAX_UNKNOWN_IDS = 10_000

/**
 * Decodes framed values by their writer's schema. All of it is synchronous but `load`: a caller first asks what is
 * `missing`, has it loaded, and then decodes at the speed of a cached resolver.
 */
export class FramedReader<T> {
  readonly #source: SchemaSource
  readonly #resolve: (writer: Type) => ValueReader<T> | undefined
  readonly #readers = new Map<number, ValueReader<T>>()
  readonly #writers = new Map<number, Type>()
  readonly #unknown: LRUCache<number, UnknownSchemaError>

  /** `resolve` makes the reader for a writer's schema; undefined, or an error, where that schema cannot be read. */
  constructor(
    source: SchemaSource,
    resolve: (writer: Type) => ValueReader<T> | undefined,
    options: FramedReaderOptions = {},
  ) {
    this.#source = source
    this.#resolve = resolve
    this.#unknown = new LRUCache({ max: MAX_UNKNOWN_IDS, ttl: options.unknownTtlMs ?? 30_000 })
  }

  /** The schema id that must be loaded before this value can be decoded (or refused); undefined where none is. */
  missing(buffer: Buffer, start: number, end: number): number | undefined {
    const id = frameSchemaId(buffer, start, end)
    return id === undefined || this.#readers.has(id) || this.#unknown.has(id) ? undefined : id
  }

  /**
   * Loads a schema. An unknown one is remembered and does not reject: `decode` then throws `UnknownSchemaError`.
   * Rejects with `RegistryUnavailableError` where nothing was learnt.
   */
  async load(id: number): Promise<void> {
    try {
      const writer = await this.#source.typeById(id)
      const reader = this.#readerFor(writer)
      if (reader === undefined) throw new UnknownSchemaError(id, 'its schema does not fit this topic')
      this.#writers.set(id, writer)
      this.#readers.set(id, reader)
    } catch (error) {
      if (!(error instanceof UnknownSchemaError)) throw error
      this.#unknown.set(id, error)
    }
  }

  /** Throws `UnknownSchemaError`, or `AvroDecodeError` for malformed bytes. */
  decode(buffer: Buffer, start: number, end: number): T {
    const id = frameSchemaId(buffer, start, end)
    if (id === undefined) throw new AvroDecodeError('no frame with a schema id')
    const reader = this.#readers.get(id)
    if (reader === undefined) throw this.#unknown.get(id) ?? new UnknownSchemaError(id, 'it is not loaded')
    return decodeAll(reader, buffer, start + FRAME_HEADER_BYTES, end)
  }

  /** Everything that the writer wrote, for the search for card numbers in dead letters; undefined where unreadable. */
  decodeWhole(buffer: Buffer, start: number, end: number): unknown {
    const writer = this.#writers.get(frameSchemaId(buffer, start, end) ?? -1)
    if (writer === undefined) return undefined
    try {
      return decodeAll<unknown>(writer, buffer, start + FRAME_HEADER_BYTES, end)
    } catch {
      return undefined
    }
  }

  #readerFor(writer: Type): ValueReader<T> | undefined {
    try {
      return this.#resolve(writer)
    } catch {
      return undefined
    }
  }
}
