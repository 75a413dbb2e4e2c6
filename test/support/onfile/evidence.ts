import { frameSchemaId } from '../../../src/avro/frame.ts'
import type { RecordCodec, RecordCodecs } from '../../../src/avro/records.ts'
import type { TopicNames } from '../../../src/config/topicNames.ts'
import type { CardOutcome, CardSuppression, ProvisioningCommand, UserEvent } from '../../../src/domain/records.ts'
import { committedRecords } from '../readCommitted.ts'
import type { CommittedRecord } from '../readCommitted.ts'

/** A dead letter, with the position that it names. */
export interface DeadLetter {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly reason: string
  readonly record: CommittedRecord
  /** Of a card number in an operator's order, which may be obeyed all the same. */
  readonly mayStandBeside?: boolean
}

/** What Apache Kafka's own read_committed consumer finds in the topics of one run, decoded. Each list in topic order. */
export interface Evidence {
  /** Records of the two issuer topics, then operators' orders. */
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

/** Decoded as it is read: of what a long run leaves behind only the decoded records are kept, and the inputs. */
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
  const foreign: CommittedRecord[] = []
  const orders: CommittedRecord[] = []
  const userEvents: UserEvent[] = []
  const commands: Placed<ProvisioningCommand>[] = []
  const outcomes: Placed<CardOutcome>[] = []
  const suppressions: Placed<CardSuppression>[] = []
  const deadLetters: DeadLetter[] = []
  const issued = new Map<string, CommittedRecord[]>([
    [topics.cardLifecycle, []],
    [topics.knotEvents, []],
  ])
  for await (const record of committedRecords(brokers, names)) {
    switch (record.topic) {
      case topics.userEvents:
        for (const { value } of decoded(codecs.userEvents, record, foreign)) {
          userEvents.push(value)
          if (value.body.kind === 'operator') orders.push(record)
        }
        break
      case topics.provisioningCommands:
        commands.push(...decoded(codecs.provisioningCommands, record, foreign))
        break
      case topics.cardOutcomes:
        outcomes.push(...decoded(codecs.cardOutcomes, record, foreign))
        break
      case topics.cardSuppressions:
        if (record.value !== null) suppressions.push(...decoded(codecs.cardSuppressions, record, foreign))
        break
      case topics.dlq:
        deadLetters.push(deadLetterOf(record, topics.userEvents))
        break
      default:
        issued.get(record.topic)?.push(record)
    }
  }
  const inputs = [...[...issued.values()].flat(), ...orders]
  return { inputs, userEvents, commands, outcomes, suppressions, deadLetters, foreign }
}

/** Text of a header; undefined where there is none. */
export function headerOf(record: CommittedRecord, name: string): string | undefined {
  return record.headers.find(({ key }) => key === name)?.value?.toString('utf8')
}

/** Nothing where the record is not in this release's schema. */
function decoded<T>(codec: RecordCodec<T>, record: CommittedRecord, foreign: CommittedRecord[]): Placed<T>[] {
  const { partition, offset, value } = record
  if (value === null || frameSchemaId(value, 0, value.length) !== codec.schemaId) {
    foreign.push(record)
    return []
  }
  return [{ partition, offset, value: codec.decode(value, 0, value.length) }]
}

function deadLetterOf(record: CommittedRecord, orders: string): DeadLetter {
  const topic = headerOf(record, '__streams.errors.topic') ?? ''
  const reason = headerOf(record, 'onfile.dlq.reason') ?? ''
  return {
    topic,
    partition: Number(headerOf(record, '__streams.errors.partition')),
    offset: Number(headerOf(record, '__streams.errors.offset')),
    reason,
    record,
    mayStandBeside: topic === orders && reason === 'contains_pan',
  }
}
