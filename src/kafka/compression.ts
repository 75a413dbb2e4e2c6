import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { compressFrameSync } from 'lz4-napi'
import { ProtocolError } from './errors.ts'
import { decodeLz4Frames } from './lz4Frame.ts'
import { decodeSnappy, encodeSnappy } from './snappyFormat.ts'

export type Compression = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'

/** The number of a codec in the attributes of a record batch is its place here. */
const CODECS: readonly Compression[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

/**
 * What may come out of one batch, whatever its size: producers limit a batch before they compress it (1 MiB by default,
 * rarely some 10), so an honest one stays below.
 */
const ALWAYS_ALLOWED_BYTES = 16 << 20
/** A larger one may come out where it was large on the wire too: records that are alike shrink to a hundredth. */
const MAX_RATIO = 128
/** Never more: it would endanger the process, which holds a batch as a whole. */
const MAX_DECOMPRESSED_BYTES = 128 << 20

/** The most that may come out of a batch whose records are `compressedBytes` long on the wire. */
export function maxDecompressedBytes(compressedBytes: number): number {
  return Math.min(MAX_DECOMPRESSED_BYTES, Math.max(ALWAYS_ALLOWED_BYTES, compressedBytes * MAX_RATIO))
}

export function codecNumber(compression: Compression): number {
  return CODECS.indexOf(compression)
}

/** Codec of a batch from its attributes. Throws ProtocolError for a number that no Kafka release defines. */
export function compressionOf(attributes: number): Compression {
  const codec = CODECS[attributes & 7]
  if (codec === undefined) throw new ProtocolError(`compression codec ${attributes & 7} is unknown`)
  return codec
}

/** Synchronous: batches are small, and a task's input must stay in order. Throws ProtocolError, also beyond `maxBytes`. */
export function decompress(
  compression: Compression,
  input: Buffer,
  maxBytes: number = maxDecompressedBytes(input.length),
): Buffer {
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
    const isTooLarge = error instanceof RangeError && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE'
    throw new ProtocolError(isTooLarge ? `${codec}: too much comes out of one batch` : `${codec}: malformed`, error)
  }
}
