/**
 * Confluent framing of a Kafka value: magic byte 0, the schema id as big-endian int32, then the bare Avro bytes.
 * JSON Schema and Protobuf use the same first five bytes, so that a frame alone does not say "Avro": the registry does.
 */

export const FRAME_MAGIC = 0
export const FRAME_HEADER_BYTES = 5

/** True where `buffer[start, end)` begins with the magic byte; it may still be too short to hold an id. */
export function isFramed(buffer: Buffer, start: number, end: number): boolean {
  return end > start && buffer[start] === FRAME_MAGIC
}

/** The schema id of a frame, undefined where there is none: no magic byte, too short, or a negative number. */
export function frameSchemaId(buffer: Buffer, start: number, end: number): number | undefined {
  if (end - start < FRAME_HEADER_BYTES || buffer[start] !== FRAME_MAGIC) return undefined
  const id = buffer.readInt32BE(start + 1)
  return id < 0 ? undefined : id
}

/** Writes the five bytes at `position`, which must fit. */
export function writeFrameHeader(buffer: Buffer, position: number, schemaId: number): void {
  buffer[position] = FRAME_MAGIC
  buffer[position + 1] = schemaId >>> 24
  buffer[position + 2] = schemaId >>> 16
  buffer[position + 3] = schemaId >>> 8
  buffer[position + 4] = schemaId
}
