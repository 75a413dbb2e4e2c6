import { setTimeout as wait } from 'node:timers/promises'
import type { Codec, EffectOutcome, Processor, TaskContext, Topology } from '../../src/engine/processor.ts'
import type { RecordView } from '../../src/kafka/recordBatch.ts'

/** Longest random work of one message, milliseconds: 0 to 5 ms, as in Confluent's published measurement. */
export const MAX_WORK_MS = 5

/** The work of one message, the same for all sides: a whole number of milliseconds, any as likely as another. */
export async function randomWork(): Promise<void> {
  await wait(Math.floor(Math.random() * (MAX_WORK_MS + 1)))
}

export interface EffectTables {
  /** What is under way or waits: the key by the message's offset. Gone when its result is committed. */
  open: string
}

/** One message to work on. `offset` is its id. */
interface Work {
  readonly key: string
  readonly offset: number
}

const text: Codec<string> = {
  encode(value, buffer, position) {
    const end = position + Buffer.byteLength(value)
    if (end <= buffer.length) buffer.write(value, position, 'utf8')
    return end
  },
  decode: (buffer, start, end) => buffer.toString('utf8', start, end),
}

/** How much is taken on before the input waits: enough to keep every slot busy over a commit. */
const OPEN_LIMIT = 2_000

/**
 * Every message becomes an effect, recorded as open in the same transaction as its input position; its result is
 * written, and the entry deleted, in one transaction too. A crash repeats what was open and nothing else.
 */
class EffectProcessor implements Processor<EffectTables, Work, number> {
  private readonly output: string
  private readonly concurrency: number
  private readonly onDone: (work: Work) => void
  /** The last message of each key that is under way or waits: the next one begins after it. */
  private readonly tails = new Map<string, Promise<void>>()
  private readonly waiting: (() => void)[] = []
  private running = 0
  private open = 0

  constructor(output: string, concurrency: number, onDone: (work: Work) => void) {
    this.output = output
    this.concurrency = concurrency
    this.onDone = onDone
  }

  wantsInput(): boolean {
    return this.open < OPEN_LIMIT
  }

  onRecord(record: RecordView, ctx: TaskContext<EffectTables, Work>): void {
    const key = record.keyString() ?? ''
    ctx.tables.open.put(String(record.offset), key)
    this.begin({ key, offset: record.offset }, ctx)
  }

  onRestored(ctx: TaskContext<EffectTables, Work>): void {
    const left = [...ctx.tables.open.entries()].map(([offset, key]) => ({ key, offset: Number(offset) }))
    for (const work of left.sort((a, b) => a.offset - b.offset)) this.begin(work, ctx)
  }

  /** Effects of a task are started in order, so the tails keep the order of each key. */
  async perform(work: Work): Promise<number> {
    const before = this.tails.get(work.key)
    const mine = this.inTurn(before)
    this.tails.set(work.key, mine)
    await mine
    if (this.tails.get(work.key) === mine) this.tails.delete(work.key)
    return work.offset
  }

  onEffect(work: Work, outcome: EffectOutcome<number>, ctx: TaskContext<EffectTables, Work>): void {
    if (!outcome.ok) return ctx.startEffect(work)
    this.open--
    ctx.tables.open.delete(String(work.offset))
    ctx.forward(this.output, ctx.partition, work.key, String(work.offset), text)
    this.onDone(work)
  }

  private begin(work: Work, ctx: TaskContext<EffectTables, Work>): void {
    this.open++
    ctx.startEffect(work)
  }

  private async inTurn(before: Promise<void> | undefined): Promise<void> {
    await before
    if (this.running >= this.concurrency) {
      await new Promise<void>(resolve => {
        this.waiting.push(resolve)
      })
    } else {
      this.running++
    }
    await randomWork()
    const next = this.waiting.shift()
    if (next === undefined) this.running--
    else next()
  }
}

export interface EffectTopics {
  readonly input: string
  readonly output: string
  readonly changelog: string
}

/** `onDone` is called when a result goes into a transaction, in the order of the results. */
export function effectsTopology(
  topics: EffectTopics,
  concurrency: number,
  onDone: (work: { readonly key: string; readonly offset: number }) => void,
): Topology<EffectTables, Work, number> {
  return {
    role: 'effects',
    inputs: [topics.input],
    outputs: [topics.output],
    changelog: topics.changelog,
    tables: { open: text },
    stateVersion: 1,
    startAt: () => 'earliest',
    createProcessor: () => new EffectProcessor(topics.output, concurrency, onDone),
  }
}
