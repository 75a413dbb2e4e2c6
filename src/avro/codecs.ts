import { AvroDecodeError } from './errors.ts'
import { FRAME_HEADER_BYTES, frameSchemaId, writeFrameHeader } from './frame.ts'

/** The engine's `Codec`, declared here again so that this layer does not depend on the engine. Equal in structure. */
export interface Codec<T> {
  /** Writes at `position`, returns the end. An end greater than `buffer.length`: too short, grow to it and call again. */
  encode(value: T, buffer: Buffer, position: number): number
  /** Reads one value from `buffer[start, end)`; throws on malformed bytes. The value keeps no part of `buffer`. */
  decode(buffer: Buffer, start: number, end: number): T
}

/** Reads a value at `start`; `offset` is the position after it, -1 where the buffer ends too early. */
export interface ValueReader<T> {
  decode(buffer: Buffer, start: number): { readonly value: T; readonly offset: number }
}

/**
 * What a codec needs of an Avro type, in avsc's own convention: `encode` returns the end, or minus the number of
 * missing bytes. An avsc `Type` is one as it is.
 */
export interface ValueType<T> extends ValueReader<T> {
  encode(value: T, buffer: Buffer, position: number): number
}

/** Room that is asked for when not even the frame's header fits. */
const FIRST_GROWTH_BYTES = 512

/** Avro without a frame, for state and for values inside of other formats. */
export function bareCodec<T>(type: ValueType<T>): Codec<T> {
  return {
    encode: (value, buffer, position) => encodeAt(type, value, buffer, position),
    decode: (buffer, start, end) => decodeAll(type, buffer, start, end),
  }
}

/** Avro in Confluent framing, always with this schema id. `decode` refuses any other id: see `FramedReader`. */
export function framedCodec<T>(type: ValueType<T>, schemaId: number): Codec<T> {
  return {
    encode(value, buffer, position) {
      const body = position + FRAME_HEADER_BYTES
      if (body > buffer.length) return position + FIRST_GROWTH_BYTES
      writeFrameHeader(buffer, position, schemaId)
      return encodeAt(type, value, buffer, body)
    },
    decode(buffer, start, end) {
      const id = frameSchemaId(buffer, start, end)
      if (id !== schemaId) throw new AvroDecodeError(`framed with schema id ${String(id)}, expected ${schemaId}`)
      return decodeAll(type, buffer, start + FRAME_HEADER_BYTES, end)
    },
  }
}

/**
 * Reads exactly `buffer[start, end)`. avsc itself only knows the end of the whole buffer. Throws AvroDecodeError and
 * nothing else: what a reader throws on malformed bytes (avsc's plain errors, a RangeError where a recursive schema is
 * nested without end) is not passed on, because its message may hold a value of the record.
 */
export function decodeAll<T>(type: ValueReader<T>, buffer: Buffer, start: number, end: number): T {
  let decoded: { readonly value: T; readonly offset: number }
  try {
    decoded = type.decode(buffer, start)
  } catch (error) {
    if (error instanceof AvroDecodeError) throw error
    throw new AvroDecodeError(error instanceof RangeError ? 'lengths or nesting beyond all bounds' : 'malformed')
  }
  const { value, offset } = decoded
  if (offset !== end) throw new AvroDecodeError(offset < 0 || offset > end ? 'cut short' : 'trailing bytes')
  return value
}

function encodeAt<T>(type: ValueType<T>, value: T, buffer: Buffer, position: number): number {
  const end = type.encode(value, buffer, position)
  return end < 0 ? buffer.length - end : end
}
