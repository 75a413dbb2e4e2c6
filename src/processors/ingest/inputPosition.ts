import type { RecordView } from '../../kafka/recordBatch.ts'
import { headerText } from '../deadLetter.ts'
import type { RecordPosition } from '../deadLetter.ts'
import type { IngestTopics } from './settings.ts'

/** Which of the issuer's two feeds a record belongs to. */
export type InputFeed = 'lifecycle' | 'knot'

/** Where a record comes from in truth: itself, or for a replayed dead letter the record that it was. */
export interface InputOrigin {
  /** Null where a replay does not say which feed it belongs to. */
  readonly feed: InputFeed | null
  readonly position: RecordPosition
  readonly timestampMs: number
  /** Replays before this one; 0 for a record that comes for the first time. */
  readonly replayCount: number
}

/**
 * A record of a feed stands for itself. One of `onfile-retry` names the topic, partition and offset that it had
 * (`onfile.source.*`), and which feed it belongs to follows from that topic.
 */
export function inputOrigin(record: RecordView, topic: string, partition: number, topics: IngestTopics): InputOrigin {
  const own = { topic, partition, offset: record.offset }
  if (topic !== topics.retry) {
    return { feed: feedOf(topic, topics), position: own, timestampMs: record.timestamp, replayCount: 0 }
  }
  const headers = record.hasTooManyHeaders ? [] : record.headers()
  const replayCount = (decimal(headerText(headers, 'onfile.dlq.replay-count')) ?? 0) + 1
  const sourceTopic = headerText(headers, 'onfile.source.topic')
  const sourcePartition = decimal(headerText(headers, 'onfile.source.partition'))
  const offset = decimal(headerText(headers, 'onfile.source.offset'))
  const timestampMs = decimal(headerText(headers, 'onfile.dlq.timestamp')) ?? record.timestamp
  const feed = sourceTopic === null ? null : feedOf(sourceTopic, topics)
  if (sourceTopic === null || feed === null || sourcePartition === null || offset === null) {
    return { feed: null, position: own, timestampMs: record.timestamp, replayCount }
  }
  return { feed, position: { topic: sourceTopic, partition: sourcePartition, offset }, timestampMs, replayCount }
}

function feedOf(topic: string, topics: IngestTopics): InputFeed | null {
  if (topic === topics.cardLifecycle) return 'lifecycle'
  return topic === topics.knotEvents ? 'knot' : null
}

function decimal(text: string | null): number | null {
  if (text === null || !/^\d{1,16}$/.test(text)) return null
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : null
}
