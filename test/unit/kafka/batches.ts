import { crc32c } from '@node-rs/crc32'
import type { Compression } from '../../../src/kafka/compression.ts'
import { BatchBuilder, checkBatches, scanRecords } from '../../../src/kafka/recordBatch.ts'
import type { AbortedTransaction, Header, RecordView } from '../../../src/kafka/recordBatch.ts'

export interface TestRecord {
  readonly timestampMs: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly Header[]
}

/** Writes bytes as they are, by the encoder's rule for short buffers. */
export const rawEncoder = {
  encode: (value: Buffer, buffer: Buffer, position: number): number => {
    if (position + value.length <= buffer.length) buffer.set(value, position)
    return position + value.length
  },
}

export function record(value: string | null, key: string | null = 'k', timestampMs = 1_700_000_000_000): TestRecord {
  return { timestampMs, key: bytes(key), value: bytes(value), headers: [] }
}

export interface BatchOptions {
  readonly baseOffset?: number
  readonly producerId?: bigint
  readonly transactional?: boolean
  readonly compression?: Compression
}

/** A batch as a broker would hand it out: at its offset. */
export function batchOf(records: readonly TestRecord[], options: BatchOptions = {}): Buffer {
  const builder = new BatchBuilder(256)
  for (const { timestampMs, key, value, headers } of records)
    builder.append(timestampMs, key, value, rawEncoder, headers)
  const finished = builder.finish(options.producerId ?? 1n, 0, 0, {
    transactional: options.transactional ?? true,
    compression: options.compression ?? 'none',
  })
  return atOffset(finished, options.baseOffset ?? 0)
}

/** A transaction marker. */
export function marker(kind: 'abort' | 'commit', baseOffset: number, producerId: bigint): Buffer {
  const key = Buffer.from([0, 0, 0, kind === 'commit' ? 1 : 0])
  const value = Buffer.from([0, 0, 0, 0, 0, 0])
  const batch = batchOf([{ timestampMs: 1, key, value, headers: [] }], { baseOffset, producerId })
  batch.writeInt16BE(16 | 32, 21)
  return withChecksum(batch)
}

/** What compaction leaves of a batch whose records are all gone: the header with its offsets. */
export function emptyBatch(baseOffset: number, lastOffset: number, producerId = 1n): Buffer {
  const batch = Buffer.from(batchOf([record('x')], { baseOffset, producerId }).subarray(0, 61))
  batch.writeInt32BE(61 - 12, 8)
  batch.writeInt32BE(lastOffset - baseOffset, 23)
  batch.writeInt32BE(0, 57)
  return withChecksum(batch)
}

/** A copy at another offset; the checksum does not cover it. */
export function atOffset(batch: Buffer, baseOffset: number): Buffer {
  const copy = Buffer.from(batch)
  copy.writeBigInt64BE(BigInt(baseOffset), 0)
  return copy
}

export function withChecksum(batch: Buffer): Buffer {
  batch.writeUInt32BE(crc32c(batch.subarray(21)) >>> 0, 17)
  return batch
}

/** What a subscription would queue of these fetched bytes. Throws what it would. */
export function checked(batches: Buffer): Buffer {
  const { sizeBytes, defect } = checkBatches(batches, 'topic-0')
  if (defect !== undefined) throw defect
  return batches.subarray(0, sizeBytes)
}

/** Everything that a check and a scan show, and where they end. */
export function scanAll(
  batches: Buffer,
  fromOffset = 0,
  aborted: readonly AbortedTransaction[] = [],
): { readonly values: string[]; readonly offsets: number[]; readonly next: number } {
  const values: string[] = []
  const offsets: number[] = []
  const visit = (view: RecordView) => {
    values.push(view.value()?.toString() ?? 'null')
    offsets.push(view.offset)
    return true
  }
  const next = scanRecords(checked(batches), fromOffset, aborted, visit, 'topic-0')
  return { values, offsets, next }
}

function bytes(text: string | null): Buffer | null {
  return text === null ? null : Buffer.from(text)
}
