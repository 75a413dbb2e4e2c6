import { BatchBuilder } from '../../../src/kafka/batchBuilder.ts'
import type { FetchedChunk, Subscription } from '../../../src/kafka/fetcher.ts'

/** Writes text as it is. */
export const raw = {
  encode(value: string, buffer: Buffer, position: number): number {
    const bytes = Buffer.byteLength(value)
    if (position + bytes <= buffer.length) buffer.write(value, position)
    return position + bytes
  },
}

/** Fetched bytes of `count` records from `fromOffset`, all appended at one time. */
export function chunk(fromOffset: number, count: number, timestampMs = 1_000): FetchedChunk {
  const batch = new BatchBuilder()
  for (let i = 0; i < count; i++) batch.append(timestampMs, Buffer.from('key'), `value ${fromOffset + i}`, raw)
  const bytes = Buffer.from(batch.finish(-1n, -1, -1, { transactional: false }))
  bytes.writeBigInt64BE(BigInt(fromOffset), 0)
  return { source: 'input-0', fromOffset, bytes, aborted: [], nextOffset: fromOffset + count }
}

/** The fetcher's side, in the test's hand. */
export class FakeSubscription implements Subscription {
  chunks: FetchedChunk[] = []
  position = 0
  highWatermark = -1
  highWatermarkAskedAtMs = 0
  lastStableOffset = -1
  blockedSinceMs = 0
  logStartOffset = 0
  lastError: Error | undefined
  failure: Error | undefined
  take(): FetchedChunk | undefined {
    return this.chunks.shift()
  }
  get next(): FetchedChunk | undefined {
    return this.chunks[0]
  }
  close(): void {
    this.chunks = []
  }
}
