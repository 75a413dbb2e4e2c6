import type { RecordView } from '../../kafka/recordBatch.ts'
import type { InputFeed, InputOrigin } from './inputPosition.ts'
import { inputOrigin } from './inputPosition.ts'
import { readInputValue } from './inputValue.ts'
import type { InputReader } from './inputValue.ts'
import { knotInput } from './knotInput.ts'
import type { IgnoredKnotInput, KnotInput } from './knotInput.ts'
import { lifecycleInput } from './lifecycleInput.ts'
import type { LifecycleInput } from './lifecycleInput.ts'
import type { PanFields } from './panFields.ts'
import { rejected } from './rejection.ts'
import type { Rejection } from './rejection.ts'
import type { IngestSettings, IngestTopics } from './settings.ts'

/** Readers of issuers' Avro by feed: their expected fields differ. */
export type InputReaders = Readonly<Record<InputFeed, InputReader>>

export type Verdict =
  | LifecycleInput
  | KnotInput
  | IgnoredKnotInput
  | Rejection
  | { readonly kind: 'schema_needed'; readonly feed: InputFeed; readonly schemaId: number }

/** What can be said about one record by looking at it: without the clock and without asking anybody. */
export interface Judged {
  readonly origin: InputOrigin
  readonly verdict: Verdict
}

const DEFAULT_MAX_VALUE_BYTES = 1_048_576

/** Judges the records of one input partition. */
export class InputJudge {
  readonly #topic: string
  readonly #partition: number
  readonly #topics: IngestTopics
  readonly #settings: IngestSettings
  readonly #readers: InputReaders
  readonly #panFields: PanFields

  constructor(
    topic: string,
    partition: number,
    topics: IngestTopics,
    settings: IngestSettings,
    readers: InputReaders,
    panFields: PanFields,
  ) {
    this.#topic = topic
    this.#partition = partition
    this.#topics = topics
    this.#settings = settings
    this.#readers = readers
    this.#panFields = panFields
  }

  judge(record: RecordView): Judged {
    const origin = inputOrigin(record, this.#topic, this.#partition, this.#topics)
    return { origin, verdict: this.#verdict(record, origin.feed) }
  }

  #verdict(record: RecordView, feed: InputFeed | null): Verdict {
    const maxValueBytes = this.#settings.maxValueBytes ?? DEFAULT_MAX_VALUE_BYTES
    if (record.hasTooManyHeaders) return rejected('too_large')
    if (feed === null) return rejected(record.valueEnd < 0 ? 'empty_value' : 'schema_violation')
    const input = readInputValue(record, this.#readers[feed], maxValueBytes)
    if (input.kind === 'rejected') return input
    if (input.kind === 'schema_needed') return { kind: 'schema_needed', feed, schemaId: input.schemaId }
    return feed === 'lifecycle' ? this.#lifecycle(input.value) : this.#knot(input.value)
  }

  #lifecycle(value: unknown): Verdict {
    const input = lifecycleInput(value, this.#settings.cardRef)
    return input.kind === 'lifecycle' && this.#panFields.inLifecycle(input) ? rejected('contains_pan') : input
  }

  #knot(value: unknown): Verdict {
    const input = knotInput(value)
    return input.kind === 'knot' && this.#panFields.inKnot(input) ? rejected('contains_pan') : input
  }
}
