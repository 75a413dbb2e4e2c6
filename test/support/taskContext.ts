import type { Encoder, Table, TaskContext, Timer } from '../../src/engine/processor.ts'
import type { Header } from '../../src/kafka/recordBatch.ts'

/** A record that a processor forwarded, with the bytes that its encoder made of the value. */
export interface ForwardedRecord {
  readonly topic: string
  readonly partition: number
  readonly key: string | null
  readonly keyBytes: Buffer | null
  readonly value: unknown
  readonly bytes: Buffer | null
  readonly headers: readonly Header[]
  readonly timestampMs: number
}

export interface FakeTaskContextOptions<Tables extends object> {
  readonly topic?: string
  readonly partition?: number
  readonly now?: number
  /** Names of the state tables; each starts empty. */
  readonly tables?: readonly (keyof Tables & string)[]
  /** Partitions of every topic. Default 4; a key's partition is the sum of its bytes modulo that. */
  readonly partitionCount?: number
}

/** A task context in memory, for driving a processor in unit tests: what the processor did is data to look at. */
export class FakeTaskContext<Tables extends object = object, Effect = never> implements TaskContext<Tables, Effect> {
  readonly topic: string
  readonly partition: number
  now: number
  readonly tables: { readonly [K in keyof Tables]: Table<Tables[K]> }
  readonly forwarded: ForwardedRecord[] = []
  /** By `<key>\n<name>`. */
  readonly timers = new Map<string, Timer>()
  readonly effects: Effect[] = []
  readonly #partitionCount: number

  constructor(options: FakeTaskContextOptions<Tables> = {}) {
    this.topic = options.topic ?? 'input'
    this.partition = options.partition ?? 0
    this.now = options.now ?? 1_750_000_000_000
    this.#partitionCount = options.partitionCount ?? 4
    const tables = Object.fromEntries((options.tables ?? []).map(name => [name, new MapTable<unknown>()]))
    this.tables = tables as unknown as { readonly [K in keyof Tables]: Table<Tables[K]> }
  }

  forward<T>(
    topic: string,
    partition: number,
    key: Buffer | string | null,
    value: T | null,
    encoder: Encoder<T>,
    options: { readonly headers?: readonly Header[]; readonly timestampMs?: number } = {},
  ): void {
    const keyBytes = key === null ? null : Buffer.from(key as string)
    this.forwarded.push({
      topic,
      partition,
      key: keyBytes?.toString('utf8') ?? null,
      keyBytes,
      value,
      bytes: value === null ? null : encoded(value, encoder),
      headers: options.headers ?? [],
      timestampMs: options.timestampMs ?? this.now,
    })
  }

  partitionFor(_topic: string, key: Buffer | string): number {
    return Buffer.from(key as string).reduce((sum, byte) => sum + byte, 0) % this.#partitionCount
  }

  schedule(key: string, name: string, dueAtMs: number): void {
    this.timers.set(`${key}\n${name}`, { key, name, dueAtMs })
  }

  cancelTimer(key: string, name: string): void {
    this.timers.delete(`${key}\n${name}`)
  }

  cancelTimers(key: string): void {
    for (const timer of [...this.timers.values()]) if (timer.key === key) this.cancelTimer(key, timer.name)
  }

  /** Commits at once. */
  measureCommit(sinceMs: number, report: (durationMs: number) => void): void {
    report(this.now - sinceMs)
  }

  startEffect(effect: Effect): void {
    this.effects.push(effect)
  }

  startLookUp(effect: Effect): void {
    this.effects.push(effect)
  }

  /** Forwarded records of one topic, and forgets them all. */
  take(topic: string): readonly ForwardedRecord[] {
    return this.forwarded.splice(0).filter(record => record.topic === topic)
  }
}

class MapTable<T> implements Table<T> {
  readonly #entries = new Map<string, T>()

  get(key: string): T | undefined {
    return this.#entries.get(key)
  }

  put(key: string, value: T): void {
    this.#entries.set(key, value)
  }

  delete(key: string): void {
    this.#entries.delete(key)
  }

  *entries(): IterableIterator<[key: string, value: T]> {
    const keys = [...this.#entries.keys()].sort()
    for (const key of keys) yield [key, this.#entries.get(key)!]
  }
}

function encoded<T>(value: T, encoder: Encoder<T>): Buffer {
  let buffer = Buffer.alloc(16)
  for (;;) {
    const end = encoder.encode(value, buffer, 0)
    if (end <= buffer.length) return buffer.subarray(0, end)
    buffer = Buffer.alloc(end)
  }
}
