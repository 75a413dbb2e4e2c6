import type { Header } from '../kafka/recordBatch.ts'
import { partitionForKey } from '../kafka/partitioner.ts'
import type { Cycle } from './cycle.ts'
import type { Encoder, Table, TaskContext } from './processor.ts'
import type { PartitionState } from './state.ts'

type Tables<T extends object> = { readonly [K in keyof T]: Table<T[K]> }

/** The one context object of a task: the engine points it at the current cycle before each callback. */
export class CycleContext<T extends object, Effect> implements TaskContext<T, Effect> {
  readonly topic: string
  readonly partition: number
  readonly tables: Tables<T>
  now = 0
  cycle: Cycle<Effect>
  private readonly state: PartitionState | null
  private readonly partitionCounts: ReadonlyMap<string, number>
  readonly startLookUp: (effect: Effect) => void

  constructor(
    topic: string,
    partition: number,
    tables: Tables<T>,
    state: PartitionState | null,
    cycle: Cycle<Effect>,
    partitionCounts: ReadonlyMap<string, number>,
    startLookUp: (effect: Effect) => void,
  ) {
    this.topic = topic
    this.partition = partition
    this.tables = tables
    this.state = state
    this.cycle = cycle
    this.partitionCounts = partitionCounts
    this.startLookUp = startLookUp
  }

  forward<V>(
    topic: string,
    partition: number,
    key: Buffer | string | null,
    value: V | null,
    encoder: Encoder<V>,
    options?: { readonly headers?: readonly Header[]; readonly timestampMs?: number },
  ): void {
    const count = this.partitionCounts.get(topic)
    if (count === undefined) throw new Error(`${topic} is not among the outputs that this role declared`)
    if (partition < 0 || partition >= count) throw new Error(`${topic} has no partition ${partition}, only ${count}`)
    const keyBytes = typeof key === 'string' ? Buffer.from(key, 'utf8') : key
    this.cycle.append(topic, partition, options?.timestampMs ?? this.now, keyBytes, value, encoder, options?.headers)
  }

  partitionFor(topic: string, key: Buffer | string): number {
    const count = this.partitionCounts.get(topic)
    if (count === undefined) throw new Error(`${topic} is not among the outputs that this role declared`)
    return partitionForKey(typeof key === 'string' ? Buffer.from(key, 'utf8') : key, count)
  }

  schedule(key: string, name: string, dueAtMs: number): void {
    this.stateful('schedule a timer').schedule(key, name, dueAtMs)
  }

  cancelTimer(key: string, name: string): void {
    this.stateful('cancel a timer').cancelTimer(key, name)
  }

  cancelTimers(key: string): void {
    const state = this.stateful('cancel timers')
    for (const name of state.timers.namesOf(key)) state.cancelTimer(key, name)
  }

  startEffect(effect: Effect): void {
    this.cycle.effects.push(effect)
  }

  measureCommit(sinceMs: number, report: (durationMs: number) => void): void {
    this.cycle.measuredSinceMs.push(sinceMs)
    this.cycle.measures.push(report)
  }

  private stateful(what: string): PartitionState {
    if (this.state === null) throw new Error(`A role without a changelog cannot ${what}`)
    return this.state
  }
}
