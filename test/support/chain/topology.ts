import { createHash } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { Codec, EffectOutcome, Processor, TaskContext, Timer, Topology } from '../../../src/engine/processor.ts'
import type { RecordView } from '../../../src/kafka/recordBatch.ts'

/**
 * A topology made to be checked: every input record of a key extends a hash chain and writes the new link; every fifth
 * starts an effect whose result is written once; every seventh sets a timer that writes once. Loss, duplicate and reorder
 * each break the chain or a count.
 */
export interface ChainTables {
  chains: Chain
}

interface Chain {
  readonly count: number
  readonly hash: string
  /** Effects that were started and have not ended. */
  readonly openEffects: readonly number[]
  /** Only written from state version 2 on. */
  readonly links?: number
}

export interface ChainTopics {
  readonly input: string
  readonly output: string
  readonly changelog: string
}

export interface ChainVariant {
  /** 1, or 2: adds a field, reads both. */
  readonly stateVersion: 1 | 2
  /** Wall clock: timers set before it are due then. */
  readonly timersDueAtMs: number
  /** Wall clock: effects started before it end then. */
  readonly effectsEndAtMs: number
}

interface ChainEffect {
  readonly key: string
  readonly count: number
}

/** A value at which the processor throws. */
export const DEFECT = 'defect'

function jsonCodec<T>(): Codec<T> {
  return {
    encode(value, buffer, position) {
      const text = JSON.stringify(value)
      const bytes = Buffer.byteLength(text)
      if (position + bytes <= buffer.length) buffer.write(text, position, 'utf8')
      return position + bytes
    },
    decode: (buffer, start, end) => JSON.parse(buffer.toString('utf8', start, end)) as T,
  }
}

const text: Codec<string> = {
  encode(value, buffer, position) {
    const bytes = Buffer.byteLength(value)
    if (position + bytes <= buffer.length) buffer.write(value, position, 'utf8')
    return position + bytes
  },
  decode: (buffer, start, end) => buffer.toString('utf8', start, end),
}

export function nextLink(hash: string, value: string): string {
  return createHash('sha256').update(hash).update(value).digest('hex').slice(0, 16)
}

class ChainProcessor implements Processor<ChainTables, ChainEffect, string> {
  private readonly output: string
  private readonly variant: ChainVariant

  constructor(output: string, variant: ChainVariant) {
    this.output = output
    this.variant = variant
  }

  onRecord(record: RecordView, ctx: TaskContext<ChainTables, ChainEffect>): void {
    const key = record.keyString() ?? ''
    const value = record.value()?.toString('utf8') ?? ''
    if (value === DEFECT) throw new Error('what this record says cannot be')
    const before = ctx.tables.chains.get(key) ?? { count: 0, hash: '', openEffects: [] }
    const count = before.count + 1
    const startsEffect = count % 5 === 0
    const after: Chain = {
      count,
      hash: nextLink(before.hash, value),
      openEffects: startsEffect ? [...before.openEffects, count] : before.openEffects,
      ...(this.variant.stateVersion === 2 ? { links: count } : {}),
    }
    ctx.tables.chains.put(key, after)
    this.emit(ctx, key, `link ${count} ${after.hash} ${value}`)
    if (startsEffect) ctx.startEffect({ key, count })
    if (count % 7 === 0) {
      ctx.schedule(`${key}|${count}`, 'echo', Math.max(ctx.now + 50, this.variant.timersDueAtMs))
    }
  }

  onTimer(timer: Timer, ctx: TaskContext<ChainTables, ChainEffect>): void {
    const [key = '', count = ''] = timer.key.split('|')
    this.emit(ctx, key, `timer ${count}`)
  }

  async perform(effect: ChainEffect, signal: AbortSignal): Promise<string> {
    const untilMs = Math.max(0, this.variant.effectsEndAtMs - Date.now())
    await wait(untilMs + Math.random() * 20, undefined, { signal })
    return `done ${effect.count}`
  }

  onEffect(effect: ChainEffect, outcome: EffectOutcome<string>, ctx: TaskContext<ChainTables, ChainEffect>): void {
    if (!outcome.ok) return ctx.startEffect(effect)
    const chain = ctx.tables.chains.get(effect.key)!
    ctx.tables.chains.put(effect.key, { ...chain, openEffects: chain.openEffects.filter(n => n !== effect.count) })
    this.emit(ctx, effect.key, `effect ${effect.count}`)
  }

  onRestored(ctx: TaskContext<ChainTables, ChainEffect>): void {
    for (const [key, chain] of ctx.tables.chains.entries()) {
      for (const count of chain.openEffects) ctx.startEffect({ key, count })
    }
  }

  private emit(ctx: TaskContext<ChainTables, ChainEffect>, key: string, value: string): void {
    ctx.forward(this.output, ctx.partition, key, value, text)
  }
}

export function chainTopology(topics: ChainTopics, variant: ChainVariant): Topology<ChainTables, ChainEffect, string> {
  return {
    role: 'chain',
    inputs: [topics.input],
    outputs: [topics.output],
    copartitioned: [topics.output],
    changelog: topics.changelog,
    tables: { chains: jsonCodec() },
    stateVersion: variant.stateVersion,
    startAt: () => 'earliest',
    createProcessor: () => new ChainProcessor(topics.output, variant),
  }
}

/** What the input records of one key, in their order, must have caused, as text lines without regard to order. */
export function expectedLines(values: readonly string[]): Set<string> {
  const lines = new Set<string>()
  let hash = ''
  for (const [index, value] of values.entries()) {
    const count = index + 1
    hash = nextLink(hash, value)
    lines.add(`link ${count} ${hash} ${value}`)
    if (count % 5 === 0) lines.add(`effect ${count}`)
    if (count % 7 === 0) lines.add(`timer ${count}`)
  }
  return lines
}
