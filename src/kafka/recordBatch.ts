import { crc32c } from '@node-rs/crc32'
import * as layout from './batchLayout.ts'
import { compressionOf, decompress } from './compression.ts'
import { ProtocolError } from './errors.ts'
import { RecordView } from './recordView.ts'

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
 * Throws ProtocolError for a wrong checksum, an unknown format or codec, and records that reach past their batch.
 */
export function scanRecords(
  bytes: Buffer,
  fromOffset: number,
  aborted: readonly AbortedTransaction[],
  visit: (record: RecordView) => boolean | undefined,
): number {
  const pending = aborted.length > 1 ? aborted.toSorted((a, b) => a.firstOffset - b.firstOffset) : aborted
  const abortedProducers = new Set<bigint>()
  const view = new RecordView()
  let pendingAt = 0
  let next = fromOffset
  let start = 0
  for (let end = batchEnd(bytes, start); end > 0; end = batchEnd(bytes, start)) {
    const baseOffset = int64(bytes, start + layout.BASE_OFFSET)
    const lastOffset = baseOffset + bytes.readInt32BE(start + layout.LAST_OFFSET_DELTA)
    const attributes = bytes.readInt16BE(start + layout.ATTRIBUTES)
    const isControl = (attributes & layout.CONTROL_BIT) !== 0
    if (lastOffset < baseOffset) throw malformed(baseOffset, 'ends before it begins')

    while (pendingAt < pending.length && pending[pendingAt]!.firstOffset <= lastOffset) {
      abortedProducers.add(pending[pendingAt++]!.producerId)
    }
    let hidden = isControl
    if (abortedProducers.size > 0 && (attributes & layout.TRANSACTIONAL_BIT) !== 0) {
      const producerId = bytes.readBigInt64BE(start + layout.PRODUCER_ID)
      if (abortedProducers.has(producerId)) {
        hidden = true
        if (isControl && markerType(bytes, start, end) === ABORT_MARKER) abortedProducers.delete(producerId)
      }
    }
    if (lastOffset >= fromOffset) {
      verifyChecksum(bytes, start, end, baseOffset)
      if (!hidden) {
        const stoppedAt = scanBatch(bytes, start, end, baseOffset, fromOffset, view, visit)
        if (stoppedAt >= 0) return stoppedAt
      }
      next = lastOffset + 1
    }
    start = end
  }
  return next
}

/** The offset after the last complete batch, -1 if there is none. Reads headers only. */
export function nextOffsetOf(bytes: Buffer): number {
  let next = -1
  let start = 0
  for (let end = batchEnd(bytes, start); end > 0; end = batchEnd(bytes, start)) {
    next = int64(bytes, start) + bytes.readInt32BE(start + layout.LAST_OFFSET_DELTA) + 1
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
    const lastOffset = int64(bytes, start) + bytes.readInt32BE(start + layout.LAST_OFFSET_DELTA)
    const attributes = bytes.readInt16BE(start + layout.ATTRIBUTES)
    if (lastOffset >= fromOffset && (attributes & layout.CONTROL_BIT) === 0) {
      const byBroker = (attributes & layout.LOG_APPEND_TIME_BIT) !== 0
      return int64(bytes, start + (byBroker ? layout.MAX_TIMESTAMP : layout.BASE_TIMESTAMP))
    }
    start = end
  }
  return -1
}

/** End of the batch that starts at `start`, -1 where it is not complete: a fetch response may end in a part of one. */
function batchEnd(bytes: Buffer, start: number): number {
  if (start + layout.MAGIC >= bytes.length) return -1
  const end = start + layout.LENGTH_OVERHEAD + bytes.readInt32BE(start + layout.BATCH_LENGTH)
  const magic = bytes[start + layout.MAGIC]
  if (magic !== 2) throw malformed(int64(bytes, start), `has format ${magic}: only format 2 (Kafka 0.11 on) is read`)
  if (end < start + layout.RECORDS) throw malformed(int64(bytes, start), 'is shorter than its header')
  return end > bytes.length ? -1 : end
}

function verifyChecksum(bytes: Buffer, start: number, end: number, baseOffset: number): void {
  const expected = bytes.readUInt32BE(start + layout.CRC)
  const actual = crc32c(bytes.subarray(start + layout.ATTRIBUTES, end)) >>> 0
  if (actual !== expected) throw malformed(baseOffset, 'has a wrong checksum')
}

/** Position of the reader below: one for all scans, nothing is kept in it over a call of `visit`. */
let cursor = 0

/** Offset of the record at which `visit` stopped, else -1. Hot path: no allocation per record. */
function scanBatch(
  bytes: Buffer,
  start: number,
  end: number,
  baseOffset: number,
  fromOffset: number,
  view: RecordView,
  visit: (record: RecordView) => boolean | undefined,
): number {
  const attributes = bytes.readInt16BE(start + layout.ATTRIBUTES)
  const count = bytes.readInt32BE(start + layout.RECORD_COUNT)
  const baseTimestamp = int64(bytes, start + layout.BASE_TIMESTAMP)
  const appendTime = (attributes & layout.LOG_APPEND_TIME_BIT) !== 0
  const maxTimestamp = int64(bytes, start + layout.MAX_TIMESTAMP)
  const codec = compressionOf(attributes)
  let buffer = bytes
  let position = start + layout.RECORDS
  let limit = end
  if (codec !== 'none') {
    buffer = decompress(codec, bytes.subarray(position, end))
    position = 0
    limit = buffer.length
  }
  view.buffer = buffer
  for (let index = 0; index < count; index++) {
    cursor = position
    const length = readVarint(buffer, limit)
    const recordEnd = cursor + length
    if (length < 0 || recordEnd > limit) throw malformed(baseOffset, 'has a record that reaches past it')
    cursor++
    const timestampDelta = readVarlong(buffer, recordEnd)
    const offset = baseOffset + readVarint(buffer, recordEnd)
    const keyLength = readVarint(buffer, recordEnd)
    const keyStart = cursor
    if (keyLength > 0) cursor += keyLength
    const valueLength = readVarint(buffer, recordEnd)
    const valueStart = cursor
    if (valueLength > 0) cursor += valueLength
    const headerCount = readVarint(buffer, recordEnd)
    if (cursor > recordEnd || headerCount < 0) throw malformed(baseOffset, 'has a record with wrong lengths')
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
  return -1
}

/** -1 where the marker cannot be read: then nothing is concluded from it. */
function markerType(bytes: Buffer, start: number, end: number): number {
  cursor = start + layout.RECORDS
  readVarint(bytes, end)
  cursor++
  readVarlong(bytes, end)
  readVarint(bytes, end)
  const keyLength = readVarint(bytes, end)
  return keyLength < 4 || cursor + 4 > end ? -1 : bytes.readInt16BE(cursor + 2)
}

function readVarint(buffer: Buffer, limit: number): number {
  let value = 0
  for (let shift = 0; shift < 35 && cursor < limit; shift += 7) {
    const byte = buffer[cursor++]!
    value |= (byte & 127) << shift
    if (byte < 128) return (value >>> 1) ^ -(value & 1)
  }
  throw new ProtocolError('a varint in a record is malformed')
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
  throw new ProtocolError('a varlong in a record is malformed')
}

/** Offsets and timestamps, exact below 2^53. */
function int64(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 4_294_967_296 + bytes.readUInt32BE(at + 4)
}

function malformed(baseOffset: number, what: string): ProtocolError {
  return new ProtocolError(`the record batch at offset ${baseOffset} ${what}`)
}
