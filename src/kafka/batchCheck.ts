import { crc32c } from '@node-rs/crc32'
import * as layout from './batchLayout.ts'
import { CorruptBatchError } from './errors.ts'

/** What `checkBatches` found out about one partition's fetched bytes. */
export interface CheckedBatches {
  /** Bytes of the whole and sound batches, from the first on. */
  readonly sizeBytes: number
  /** The offset after the last of them, -1 if there is none. */
  readonly nextOffset: number
  /** Why the batch behind them cannot be used; undefined where there is none, or only a part of one. */
  readonly defect: CorruptBatchError | undefined
}

/**
 * Checks fetched batches before anything in them is used, markers of transactions included: format, length, checksum,
 * and what the checksum does not cover: the offset must be possible, and larger than those of the batch before. A fetch
 * response may end in a part of a batch: that part is left alone. Never throws. `source` names the partition in errors.
 *
 * Once per fetched byte and not per scan, because a chunk is scanned again from its start each time a cycle is full.
 */
export function checkBatches(bytes: Buffer, source: string): CheckedBatches {
  let start = 0
  let nextOffset = -1
  while (start + layout.MAGIC < bytes.length) {
    const size = batchSize(bytes, start)
    const isWhole = size <= bytes.length - start
    const what = headDefect(bytes, start, size) ?? (isWhole ? bodyDefect(bytes, start, size, nextOffset) : undefined)
    if (what !== undefined) {
      const defect = new CorruptBatchError(source, int64(bytes, start + layout.BASE_OFFSET), what)
      return { sizeBytes: start, nextOffset, defect }
    }
    if (!isWhole) break
    nextOffset = lastOffsetOf(bytes, start) + 1
    start += size
  }
  return { sizeBytes: start, nextOffset, defect: undefined }
}

/** Whole size of the batch at `start`, as it says itself: negative or too small where it lies. Needs 17 bytes. */
export function batchSize(bytes: Buffer, start: number): number {
  return layout.LENGTH_OVERHEAD + bytes.readInt32BE(start + layout.BATCH_LENGTH)
}

/** What is wrong with the first 17 bytes of a batch: all that may be there of one that is not complete. */
export function headDefect(bytes: Buffer, start: number, size: number): string | undefined {
  const magic = bytes[start + layout.MAGIC]
  if (magic !== 2) return `has format ${magic}: only format 2 (Kafka 0.11 on) is read`
  return size < layout.RECORDS ? 'is shorter than its header' : undefined
}

function bodyDefect(bytes: Buffer, start: number, size: number, nextOffset: number): string | undefined {
  const actual = crc32c(bytes.subarray(start + layout.ATTRIBUTES, start + size)) >>> 0
  if (actual !== bytes.readUInt32BE(start + layout.CRC)) return 'has a wrong checksum'
  const baseOffset = int64(bytes, start + layout.BASE_OFFSET)
  const lastOffset = lastOffsetOf(bytes, start)
  if (lastOffset < baseOffset) return 'ends before it begins'
  if (baseOffset < 0 || !Number.isSafeInteger(lastOffset)) return 'has an offset that no log can have'
  return baseOffset < nextOffset ? `comes after offset ${nextOffset - 1}` : undefined
}

export function lastOffsetOf(bytes: Buffer, start: number): number {
  return int64(bytes, start + layout.BASE_OFFSET) + bytes.readInt32BE(start + layout.LAST_OFFSET_DELTA)
}

/** Offsets and timestamps, exact below 2^53. */
export function int64(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 4_294_967_296 + bytes.readUInt32BE(at + 4)
}
