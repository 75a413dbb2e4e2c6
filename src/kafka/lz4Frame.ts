import { ProtocolError } from './errors.ts'

const FRAME_MAGIC = 0x184d2204
const SKIPPABLE_MAGIC = 0x184d2a50
const MIN_MATCH = 4

/**
 * Decodes LZ4 frames (one or several, linked or independent blocks) into at most `maxBytes`. Written here because the
 * native packages offer no bound on the output: 255 bytes come out of one that goes in. Checksums are not looked at:
 * the record batch around it has been checked already.
 *
 * Source: LZ4 frame format 1.6.3 and block format, github.com/lz4/lz4/doc. Throws ProtocolError.
 */
export function decodeLz4Frames(input: Buffer, maxBytes: number): Buffer {
  const output = new BoundedOutput(Math.min(maxBytes, Math.max(1024, input.length * 4)), maxBytes)
  let at = 0
  while (at < input.length) at = decodeFrame(input, at, output)
  return output.finish()
}

function decodeFrame(input: Buffer, start: number, output: BoundedOutput): number {
  const magic = uint32(input, start)
  if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) {
    const end = start + 8 + uint32(input, start + 4)
    if (end > input.length) throw new ProtocolError('lz4: a skippable frame is longer than its input')
    return end
  }
  if (magic !== FRAME_MAGIC) throw new ProtocolError(`lz4: 0x${magic.toString(16)} is no frame`)
  const flags = byte(input, start + 4)
  if (flags >>> 6 !== 1) throw new ProtocolError(`lz4: frame version ${flags >>> 6} is unknown`)
  if ((flags & 1) !== 0) throw new ProtocolError('lz4: a frame needs a dictionary')
  const blockChecksumBytes = (flags & 16) === 0 ? 0 : 4
  const contentSizeBytes = (flags & 8) === 0 ? 0 : 8
  const contentChecksumBytes = (flags & 4) === 0 ? 0 : 4
  let at = start + 7 + contentSizeBytes
  const frameStart = output.length
  for (;;) {
    const header = uint32(input, at)
    at += 4
    if (header === 0) break
    const size = header & 0x7fffffff
    if (at + size > input.length) throw new ProtocolError('lz4: a block is longer than its input')
    if ((header & 0x80000000) !== 0) output.copyFrom(input, at, size)
    else decodeBlock(input, at, at + size, output, frameStart)
    at += size + blockChecksumBytes
  }
  at += contentChecksumBytes
  if (at > input.length) throw new ProtocolError('lz4: a frame ends early')
  return at
}

/** Matches may reach back to `frameStart`: linked blocks use the ones before as their window. */
function decodeBlock(input: Buffer, start: number, end: number, output: BoundedOutput, frameStart: number): void {
  let at = start
  const extended = (base: number): number => {
    let length = base
    for (;;) {
      if (at >= end) throw new ProtocolError('lz4: a length runs past its block')
      const more = input[at++]!
      length += more
      if (more !== 255) return length
    }
  }
  while (at < end) {
    const token = input[at++]!
    const literals = token >>> 4 === 15 ? extended(15) : token >>> 4
    if (at + literals > end) throw new ProtocolError('lz4: literals run past their block')
    output.copyFrom(input, at, literals)
    at += literals
    if (at === end) return
    if (at + 2 > end) throw new ProtocolError('lz4: a match offset is cut')
    const distance = input[at]! | (input[at + 1]! << 8)
    at += 2
    const length = ((token & 15) === 15 ? extended(15) : token & 15) + MIN_MATCH
    if (distance === 0 || distance > output.length - frameStart) {
      throw new ProtocolError(`lz4: a match reaches ${distance} bytes back, before the frame`)
    }
    output.repeat(distance, length)
  }
}

class BoundedOutput {
  length = 0
  private buffer: Buffer
  private readonly maxBytes: number

  constructor(initialBytes: number, maxBytes: number) {
    this.buffer = Buffer.allocUnsafe(initialBytes)
    this.maxBytes = maxBytes
  }

  copyFrom(source: Buffer, start: number, size: number): void {
    this.reserve(size)
    source.copy(this.buffer, this.length, start, start + size)
    this.length += size
  }

  /** Copies `size` bytes from `distance` before the end; they may overlap, which repeats a pattern. */
  repeat(distance: number, size: number): void {
    this.reserve(size)
    const { buffer } = this
    let to = this.length
    const end = to + size
    if (distance >= size) buffer.copyWithin(to, to - distance, end - distance)
    else while (to < end) buffer[to] = buffer[to++ - distance]!
    this.length = end
  }

  finish(): Buffer {
    return this.buffer.subarray(0, this.length)
  }

  private reserve(size: number): void {
    const needed = this.length + size
    if (needed <= this.buffer.length) return
    if (needed > this.maxBytes) throw new ProtocolError(`lz4: more than ${this.maxBytes} bytes come out of one batch`)
    const larger = Buffer.allocUnsafe(Math.min(this.maxBytes, Math.max(this.buffer.length * 2, needed)))
    this.buffer.copy(larger, 0, 0, this.length)
    this.buffer = larger
  }
}

function byte(input: Buffer, at: number): number {
  if (at >= input.length) throw new ProtocolError('lz4: the input is cut')
  return input[at]!
}

function uint32(input: Buffer, at: number): number {
  if (at + 4 > input.length) throw new ProtocolError('lz4: the input is cut')
  return input.readUInt32LE(at)
}
