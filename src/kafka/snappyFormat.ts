import { compressSync, uncompressSync } from 'snappy'
import { ProtocolError } from './errors.ts'

/** What snappy-java's SnappyOutputStream starts with; then version and compatible version, an int32 each. */
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const XERIAL_HEADER_BYTES = 16
const XERIAL_VERSION = 1
const BLOCK_BYTES = 32 << 10
/** The element that yields most: three bytes that copy 64. */
const MAX_RATIO = 64 / 3

/**
 * Reads both forms that producers send: one raw snappy block (librdkafka, Go clients), and the framed blocks of
 * snappy-java (Java clients). A block says its own size, which is checked before anything is allocated.
 */
export function decodeSnappy(input: Buffer, maxBytes: number): Buffer {
  if (!isXerial(input)) return decodeBlock(input, maxBytes)
  const blocks: Buffer[] = []
  let size = 0
  let at = XERIAL_HEADER_BYTES
  while (at < input.length) {
    if (at + 4 > input.length) throw new ProtocolError('snappy: a block length is cut')
    const length = input.readInt32BE(at)
    at += 4
    if (length < 0 || at + length > input.length) throw new ProtocolError('snappy: a block is longer than its input')
    const block = decodeBlock(input.subarray(at, at + length), maxBytes - size)
    blocks.push(block)
    size += block.length
    at += length
  }
  return blocks.length === 1 ? blocks[0]! : Buffer.concat(blocks, size)
}

/** Writes snappy-java's form: Java consumers and brokers of every age read it. */
export function encodeSnappy(input: Buffer): Buffer {
  const header = Buffer.alloc(XERIAL_HEADER_BYTES)
  XERIAL_MAGIC.copy(header)
  header.writeInt32BE(XERIAL_VERSION, 8)
  header.writeInt32BE(XERIAL_VERSION, 12)
  const parts: Buffer[] = [header]
  for (let at = 0; at < input.length; at += BLOCK_BYTES) {
    const block = compressSync(input.subarray(at, at + BLOCK_BYTES))
    const length = Buffer.alloc(4)
    length.writeInt32BE(block.length)
    parts.push(length, block)
  }
  return Buffer.concat(parts)
}

function isXerial(input: Buffer): boolean {
  return input.length >= XERIAL_HEADER_BYTES && input.compare(XERIAL_MAGIC, 0, 8, 0, 8) === 0
}

function decodeBlock(block: Buffer, maxBytes: number): Buffer {
  const declared = declaredSize(block)
  if (declared > maxBytes) throw new ProtocolError(`snappy: ${declared} bytes would come out of one batch`)
  if (declared > block.length * MAX_RATIO) {
    throw new ProtocolError(`snappy: ${block.length} bytes cannot hold ${declared}`)
  }
  try {
    const result = uncompressSync(block)
    if (typeof result === 'string') throw new ProtocolError('snappy: text instead of bytes')
    return result
  } catch (error) {
    throw error instanceof ProtocolError ? error : new ProtocolError('snappy: malformed block', error)
  }
}

function declaredSize(block: Buffer): number {
  let size = 0
  for (let index = 0; index < 5; index++) {
    const byte = block[index]
    if (byte === undefined) break
    size += (byte & 127) * 2 ** (7 * index)
    if (byte < 128) return size
  }
  throw new ProtocolError('snappy: a block does not say its size')
}
