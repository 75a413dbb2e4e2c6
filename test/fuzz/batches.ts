import { checkBatches } from '../../src/kafka/batchCheck.ts'
import * as layout from '../../src/kafka/batchLayout.ts'
import { compress, maxDecompressedBytes } from '../../src/kafka/compression.ts'
import type { Compression } from '../../src/kafka/compression.ts'
import { ProtocolError } from '../../src/kafka/errors.ts'
import { firstTimestampOf, scanRecords } from '../../src/kafka/recordBatch.ts'
import type { AbortedTransaction, RecordView } from '../../src/kafka/recordBatch.ts'
import { batchOf, emptyBatch, marker, record, withChecksum } from '../unit/kafka/batches.ts'
import type { TestRecord } from '../unit/kafka/batches.ts'
import type { Field, FieldKind, Sample } from './sample.ts'
import { Broken } from './target.ts'
import type { Target } from './target.ts'

export const CODECS: readonly Compression[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

const aborted: readonly AbortedTransaction[] = [
  { producerId: 2n, firstOffset: 12 },
  { producerId: 1n, firstOffset: 0 },
]
const records: readonly TestRecord[] = [
  record('{"event_uid":"d2e9","data":{"id":"card-1"}}', 'user-1'),
  { ...record('second, '.repeat(16)), headers: [{ key: 'trace', value: Buffer.from('abc') }] },
  { ...record(null, null), headers: [{ key: 'n', value: null }] },
]

/**
 * Record batches through the check that a subscription makes and the scan that a task makes: as they come off the wire,
 * with a checksum that is right for the damage, and with damage that is then compressed.
 */
export function batchTargets(): readonly Target[] {
  return [asTheyAre(), ...CODECS.map(repaired), repacked()]
}

/** Damage under the old checksum: nothing that nobody wrote may be shown. */
function asTheyAre(): Target {
  const written = new Set(records.map(fingerprint))
  return {
    name: 'record batches',
    samples: CODECS.map(logOf),
    decode: bytes =>
      scanned(bytes, view => {
        const { headers, key, value } = { headers: view.headers(), key: view.key(), value: view.value() }
        if (!written.has(fingerprint({ headers, key, value, timestampMs: view.timestamp }))) {
          throw new Broken(`a record at ${view.offset} that nobody wrote`)
        }
      }),
    isTyped,
    share: 3,
  }
}

function repaired(compression: Compression): Target {
  return {
    name: `record batches under a right checksum, ${compression}`,
    samples: [logOf(compression)],
    decode: bytes => scanned(bytes, lookedAt),
    dress: repair,
    isTyped,
    allowanceBytes: compression === 'none' ? 0 : 2 * maxDecompressedBytes(0),
    share: compression === 'none' ? 3 : 0.5,
  }
}

/** The records are damaged, then compressed: every decompressor gives them back as they are. */
function repacked(): Target {
  const whole = batchOf(records, { producerId: 3n })
  const head = whole.subarray(0, layout.RECORDS)
  return {
    name: 'damaged records in a sound compressed batch',
    samples: [{ bytes: whole.subarray(layout.RECORDS), fields: recordFields(whole, 0) }],
    decode: bytes => scanned(bytes, lookedAt),
    dress: (bytes, index) => {
      const codec = 1 + (index % (CODECS.length - 1))
      const batch = Buffer.concat([head, compress(CODECS[codec]!, bytes)])
      batch.writeInt32BE(batch.length - layout.LENGTH_OVERHEAD, layout.BATCH_LENGTH)
      batch.writeInt16BE(layout.TRANSACTIONAL_BIT | codec, layout.ATTRIBUTES)
      return withChecksum(batch)
    },
    isTyped,
    allowanceBytes: 2 << 20,
    share: 0.5,
  }
}

function isTyped(error: unknown): boolean {
  return error instanceof ProtocolError
}

/** Check and scan as in production; then the scan alone, which must hold without the check too. */
function scanned(bytes: Buffer, visit: (view: RecordView) => void): void {
  const { sizeBytes, nextOffset, defect } = checkBatches(bytes, 'cards-0')
  const sound = bytes.subarray(0, sizeBytes)
  let last = -1
  const next = scanRecords(sound, 0, aborted, view => {
    if (view.offset <= last || view.offset >= nextOffset) throw new Broken(`offset ${view.offset} after ${last}`)
    last = view.offset
    visit(view)
    return undefined
  })
  if (next !== Math.max(0, nextOffset)) throw new Broken(`the scan ends at ${next}, the check at ${nextOffset}`)
  if (scanRecords(sound, Math.max(0, nextOffset), aborted, () => undefined) !== next) {
    throw new Broken('the scan goes on behind its end')
  }
  firstTimestampOf(sound, 1)
  if (defect === undefined) return
  scanRecords(bytes, 0, aborted, lookedAt)
  throw defect
}

function lookedAt(view: RecordView): undefined {
  view.key()
  view.value()
  view.keyString()
  view.headers()
}

/** A log as a fetch brings it: data, an aborted transaction, markers, a batch that compaction has emptied. */
function logOf(compression: Compression): Sample {
  const batches = [
    batchOf(records, { compression, producerId: 1n }),
    marker('abort', 3, 1n),
    emptyBatch(4, 8, 3n),
    batchOf([...records, ...records], { compression, producerId: 3n, baseOffset: 9 }),
    marker('commit', 15, 3n),
    batchOf(records, { compression, producerId: -1n, transactional: false, baseOffset: 16 }),
  ]
  const fields: Field[] = []
  let start = 0
  for (const batch of batches) {
    fields.push(...headerFields(start))
    if (compression === 'none' && batch.length > layout.RECORDS)
      fields.push(...recordFields(batch, start + layout.RECORDS))
    start += batch.length
  }
  return { bytes: Buffer.concat(batches), fields }
}

function headerFields(start: number): readonly Field[] {
  const kinds: readonly (readonly [number, FieldKind])[] = [
    [layout.BASE_OFFSET, 'int64'],
    [layout.BATCH_LENGTH, 'int32'],
    [layout.BATCH_LENGTH, 'int32'],
    [layout.MAGIC, 'int8'],
    [layout.ATTRIBUTES, 'int16'],
    [layout.LAST_OFFSET_DELTA, 'int32'],
    [layout.BASE_TIMESTAMP, 'int64'],
    [layout.MAX_TIMESTAMP, 'int64'],
    [layout.PRODUCER_ID, 'int64'],
    [layout.RECORD_COUNT, 'int32'],
    [layout.RECORD_COUNT, 'int32'],
  ]
  return kinds.map(([at, kind]) => ({ at: start + at, kind }))
}

/** The varints of the first record, which all others resemble: length, time, offset, key, value. */
function recordFields(batch: Buffer, recordsAt: number): readonly Field[] {
  const keyLengthAt = 4
  const keyBytes = batch[layout.RECORDS + keyLengthAt]! >> 1
  return [0, 2, 3, keyLengthAt, keyLengthAt + 1 + keyBytes].map(at => ({ at: recordsAt + at, kind: 'varint' }))
}

/** Right checksums for whatever the batches hold now, as far as their lengths make sense. */
function repair(damaged: Buffer): Buffer {
  const bytes = Buffer.from(damaged)
  for (let start = 0; start + layout.RECORDS <= bytes.length;) {
    const size = layout.LENGTH_OVERHEAD + bytes.readInt32BE(start + layout.BATCH_LENGTH)
    const end = size < layout.RECORDS || start + size > bytes.length ? bytes.length : start + size
    withChecksum(bytes.subarray(start, end))
    start = end
  }
  return bytes
}

function fingerprint({ key, value, headers, timestampMs }: TestRecord): string {
  return JSON.stringify([key, value, timestampMs, headers.map(header => [header.key, header.value])])
}
