import { BatchBuilder } from '../kafka/recordBatch.ts'
import type { Header } from '../kafka/recordBatch.ts'
import type { OutputBatch } from '../kafka/transaction.ts'
import type { Encoder } from './processor.ts'

/** A batch is closed when it has grown past this: brokers take 1 MiB per batch by default (max.message.bytes). */
export const BATCH_SOFT_LIMIT_BYTES = 850 << 10

/** The batches of one output partition in one cycle: all full but the last. */
class Lane {
  readonly topic: string
  readonly partition: number
  readonly full: BatchBuilder[] = []
  current = new BatchBuilder(64 << 10)
  private readonly spare: BatchBuilder[] = []

  constructor(topic: string, partition: number) {
    this.topic = topic
    this.partition = partition
  }

  append<T>(
    timestampMs: number,
    key: Buffer | null,
    value: T | null,
    encoder: Encoder<T>,
    headers: readonly Header[] | undefined,
  ): BatchBuilder {
    if (this.current.sizeBytes > BATCH_SOFT_LIMIT_BYTES) {
      this.full.push(this.current)
      this.current = this.spare.pop() ?? new BatchBuilder(1 << 20)
    }
    this.current.append(timestampMs, key, value, encoder, headers)
    return this.current
  }

  reset(): void {
    this.current.reset()
    for (const builder of this.full) {
      builder.reset()
      if (this.spare.length < 4) this.spare.push(builder)
    }
    this.full.length = 0
  }
}

/**
 * Everything that one commit cycle makes true at once: output records, changelog records, the input position, effects.
 * A task has two and swaps them: cycle n+1 is filled while n commits. Lanes are kept over cycles, so that a busy task
 * allocates nothing here.
 */
export class Cycle<Effect> {
  /** Number of this cycle, unique over the life of the task's group offset; carried as offset metadata. */
  number = 0
  /** The changelog ended there or later before this cycle: `ChangelogReach` counts on from it. */
  changelogBefore = 0
  /** Input offset after the last record of this cycle. */
  endOffset = 0
  /** Input records, timers and effects processed. */
  inputs = 0
  records = 0
  outputs = 0
  /** Append time of the oldest input record in it, for freshness. */
  oldestRecordMs = Number.POSITIVE_INFINITY
  readonly effects: Effect[] = []
  /** What `measureCommit` asked for: two columns, so that a record costs no object. */
  readonly measuredSinceMs: number[] = []
  readonly measures: ((durationMs: number) => void)[] = []
  /** Changelog records in order: slot of the entry, batch, value range (-1, -1 for a delete). */
  readonly changedSlots: number[] = []
  readonly changedBatches: BatchBuilder[] = []
  readonly changedStarts: number[] = []
  readonly changedEnds: number[] = []
  /** By topic, then by partition: sparse where nothing was ever written. */
  private readonly lanes = new Map<string, (Lane | undefined)[]>()
  private largestBatches = 0

  append<T>(
    topic: string,
    partition: number,
    timestampMs: number,
    key: Buffer | null,
    value: T | null,
    encoder: Encoder<T>,
    headers?: readonly Header[],
  ): BatchBuilder {
    let ofTopic = this.lanes.get(topic)
    if (ofTopic === undefined) {
      ofTopic = []
      this.lanes.set(topic, ofTopic)
    }
    const lane = (ofTopic[partition] ??= new Lane(topic, partition))
    this.outputs++
    const batch = lane.append(timestampMs, key, value, encoder, headers)
    if (lane.full.length > this.largestBatches) this.largestBatches = lane.full.length
    return batch
  }

  /** A batch has overflowed: this cycle should be committed before more goes into it. */
  get full(): boolean {
    return this.largestBatches > 0
  }

  get empty(): boolean {
    return this.inputs === 0 && this.outputs === 0 && this.effects.length === 0
  }

  /** The batches to send: one per partition in each round, in order. */
  rounds(): OutputBatch[][] {
    const rounds: OutputBatch[][] = []
    for (const ofTopic of this.lanes.values()) {
      for (const lane of ofTopic) {
        if (lane === undefined) continue
        const { topic, partition } = lane
        let round = 0
        for (const batch of lane.full) (rounds[round++] ??= []).push({ topic, partition, batch })
        if (lane.current.recordCount > 0) (rounds[round] ??= []).push({ topic, partition, batch: lane.current })
      }
    }
    return rounds
  }

  /** The transaction has committed: all that wanted to know when is told. */
  reportMeasures(committedAtMs: number): void {
    const { measures, measuredSinceMs } = this
    for (let index = 0; index < measures.length; index++) measures[index]!(committedAtMs - measuredSinceMs[index]!)
  }

  reset(): void {
    for (const ofTopic of this.lanes.values()) for (const lane of ofTopic) lane?.reset()
    this.inputs = 0
    this.records = 0
    this.outputs = 0
    this.oldestRecordMs = Number.POSITIVE_INFINITY
    this.effects.length = 0
    this.measuredSinceMs.length = 0
    this.measures.length = 0
    this.changedSlots.length = 0
    this.changedBatches.length = 0
    this.changedStarts.length = 0
    this.changedEnds.length = 0
    this.largestBatches = 0
  }
}
