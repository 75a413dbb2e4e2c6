import type { Header, RecordView } from '../kafka/recordBatch.ts'

/**
 * When the issuer's record behind a record was appended: a header of onfile's own topics, for the freshness of outcomes.
 * Eight bytes, big-endian, milliseconds. Records that others write have none: their own time counts.
 */
export const APPENDED_AT = 'onfile.appended-at'

export function appendedAtHeader(timestampMs: number): readonly Header[] {
  const value = Buffer.alloc(8)
  if (timestampMs > 0) value.writeUIntBE(Math.min(timestampMs, MOST), 2, 6)
  return [{ key: APPENDED_AT, value }]
}

/** Null where the header is missing or is none of ours. Headers that nobody can read must not stop a record. */
export function appendedAtOf(record: RecordView): number | null {
  if (record.headerCount === 0) return null
  try {
    const value = record.headers().find(({ key }) => key === APPENDED_AT)?.value
    return value?.length === 8 ? value.readUIntBE(2, 6) : null
  } catch {
    return null
  }
}

const MOST = 2 ** 48 - 1
