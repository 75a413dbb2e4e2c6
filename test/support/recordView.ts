import { MAX_HEADERS } from '../../src/kafka/recordView.ts'
import type { Header, RecordView } from '../../src/kafka/recordBatch.ts'

export interface RecordParts {
  readonly key?: Buffer | string | null
  readonly value?: Buffer | string | null
  readonly headers?: Readonly<Record<string, Buffer | string>>
  readonly offset?: number
  readonly timestamp?: number
}

/** A record as a processor sees it, without a batch around it. Key and value stand in one buffer, as on the wire. */
export function recordView(parts: RecordParts): RecordView {
  const key = bytesOf(parts.key ?? null)
  const value = bytesOf(parts.value ?? null)
  const headers: readonly Header[] = Object.entries(parts.headers ?? {}).map(([name, header]) => ({
    key: name,
    value: bytesOf(header),
  }))
  const before = Buffer.from('~~')
  const buffer = Buffer.concat([before, key ?? Buffer.alloc(0), value ?? Buffer.alloc(0), Buffer.from('~~')])
  const keyEnd = before.length + (key?.length ?? 0)
  const view: unknown = {
    buffer,
    offset: parts.offset ?? 0,
    timestamp: parts.timestamp ?? 1_743_000_000_000,
    keyStart: before.length,
    keyEnd: key === null ? -1 : keyEnd,
    valueStart: keyEnd,
    valueEnd: value === null ? -1 : keyEnd + value.length,
    headersStart: 0,
    headerCount: headers.length,
    hasTooManyHeaders: headers.length > MAX_HEADERS,
    key: () => (key === null ? null : buffer.subarray(before.length, keyEnd)),
    value: () => (value === null ? null : buffer.subarray(keyEnd, keyEnd + value.length)),
    keyString: () => key?.toString('utf8') ?? null,
    headers: () => [...headers],
    clone: () => recordView(parts),
  }
  return view as RecordView
}

function bytesOf(content: Buffer | string | null): Buffer | null {
  return typeof content === 'string' ? Buffer.from(content, 'utf8') : content
}
