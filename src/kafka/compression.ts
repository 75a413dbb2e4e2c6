import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { compressFrameSync } from 'lz4-napi'
import { ProtocolError } from './errors.ts'
import { decodeLz4Frames } from './lz4Frame.ts'
import { decodeSnappy, encodeSnappy } from './snappyFormat.ts'

export type Compression = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'

/** The number of a codec in the attributes of a record batch is its place here. */
const CODECS: readonly Compression[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

/**
 * What may come out of one batch. A batch is at most `max.message.bytes` (1 MiB, rarely some 10) on the wire; honest
 * data does not shrink a hundredfold, and what is larger would endanger the process.
 */
export const MAX_DECOMPRESSED_BYTES = 128 << 20

export function codecNumber(compression: Compression): number {
  return CODECS.indexOf(compression)
}

/** Codec of a batch from its attributes. Throws ProtocolError for a number that no Kafka release defines. */
export function compressionOf(attributes: number): Compression {
  const codec = CODECS[attributes & 7]
  if (codec === undefined) throw new ProtocolError(`compression codec ${attributes & 7} is unknown`)
  return codec
}

/** Synchronous: batches are small, and a task's input must stay in order. Throws ProtocolError. */
export function decompress(compression: Compression, input: Buffer, maxBytes: number = MAX_DECOMPRESSED_BYTES): Buffer {
  switch (compression) {
    case 'none':
      return input
    case 'gzip':
      return bounded('gzip', () => gunzipSync(input, { maxOutputLength: maxBytes }))
    case 'snappy':
      return decodeSnappy(input, maxBytes)
    case 'lz4':
      return decodeLz4Frames(input, maxBytes)
    case 'zstd':
      return bounded('zstd', () => zstdDecompressSync(input, { maxOutputLength: maxBytes }))
  }
}

export function compress(compression: Compression, input: Buffer): Buffer {
  switch (compression) {
    case 'none':
      return input
    case 'gzip':
      return gzipSync(input)
    case 'snappy':
      return encodeSnappy(input)
    case 'lz4':
      return compressFrameSync(input)
    case 'zstd':
      return zstdCompressSync(input)
  }
}

function bounded(codec: string, run: () => Buffer): Buffer {
  try {
    return run()
  } catch (error) {
    throw new ProtocolError(`${codec}: the records of a batch cannot be decompressed`, error)
  }
}
