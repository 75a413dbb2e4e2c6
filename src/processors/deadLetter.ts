import type { Encoder } from '../engine/processor.ts'
import type { Header, RecordView } from '../kafka/recordBatch.ts'
import { bytesHoldPan, holdsPan } from './ingest/panScan.ts'
import type { DeadLetterReason } from './ingest/rejection.ts'

/** Where a record stands on the issuer's bus; for a replayed one where it stood at first. */
export interface RecordPosition {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

export interface DeadLetterOptions {
  readonly record: RecordView
  readonly position: RecordPosition
  /** Record timestamp at that position, milliseconds. */
  readonly timestampMs: number
  readonly reason: DeadLetterReason
  readonly role: string
  readonly failedAtMs: number
  readonly appVersion: string
  /** How often the record has been replayed before. */
  readonly replayCount: number
  /** Schema id of the frame, undefined where there is none. */
  readonly schemaId: number | undefined
  /** The decoded value, where there is one: card numbers that the raw bytes hide (escapes, varints) are found in it. */
  readonly decoded: unknown
  /** `max.message.bytes` of the dead-letter topic, less a margin for the batch around the record. */
  readonly maxBytes: number
}

/** A record for the dead-letter topic. `reason` is `too_large` where the record as it came would not fit. */
export interface DeadLetter {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly Header[]
  readonly reason: DeadLetterReason
}

/** Headers that a dead letter writes itself: earlier ones of a replayed record are not kept beside them. */
const OWN_PREFIXES = ['__streams.errors.', 'onfile.dlq.', 'onfile.source.']

/** Room for the headers that are added here and for the record's own framing. */
const OVERHEAD_BYTES = 2_048

/**
 * Builds a dead letter (contract.md 4): key, value and headers as they came, the position in the names that Kafka
 * Streams uses, and the reason. No exception text. Where the record holds a card number, or is too large, it is by
 * reference: the position instead of the value, and no key or header that holds the number.
 */
export function deadLetter(options: DeadLetterOptions): DeadLetter {
  const { record } = options
  const key = record.key()
  const value = record.value()
  const hasHeaders = record.headerCount > 0 && !record.hasTooManyHeaders
  const kept = hasHeaders ? record.headers().filter(header => !isOwn(header)) : []
  const fits = !record.hasTooManyHeaders && sizeBytes(key, value, kept) <= options.maxBytes
  const reason = fits ? options.reason : 'too_large'

  const keyHolds = key !== null && bytesHoldPan(key)
  const safeHeaders = kept.filter(header => !headerHoldsPan(header))
  const holds = keyHolds || safeHeaders.length < kept.length || valueHoldsPan(value, options.decoded)
  const byReference = holds || reason === 'too_large' || options.reason === 'contains_pan'

  const safeKey = keyHolds ? null : key
  const headersFit = sizeBytes(safeKey, null, safeHeaders) <= options.maxBytes
  const keyFits = sizeBytes(safeKey, null, []) <= options.maxBytes
  return {
    key: keyFits ? safeKey : null,
    value: byReference ? null : value,
    headers: [...(headersFit ? safeHeaders : []), ...ownHeaders(options, reason, byReference)],
    reason,
  }
}

/** Writes the bytes as they are. */
export const rawEncoder: Encoder<Buffer> = {
  encode(value, buffer, position) {
    const end = position + value.length
    if (end <= buffer.length) value.copy(buffer, position)
    return end
  },
}

/** Text of a header of this name (the last one wins); null where there is none or where it is not UTF-8 text. */
export function headerText(headers: readonly Header[], name: string): string | null {
  return headers.findLast(header => header.key === name)?.value?.toString('utf8') ?? null
}

function ownHeaders(options: DeadLetterOptions, reason: DeadLetterReason, byReference: boolean): Header[] {
  const { position } = options
  const texts: [string, string][] = [
    ['__streams.errors.topic', position.topic],
    ['__streams.errors.partition', String(position.partition)],
    ['__streams.errors.offset', String(position.offset)],
    ['onfile.dlq.reason', reason],
    ['onfile.dlq.role', options.role],
    ['onfile.dlq.failed-at', new Date(options.failedAtMs).toISOString()],
    ['onfile.dlq.value', byReference ? 'omitted' : 'raw'],
    ['onfile.dlq.replay-count', String(options.replayCount)],
    ['onfile.dlq.timestamp', String(options.timestampMs)],
    ['onfile.dlq.app-version', options.appVersion],
  ]
  if (options.schemaId !== undefined) texts.push(['onfile.dlq.schema-id', String(options.schemaId)])
  return texts.map(([key, text]) => ({ key, value: Buffer.from(text) }))
}

function valueHoldsPan(value: Buffer | null, decoded: unknown): boolean {
  if (value === null) return false
  return bytesHoldPan(value) || leavesHoldPan(decoded)
}

/** Every text, number and name in a decoded value. Without recursion: a value of 1 MiB can be half a million levels deep. */
function leavesHoldPan(decoded: unknown): boolean {
  const open = [decoded]
  while (open.length > 0) {
    const value = open.pop()
    if (typeof value === 'string') {
      if (holdsPan(value)) return true
    } else if (typeof value === 'number' || typeof value === 'bigint') {
      if (holdsPan(String(value))) return true
    } else if (value instanceof Uint8Array) {
      if (bytesHoldPan(Buffer.from(value))) return true
    } else if (Array.isArray(value)) {
      for (const item of value as readonly unknown[]) open.push(item)
    } else if (typeof value === 'object' && value !== null) {
      for (const [name, item] of Object.entries(value)) {
        if (holdsPan(name)) return true
        open.push(item)
      }
    }
  }
  return false
}

function headerHoldsPan(header: Header): boolean {
  return holdsPan(header.key) || (header.value !== null && bytesHoldPan(header.value))
}

function isOwn(header: Header): boolean {
  return OWN_PREFIXES.some(prefix => header.key.startsWith(prefix))
}

function sizeBytes(key: Buffer | null, value: Buffer | null, headers: readonly Header[]): number {
  let size = OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0)
  for (const header of headers) size += Buffer.byteLength(header.key) + (header.value?.length ?? 0) + 10
  return size
}
