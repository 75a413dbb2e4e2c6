import { decodeAll } from './codecs.ts'
import type { Codec, ValueReader, ValueType } from './codecs.ts'
import { AvroDecodeError, ValueTooNewError } from './errors.ts'

/** How the values of one state table are written, and how those of earlier releases are read. */
export interface VersionedValues<T> {
  /** Name of the table's record, for errors. */
  readonly name: string
  /** Of what this release writes; 1 to 127. */
  readonly version: number
  readonly type: ValueType<T>
  /** Readers of earlier versions. */
  readonly earlier: ReadonlyMap<number, ValueReader<T>>
  /** Readers of values from before there were versions, tried in turn. */
  readonly unversioned: readonly ValueReader<T>[]
}

const GROWTH_BYTES = 512

/**
 * Avro without a frame, behind one byte that says which version of the schema wrote it. The byte is odd (twice the version
 * plus one): values from before there were versions begin with a number or a length that is not negative, hence with an
 * even byte. Costs one comparison as long as the value is of this release; only others are resolved.
 *
 * `decode` throws ValueTooNewError for a version of a later release.
 */
export function versionedCodec<T>(values: VersionedValues<T>): Codec<T> {
  const { type } = values
  const tag = 2 * values.version + 1
  return {
    encode(value, buffer, position) {
      if (position >= buffer.length) return position + GROWTH_BYTES
      buffer[position] = tag
      const end = type.encode(value, buffer, position + 1)
      return end < 0 ? buffer.length - end : end
    },
    decode(buffer, start, end) {
      if (buffer[start] === tag) return decodeAll(type, buffer, start + 1, end)
      return decodeOther(values, buffer, start, end)
    },
  }
}

function decodeOther<T>(values: VersionedValues<T>, buffer: Buffer, start: number, end: number): T {
  const tag = start < end ? buffer[start]! : 0
  if (tag % 2 === 0) return decodeUnversioned(values, buffer, start, end)
  const version = (tag - 1) / 2
  if (version > values.version) throw new ValueTooNewError(values.name, version, values.version)
  const reader = values.earlier.get(version)
  if (reader === undefined) throw new AvroDecodeError(`version ${version} of ${values.name} was never written`)
  return decodeAll(reader, buffer, start + 1, end)
}

/** The bytes of one shape do not read as another one to their last byte. */
function decodeUnversioned<T>({ unversioned }: VersionedValues<T>, buffer: Buffer, start: number, end: number): T {
  let failure: unknown = new AvroDecodeError('written by no release')
  for (const reader of unversioned) {
    try {
      return decodeAll(reader, buffer, start, end)
    } catch (error) {
      failure = error
    }
  }
  throw failure
}
