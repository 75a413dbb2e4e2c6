import type { UserEvent, UserEventBody } from '../../domain/records.ts'
import { frameSchemaId, isFramed } from '../../avro/frame.ts'
import { InputNotReadyError } from '../../engine/processor.ts'
import type { Encoder, Processor, TaskContext } from '../../engine/processor.ts'
import type { RecordView } from '../../kafka/recordBatch.ts'
import { appendedAtHeader } from '../appendedAt.ts'
import { hintValue, merchantKey } from '../control.ts'
import { deadLetter, rawEncoder } from '../deadLetter.ts'
import type { InputOrigin } from './inputPosition.ts'
import { readInputValue } from './inputValue.ts'
import { InputJudge } from './judge.ts'
import type { InputReaders, Judged } from './judge.ts'
import { dedupeKey, knotTime } from './knotInput.ts'
import type { KnotInput, MerchantStatus } from './knotInput.ts'
import { lifecycleTime } from './lifecycleInput.ts'
import type { LifecycleInput } from './lifecycleInput.ts'
import type { PanFields } from './panFields.ts'
import type { DeadLetterReason } from './rejection.ts'
import type { IngestMetrics, IngestSettings, IngestTopics, OwnerDirectory } from './settings.ts'
import { resolveUser } from './userResolution.ts'

/** Everything that the processors of all partitions share. */
export interface IngestParts {
  readonly topics: IngestTopics
  readonly settings: IngestSettings
  readonly userEvents: Encoder<UserEvent>
  readonly readers: InputReaders
  readonly panFields: PanFields
  /** Null where no directory is configured. */
  readonly directory: OwnerDirectory | null
  readonly metrics: IngestMetrics
}

type Context = TaskContext<object, never>

/** Look-ups that must be made before some records can be processed. */
interface Needs {
  readonly schemas: Map<string, { readonly feed: 'lifecycle' | 'knot'; readonly schemaId: number }>
  readonly cardRefs: Set<string>
}

const ROLE = 'ingest'
const MAX_SCHEMA_LOADS = 8
/**
 * Cards that are looked up before the first of their records goes on: a fetch may name thousands, and what a slow directory
 * said of the first ones would be stale by the time it has answered for the last.
 */
const MAX_LOOK_UPS = 512
const DEFAULT_DEAD_LETTER_MAX_BYTES = 1_048_588
/** What a record batch and its own fields take of `max.message.bytes`. */
const BATCH_OVERHEAD_BYTES = 256

/**
 * INGEST of one partition: each record becomes one `UserEvent`, one dead letter, or is counted as ignored. It keeps no
 * state. `prepare` judges a whole batch and looks up what its first records lack, and `onRecord` uses those verdicts, so
 * that a record is decoded once; at the first record that lacks something still, or again, `onRecord` asks for it and for
 * what comes after it. So a card that has no answer holds up what is behind it, for as long as the directory says, and
 * nothing before it.
 */
export class IngestProcessor implements Processor {
  readonly #parts: IngestParts
  readonly #judge: InputJudge
  readonly #judged = new Map<number, Judged>()
  /** The batch, as long as some of it is to be processed. */
  #batch: readonly RecordView[] = []

  constructor(parts: IngestParts, topic: string, partition: number) {
    this.#parts = parts
    this.#judge = new InputJudge(topic, partition, parts.topics, parts.settings, parts.readers, parts.panFields)
  }

  async prepare(records: readonly RecordView[], signal: AbortSignal): Promise<void> {
    this.#judged.clear()
    this.#batch = records
    await this.#lookUp(records, signal)
  }

  onRecord(record: RecordView, ctx: Context): void {
    const judged = this.#judged.get(record.offset) ?? this.#judge.judge(record)
    const { verdict, origin } = judged
    switch (verdict.kind) {
      case 'schema_needed':
        throw this.#notReady(record, `schema ${verdict.schemaId} is not loaded`)
      case 'ignored':
        this.#parts.metrics.ignored(origin.position.topic, verdict.event)
        if (verdict.hint !== undefined) this.#passHint(verdict.hint, origin, ctx)
        break
      case 'rejected':
        this.#deadLetter(record, origin, verdict.reason, ctx)
        break
      case 'lifecycle':
        this.#onLifecycle(record, origin, verdict, ctx)
        break
      case 'knot':
        this.#onKnot(record, origin, verdict, ctx)
        break
    }
    this.#judged.delete(record.offset)
    if (record.offset === this.#batch.at(-1)?.offset) this.#batch = []
  }

  #onLifecycle(record: RecordView, origin: InputOrigin, input: LifecycleInput, ctx: Context): void {
    const { settings, directory, panFields } = this.#parts
    const time = lifecycleTime(input, origin.timestampMs, ctx.now, settings.futureSkewMs)
    if (typeof time !== 'number') return this.#deadLetter(record, origin, time.reason, ctx)
    const user = resolveUser(record, input, settings.userFrom, directory)
    if (user.kind === 'owner_needed') throw this.#notReady(record, 'the owner of a card is not looked up')
    if (user.kind === 'rejected') return this.#deadLetter(record, origin, user.reason, ctx)
    const { userId } = user
    if (panFields.inId(userId)) return this.#deadLetter(record, origin, 'contains_pan', ctx)
    this.#forward(record, userId, origin, input.eventUid, time, lifecycleBody(input, time), ctx)
  }

  #onKnot(record: RecordView, origin: InputOrigin, input: KnotInput, ctx: Context): void {
    const time = knotTime(input, origin.timestampMs, ctx.now, this.#parts.settings.futureSkewMs)
    if (typeof time !== 'number') return this.#deadLetter(record, origin, time.reason, ctx)
    const body = knotBody(input, time, dedupeKey(input, this.#parts.settings.dedupeSecret))
    this.#forward(record, input.userId, origin, null, time, body, ctx)
  }

  #forward(
    record: RecordView,
    userId: string,
    origin: InputOrigin,
    eventId: string | null,
    time: number,
    body: UserEventBody,
    ctx: Context,
  ): void {
    const { topics, userEvents, metrics } = this.#parts
    const { topic, partition, offset } = origin.position
    const source = { topic, partition, offset, event_id: eventId }
    const event: UserEvent = { user_id: userId, source, origin: source, occurred_at: time, body }
    // Of a replay it is the replay's own time: what waited in the dead letters is not late.
    const headers = appendedAtHeader(record.timestamp)
    const to = ctx.partitionFor(topics.userEvents, userId)
    ctx.forward(topics.userEvents, to, userId, event, userEvents, { headers })
    metrics.forwarded(topic, body.kind === 'knot' ? 'knot' : 'lifecycle')
  }

  /** Knot's own time, so that a copy read again is old news; never a time that is still to come. */
  #passHint({ merchantId, up, timestamp }: MerchantStatus, origin: InputOrigin, ctx: Context): void {
    const topic = this.#parts.topics.control
    const key = merchantKey(merchantId)
    const atMs = Math.min(ctx.now, timestamp ?? origin.timestampMs)
    ctx.forward(topic, ctx.partitionFor(topic, key), key, hintValue({ merchantId, up, atMs }), rawEncoder)
  }

  #deadLetter(record: RecordView, origin: InputOrigin, reason: DeadLetterReason, ctx: Context): void {
    const { topics, settings, metrics } = this.#parts
    const letter = deadLetter({
      record,
      position: origin.position,
      timestampMs: origin.timestampMs,
      reason,
      role: ROLE,
      failedAtMs: ctx.now,
      appVersion: settings.appVersion,
      replayCount: origin.replayCount,
      schemaId: frameSchemaId(record.buffer, record.valueStart, record.valueEnd),
      decoded: this.#decoded(record, origin, reason),
      maxBytes: (settings.deadLetterMaxBytes ?? DEFAULT_DEAD_LETTER_MAX_BYTES) - BATCH_OVERHEAD_BYTES,
    })
    const partitionKey = letter.key ?? `${origin.position.topic}-${origin.position.partition}`
    const partition = ctx.partitionFor(topics.deadLetters, partitionKey)
    ctx.forward(topics.deadLetters, partition, letter.key, letter.value, rawEncoder, { headers: letter.headers })
    metrics.deadLettered(origin.position.topic, letter.reason)
  }

  /** The value once more, whole, for the search for card numbers: a dead letter is rare and may cost that. */
  #decoded(record: RecordView, origin: InputOrigin, reason: DeadLetterReason): unknown {
    const { buffer, valueStart, valueEnd } = record
    if (origin.feed === null || reason === 'too_large' || valueEnd < 0) return undefined
    const reader = this.#parts.readers[origin.feed]
    if (isFramed(buffer, valueStart, valueEnd)) return reader.decodeWhole(buffer, valueStart, valueEnd)
    const input = readInputValue(record, reader, valueEnd - valueStart)
    return input.kind === 'value' ? input.value : undefined
  }

  /** Rejects while the first of these records cannot be processed; what others lack may be missing still. */
  async #lookUp(records: readonly RecordView[], signal: AbortSignal): Promise<void> {
    const needs: Needs = { schemas: new Map(), cardRefs: new Set() }
    this.#collect(records, needs)
    await this.#loadSchemas(needs)
    // Only now can the records of a new schema be read, and say whose owner they need.
    if (needs.schemas.size > 0) this.#collect(records, needs)
    try {
      await this.#parts.directory?.resolve(needs.cardRefs, signal)
    } catch (error) {
      const left: Needs = { schemas: new Map(), cardRefs: new Set() }
      this.#collect(records.slice(0, 1), left)
      if (left.cardRefs.size > 0) throw error
    }
  }

  #collect(records: readonly RecordView[], needs: Needs): void {
    const { settings, directory } = this.#parts
    for (const record of records) {
      const judged = this.#judged.get(record.offset) ?? this.#judge.judge(record)
      const { verdict } = judged
      if (verdict.kind === 'schema_needed') {
        needs.schemas.set(`${verdict.feed} ${verdict.schemaId}`, verdict)
        continue
      }
      this.#judged.set(record.offset, judged)
      if (verdict.kind !== 'lifecycle' || needs.cardRefs.size >= MAX_LOOK_UPS) continue
      const user = resolveUser(record, verdict, settings.userFrom, directory)
      if (user.kind === 'owner_needed') needs.cardRefs.add(user.cardRef)
    }
  }

  async #loadSchemas(needs: Needs): Promise<void> {
    const wanted = [...needs.schemas.values()]
    for (let at = 0; at < wanted.length; at += MAX_SCHEMA_LOADS) {
      const some = wanted.slice(at, at + MAX_SCHEMA_LOADS)
      await Promise.all(some.map(({ feed, schemaId }) => this.#parts.readers[feed].load(schemaId)))
    }
  }

  #notReady(record: RecordView, reason: string): InputNotReadyError {
    const at = this.#batch.findIndex(({ offset }) => offset === record.offset)
    const rest = at < 0 ? [record.clone()] : this.#batch.slice(at)
    return new InputNotReadyError(reason, signal => this.#lookUp(rest, signal))
  }
}

function lifecycleBody(input: LifecycleInput, time: number): UserEventBody {
  return {
    kind: 'lifecycle',
    event_uid: input.eventUid,
    card_ref: input.cardRef,
    type: input.type,
    status: input.status,
    updated_at: time,
    own_stamp: time === input.updatedAt,
  }
}

function knotBody(input: KnotInput, time: number, key: string): UserEventBody {
  return {
    kind: 'knot',
    event: input.event,
    merchant_id: input.merchantId,
    merchant_name: input.merchantName,
    task_id: input.taskId,
    card_id: input.cardId,
    reason: input.reason,
    send_card: input.sendCard,
    timestamp: time,
    dedupe_key: key,
  }
}
