import { isUtf8 } from 'node:buffer'
import { UnknownSchemaError } from '../../avro/errors.ts'
import { FRAME_HEADER_BYTES, isFramed } from '../../avro/frame.ts'
import type { RecordView } from '../../kafka/recordBatch.ts'
import { rejected } from './rejection.ts'
import type { Rejection } from './rejection.ts'

/** Reads framed Avro; `FramedReader` in `src/avro` is one. */
export interface InputReader {
  missing(buffer: Buffer, start: number, end: number): number | undefined
  load(schemaId: number): Promise<void>
  decode(buffer: Buffer, start: number, end: number): unknown
  decodeWhole(buffer: Buffer, start: number, end: number): unknown
}

export type InputValue =
  | { readonly kind: 'value'; readonly value: unknown }
  /** The schema must be loaded before anything can be said about the record. */
  | { readonly kind: 'schema_needed'; readonly schemaId: number }
  | Rejection

/** Tells JSON and framed Avro apart, per record, and decodes it. Says nothing about what the value should hold. */
export function readInputValue(record: RecordView, reader: InputReader, maxValueBytes: number): InputValue {
  const { buffer, valueStart: start, valueEnd: end } = record
  if (end < 0 || end === start) return rejected('empty_value')
  if (end - start > maxValueBytes) return rejected('too_large')
  return isFramed(buffer, start, end) ? readAvro(buffer, start, end, reader) : readJson(buffer.subarray(start, end))
}

function readAvro(buffer: Buffer, start: number, end: number, reader: InputReader): InputValue {
  if (end - start < FRAME_HEADER_BYTES) return rejected('invalid_avro')
  if (buffer.readInt32BE(start + 1) < 0) return rejected('unknown_schema')
  const schemaId = reader.missing(buffer, start, end)
  if (schemaId !== undefined) return { kind: 'schema_needed', schemaId }
  try {
    return { kind: 'value', value: reader.decode(buffer, start, end) }
  } catch (error) {
    return rejected(error instanceof UnknownSchemaError ? 'unknown_schema' : 'invalid_avro')
  }
}

/** `trim` takes a byte order mark along with the blanks. */
function readJson(bytes: Buffer): InputValue {
  if (!isUtf8(bytes)) return rejected('invalid_json')
  const text = bytes.toString('utf8').trim()
  if (text === '') return rejected('empty_value')
  try {
    return { kind: 'value', value: JSON.parse(text) as unknown }
  } catch {
    return rejected('invalid_json')
  }
}
