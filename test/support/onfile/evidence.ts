import { frameSchemaId } from '../../../src/avro/frame.ts'
import type { RecordCodec, RecordCodecs } from '../../../src/avro/records.ts'
import type { TopicNames } from '../../../src/config/topicNames.ts'
import type { CardOutcome, CardSuppression, ProvisioningCommand, UserEvent } from '../../../src/domain/records.ts'
import { readCommitted } from '../readCommitted.ts'
import type { CommittedRecord } from '../readCommitted.ts'

/** A dead letter, with the position that it names. */
export interface DeadLetter {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly reason: string
  readonly record: CommittedRecord
}

/** What Apache Kafka's own read_committed consumer finds in the topics of one run, decoded. Each list in topic order. */
export interface Evidence {
  /** Records of the two issuer topics. */
  readonly inputs: readonly CommittedRecord[]
  readonly userEvents: readonly UserEvent[]
  readonly commands: readonly Placed<ProvisioningCommand>[]
  readonly outcomes: readonly Placed<CardOutcome>[]
  /** Without tombstones. */
  readonly suppressions: readonly Placed<CardSuppression>[]
  readonly deadLetters: readonly DeadLetter[]
  /** Records of onfile's own topics that are not in this release's schema. */
  readonly foreign: readonly CommittedRecord[]
}

export interface Placed<T> {
  readonly partition: number
  readonly offset: number
  readonly value: T
}

/** `topic-partition@offset`. */
export function positionText(position: { topic: string; partition: number; offset: number }): string {
  return `${position.topic}-${position.partition}@${position.offset}`
}

export async function readEvidence(brokers: string, topics: TopicNames, codecs: RecordCodecs): Promise<Evidence> {
  const names = [
    topics.cardLifecycle,
    topics.knotEvents,
    topics.userEvents,
    topics.provisioningCommands,
    topics.cardOutcomes,
    topics.cardSuppressions,
    topics.dlq,
  ]
  const byTopic = Map.groupBy(await readCommitted(brokers, names), record => record.topic)
  const of = (topic: string): CommittedRecord[] => byTopic.get(topic) ?? []
  const foreign: CommittedRecord[] = []
  return {
    inputs: [...of(topics.cardLifecycle), ...of(topics.knotEvents)],
    userEvents: decoded(codecs.userEvents, of(topics.userEvents), foreign).map(({ value }) => value),
    commands: decoded(codecs.provisioningCommands, of(topics.provisioningCommands), foreign),
    outcomes: decoded(codecs.cardOutcomes, of(topics.cardOutcomes), foreign),
    suppressions: decoded(
      codecs.cardSuppressions,
      of(topics.cardSuppressions).filter(({ value }) => value !== null),
      foreign,
    ),
    deadLetters: of(topics.dlq).map(deadLetterOf),
    foreign,
  }
}

/** Text of a header; undefined where there is none. */
export function headerOf(record: CommittedRecord, name: string): string | undefined {
  return record.headers.find(({ key }) => key === name)?.value?.toString('utf8')
}

function decoded<T>(
  codec: RecordCodec<T>,
  records: readonly CommittedRecord[],
  foreign: CommittedRecord[],
): Placed<T>[] {
  return records.flatMap(record => {
    const { partition, offset, value } = record
    if (value === null || frameSchemaId(value, 0, value.length) !== codec.schemaId) {
      foreign.push(record)
      return []
    }
    return [{ partition, offset, value: codec.decode(value, 0, value.length) }]
  })
}

function deadLetterOf(record: CommittedRecord): DeadLetter {
  return {
    topic: headerOf(record, '__streams.errors.topic') ?? '',
    partition: Number(headerOf(record, '__streams.errors.partition')),
    offset: Number(headerOf(record, '__streams.errors.offset')),
    reason: headerOf(record, 'onfile.dlq.reason') ?? '',
    record,
  }
}
