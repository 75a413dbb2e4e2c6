import type { RecordCodec, RecordCodecs } from '../../src/avro/records.ts'
import type { TopicNames } from '../../src/config/topicNames.ts'
import type { CardOutcome, CardSuppression, ProvisioningCommand } from '../../src/domain/records.ts'
import { positionText } from './evidence.ts'
import type { DeadLetter, Evidence, InputRecord, SuppressionRecord } from './evidence.ts'
import type { SeenRecord } from './topicTail.ts'

/** Names of the topics that the ledger is kept from. */
export type LedgerTopics = Pick<
  TopicNames,
  'cardLifecycle' | 'knotEvents' | 'userEvents' | 'cardOutcomes' | 'provisioningCommands' | 'cardSuppressions' | 'dlq'
>

/** What the ledger tells as it happens. */
export interface LedgerListener {
  outcome(outcome: CardOutcome): void
  suppression(suppression: CardSuppression): void
  deadLetter(deadLetter: DeadLetter): void
}

/** The evidence as it comes in from the topics: `accept` takes each committed record once. */
export class Ledger implements Evidence {
  readonly inputs: InputRecord[] = []
  readonly outcomes: CardOutcome[] = []
  readonly commands: ProvisioningCommand[] = []
  readonly suppressions: SuppressionRecord[] = []
  readonly deadLetters: DeadLetter[] = []
  readonly #topics: LedgerTopics
  readonly #codecs: RecordCodecs
  readonly #listener: LedgerListener

  constructor(topics: LedgerTopics, codecs: RecordCodecs, listener: LedgerListener) {
    this.#topics = topics
    this.#codecs = codecs
    this.#listener = listener
  }

  accept(record: SeenRecord): void {
    const topics = this.#topics
    const codecs = this.#codecs
    switch (record.topic) {
      case topics.cardLifecycle:
        this.inputs.push({ ...positionOf(record), knotEvent: null, userId: null })
        break
      case topics.knotEvents:
        this.inputs.push({ ...positionOf(record), ...webhookOf(record.value) })
        break
      case topics.userEvents: {
        const event = decoded(codecs.userEvents, record)
        if (event?.body.kind !== 'operator') break
        this.inputs.push({ ...positionOf(record), knotEvent: null, userId: event.user_id })
        break
      }
      case topics.cardOutcomes: {
        const outcome = decoded(codecs.cardOutcomes, record)
        if (outcome === null) break
        this.outcomes.push(outcome)
        this.#listener.outcome(outcome)
        break
      }
      case topics.provisioningCommands: {
        const command = decoded(codecs.provisioningCommands, record)
        if (command !== null) this.commands.push(command)
        break
      }
      case topics.cardSuppressions: {
        const suppression = decoded(codecs.cardSuppressions, record)
        this.suppressions.push({ key: record.key ?? '', suppression })
        if (suppression !== null) this.#listener.suppression(suppression)
        break
      }
      case topics.dlq: {
        const deadLetter = deadLetterOf(record)
        this.deadLetters.push(deadLetter)
        this.#listener.deadLetter(deadLetter)
      }
    }
  }
}

const positionOf = ({ topic, partition, offset }: SeenRecord): InputRecord => ({
  topic,
  partition,
  offset,
  knotEvent: null,
  userId: null,
})

const decoded = <T>(codec: RecordCodec<T>, record: SeenRecord): T | null =>
  record.value === null ? null : codec.decode(record.value, 0, record.value.length)

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null)

const webhookOf = (value: Buffer | null): Pick<InputRecord, 'knotEvent' | 'userId'> => {
  try {
    const body = JSON.parse(value?.toString('utf8') ?? '') as Readonly<Record<string, unknown>>
    return { knotEvent: textOf(body.event), userId: textOf(body.external_user_id) }
  } catch {
    return { knotEvent: null, userId: null }
  }
}

const deadLetterOf = (record: SeenRecord): DeadLetter => {
  const header = (name: string): string => {
    const found = record.headers.find(({ key }) => key === name)?.value?.toString('utf8')
    if (found === undefined) throw new TypeError(`The dead letter at ${positionText(record)} has no header ${name}.`)
    return found
  }
  return {
    topic: header('__streams.errors.topic'),
    partition: Number(header('__streams.errors.partition')),
    offset: Number(header('__streams.errors.offset')),
    reason: header('onfile.dlq.reason'),
    byReference: header('onfile.dlq.value') === 'omitted',
  }
}
