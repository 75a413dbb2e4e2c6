import { batchSize, headDefect, int64, lastOffsetOf } from './batchCheck.ts'
import * as layout from './batchLayout.ts'
import { compressionOf, decompress } from './compression.ts'
import { CorruptBatchError } from './errors.ts'
import { RecordView } from './recordView.ts'

export { checkBatches } from './batchCheck.ts'
export { BatchBuilder } from './batchBuilder.ts'
export { RecordView } from './recordView.ts'
export type { Header } from './recordView.ts'

/** A transaction that was aborted, as a fetch response lists it: in order of the aborts, not of the first offsets. */
export interface AbortedTransaction {
  readonly producerId: bigint
  readonly firstOffset: number
}

/** The type that the key of a control record names: int16 version, then this as int16. */
const ABORT_MARKER = 0

/**
 * read_committed scan of one partition's fetched bytes, by Java's rule: the aborted transactions are taken in order of
 * their first offset, each begins at the first batch that reaches it and ends at its producer's abort marker. Calls
 * `visit` for each visible record from `fromOffset` on; when that returns false the scan stops and that record's own
 * offset is returned, else the offset after the last complete batch: it moves over markers, aborted and emptied batches.
 *
 * To go on in the middle pass the same bytes and aborted list again with the returned offset: the batches before it are
 * followed for their markers but not read.
 *
 * The bytes are those that `checkBatches` has passed (a subscription does that): checksums are not looked at again. What
 * lies behind a right checksum is: throws CorruptBatchError for an unknown codec, records that cannot be decompressed,
 * and any count, length or offset of a record that does not fit its batch. `source` names the partition in it.
 */
export function scanRecords(
  bytes: Buffer,
  fromOffset: number,
  aborted: readonly AbortedTransaction[],
  visit: (record: RecordView) => boolean | undefined,
  source = 'a partition',
): number {
  const pending = aborted.length > 1 ? aborted.toSorted((a, b) => a.firstOffset - b.firstOffset) : aborted
  const abortedProducers = new Set<bigint>()
  const view = new RecordView()
  let pendingAt = 0
  let next = fromOffset
  let start = 0
  for (let end = batchEnd(bytes, start, source); end > 0; end = batchEnd(bytes, start, source)) {
    const batch = { source, bytes, start, end }
    const baseOffset = int64(bytes, start + layout.BASE_OFFSET)
    const lastOffset = lastOffsetOf(bytes, start)
    const attributes = bytes.readInt16BE(start + layout.ATTRIBUTES)
    const isControl = (attributes & layout.CONTROL_BIT) !== 0
    if (lastOffset < baseOffset) throw malformed(batch, 'ends before it begins')

    while (pendingAt < pending.length && pending[pendingAt]!.firstOffset <= lastOffset) {
      abortedProducers.add(pending[pendingAt++]!.producerId)
    }
    let hidden = isControl
    if (abortedProducers.size > 0 && (attributes & layout.TRANSACTIONAL_BIT) !== 0) {
      const producerId = bytes.readBigInt64BE(start + layout.PRODUCER_ID)
      if (abortedProducers.has(producerId)) {
        hidden = true
        if (isControl && markerType(batch) === ABORT_MARKER) abortedProducers.delete(producerId)
      }
    }
    if (lastOffset >= fromOffset) {
      if (!hidden) {
        const stoppedAt = scanBatch(batch, fromOffset, view, visit)
        if (stoppedAt >= 0) return stoppedAt
      }
      next = lastOffset + 1
    }
    start = end
  }
  return next
}

/**
 * Append time, milliseconds, of the first batch that holds data at or after `fromOffset`, -1 if there is none. Reads
 * headers only: the time of the batch's first record, so never younger than the record at `fromOffset`; a batch of an
 * aborted transaction counts.
 */
export function firstTimestampOf(bytes: Buffer, fromOffset: number): number {
  let start = 0
  for (let end = batchEnd(bytes, start); end > 0; end = batchEnd(bytes, start)) {
    const lastOffset = lastOffsetOf(bytes, start)
    const attributes = bytes.readInt16BE(start + layout.ATTRIBUTES)
    if (lastOffset >= fromOffset && (attributes & layout.CONTROL_BIT) === 0) {
      const byBroker = (attributes & layout.LOG_APPEND_TIME_BIT) !== 0
      return int64(bytes, start + (byBroker ? layout.MAX_TIMESTAMP : layout.BASE_TIMESTAMP))
    }
    start = end
  }
  return -1
}

/** One batch, and where it is from. */
interface Batch {
  readonly source: string
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
}

/** End of the batch that starts at `start`, -1 where it is not complete: a fetch response may end in a part of one. */
function batchEnd(bytes: Buffer, start: number, source = 'a partition'): number {
  if (start + layout.MAGIC >= bytes.length) return -1
  const end = start + batchSize(bytes, start)
  const what = headDefect(bytes, start, end - start)
  if (what !== undefined) throw malformed({ source, bytes, start, end }, what)
  return end > bytes.length ? -1 : end
}

/** Position of the reader below: one for all scans, nothing is kept in it over a call of `visit`. */
let cursor = 0
/** What `readVarint` answers for bytes that are none: no length, count or offset in a batch may have this value. */
const NO_VARINT = -2

/**
 * Offset of the record at which `visit` stopped, else -1. Whatever is wrong is found before the last record is visited: the
 * offset behind a record that was visited stands in front of the damage. Hot path (`bench/cycle.ts`): no allocation per record.
 */
function scanBatch(
  batch: Batch,
  fromOffset: number,
  view: RecordView,
  visit: (record: RecordView) => boolean | undefined,
): number {
  const { bytes, start } = batch
  const attributes = bytes.readInt16BE(start + layout.ATTRIBUTES)
  const count = bytes.readInt32BE(start + layout.RECORD_COUNT)
  const baseOffset = int64(bytes, start + layout.BASE_OFFSET)
  const lastDelta = bytes.readInt32BE(start + layout.LAST_OFFSET_DELTA)
  const baseTimestamp = int64(bytes, start + layout.BASE_TIMESTAMP)
  const appendTime = (attributes & layout.LOG_APPEND_TIME_BIT) !== 0
  const maxTimestamp = int64(bytes, start + layout.MAX_TIMESTAMP)
  const buffer = recordsOf(batch, attributes)
  const limit = buffer === bytes ? batch.end : buffer.length
  let position = buffer === bytes ? start + layout.RECORDS : 0
  let previousDelta = -1
  if (count < 0) throw malformed(batch, `has ${count} records`)
  view.buffer = buffer
  for (let index = 0; index < count; index++) {
    cursor = position
    const length = readVarint(buffer, limit)
    const recordEnd = cursor + length
    if (length < 0 || recordEnd > limit) throw malformed(batch, 'has a record that reaches past it')
    cursor++
    const timestampDelta = readVarlong(buffer, recordEnd)
    const delta = readVarint(buffer, recordEnd)
    const keyLength = readVarint(buffer, recordEnd)
    const keyStart = cursor
    if (keyLength > 0) cursor += keyLength
    const valueLength = readVarint(buffer, recordEnd)
    const valueStart = cursor
    if (valueLength > 0) cursor += valueLength
    const headerCount = readVarint(buffer, recordEnd)
    // A header takes two bytes at least.
    const headerRoom = recordEnd - cursor - headerCount * 2
    const headersFit = headerCount > 0 ? headerRoom >= 0 : headerCount === 0 && headerRoom === 0
    if (keyLength < -1 || valueLength < -1 || !headersFit) throw malformed(batch, 'has a record with wrong lengths')
    const behind = count - 1 - index
    if (delta <= previousDelta || delta > lastDelta - behind) throw malformed(batch, 'has a record at a wrong offset')
    if (behind === 0 && recordEnd !== limit) throw malformed(batch, `holds more than its ${count} records`)
    previousDelta = delta
    const offset = baseOffset + delta
    if (offset >= fromOffset) {
      view.offset = offset
      view.timestamp = appendTime ? maxTimestamp : baseTimestamp + timestampDelta
      view.keyStart = keyStart
      view.keyEnd = keyLength < 0 ? -1 : keyStart + keyLength
      view.valueStart = valueStart
      view.valueEnd = valueLength < 0 ? -1 : valueStart + valueLength
      view.headersStart = cursor
      view.headerCount = headerCount
      view.recordEnd = recordEnd
      if (visit(view) === false) return offset
    }
    position = recordEnd
  }
  if (count === 0 && position !== limit) throw malformed(batch, 'holds more than its 0 records')
  return -1
}

/** The buffer with the records: that of the batch itself, or a new one where they are compressed. */
function recordsOf(batch: Batch, attributes: number): Buffer {
  const { bytes, start, end } = batch
  // Compaction leaves no more than a header of a batch whose records are all gone.
  if ((attributes & layout.CODEC_BITS) === 0 || end === start + layout.RECORDS) return bytes
  try {
    return decompress(compressionOf(attributes), bytes.subarray(start + layout.RECORDS, end))
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw malformed(batch, `cannot be decompressed (${why})`, error)
  }
}

/** -1 for a marker whose record compaction has removed: then nothing is concluded from it. */
function markerType(batch: Batch): number {
  const { bytes, start, end } = batch
  if (bytes.readInt32BE(start + layout.RECORD_COUNT) === 0) return -1
  cursor = start + layout.RECORDS
  readVarint(bytes, end)
  cursor++
  readVarlong(bytes, end)
  readVarint(bytes, end)
  const keyLength = readVarint(bytes, end)
  if (keyLength < 4 || cursor + 4 > end) throw malformed(batch, 'is a transaction marker that does not say which')
  return bytes.readInt16BE(cursor + 2)
}

/** NO_VARINT where there is none: the caller knows the batch, and its own tests catch that too. */
function readVarint(buffer: Buffer, limit: number): number {
  let value = 0
  for (let shift = 0; shift < 35 && cursor < limit; shift += 7) {
    const byte = buffer[cursor++]!
    value |= (byte & 127) << shift
    if (byte < 128) return (value >>> 1) ^ -(value & 1)
  }
  return NO_VARINT
}

function readVarlong(buffer: Buffer, limit: number): number {
  let value = 0
  let scale = 1
  for (let index = 0; index < 10 && cursor < limit; index++) {
    const byte = buffer[cursor++]!
    value += (byte & 127) * scale
    if (byte < 128) return value % 2 === 1 ? -(value + 1) / 2 : value / 2
    scale *= 128
  }
  // So that what is read next is none either.
  cursor = limit
  return NO_VARINT
}

function malformed({ source, bytes, start }: Batch, what: string, cause?: unknown): CorruptBatchError {
  return new CorruptBatchError(source, int64(bytes, start + layout.BASE_OFFSET), what, cause)
}
