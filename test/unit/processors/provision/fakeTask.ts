import type { ProvisioningCommand, UserEvent } from '../../../../src/domain/records.ts'
import type {
  Codec,
  EffectOutcome,
  Encoder,
  Processor,
  Table,
  TaskContext,
  Timer,
  Topology,
} from '../../../../src/engine/processor.ts'
import type { RecordView } from '../../../../src/kafka/recordBatch.ts'
import type { ProvisionEffect, ProvisionEffectResult } from '../../../../src/processors/provision/effects.ts'
import type { OpenCommand, ProvisionTables } from '../../../../src/processors/provision/openCommand.ts'

type Running = Required<Omit<Processor<ProvisionTables, ProvisionEffect, ProvisionEffectResult>, 'prepare'>>
type ProvisionRole = Topology<ProvisionTables, ProvisionEffect, ProvisionEffectResult>

export const jsonCodec = <T>(): Codec<T> => ({
  encode(value, buffer, position) {
    const bytes = Buffer.from(JSON.stringify(value))
    if (position + bytes.length <= buffer.length) bytes.copy(buffer, position)
    return position + bytes.length
  },
  decode: (buffer, start, end) => JSON.parse(buffer.toString('utf8', start, end)) as T,
})

/** What survives a crash: the changelog's bytes, the timers, and the records of committed transactions. */
export interface Durable {
  readonly ledger: Map<string, Buffer>
  readonly timers: Map<string, Timer>
  readonly events: UserEvent[]
  readonly deadLetters: unknown[]
  offset: number
}

interface Cycle {
  readonly ledger: Map<string, OpenCommand | null>
  readonly timers: Map<string, Timer | null>
  readonly events: UserEvent[]
  readonly deadLetters: unknown[]
  readonly effects: ProvisionEffect[]
  offset: number
}

/**
 * One task of the engine without Kafka: callbacks go to an overlay, `commit` makes a cycle true and starts its effects,
 * `crash` throws everything away that was not committed and opens a new processor on what was. Callbacks may run while an
 * earlier cycle waits to be committed, as in the engine.
 */
export class FakeTask {
  readonly durable: Durable
  readonly seenEffects: ProvisionEffect[] = []
  readonly seenResults: EffectOutcome<ProvisionEffectResult>[] = []
  processor: Running
  /** Of the current processor. */
  heartbeatAgeMs = 0
  private readonly role: ProvisionRole
  private readonly clock: { ms: number }
  private life: { lostAt: number | null } = { lostAt: null }
  private cycles: Cycle[] = [newCycle(0)]
  private abort = new AbortController()
  private finished: { effect: ProvisionEffect; outcome: EffectOutcome<ProvisionEffectResult> }[] = []
  private running = 0

  constructor(role: ProvisionRole, clock: { ms: number }, durable?: Durable) {
    this.role = role
    this.clock = clock
    this.durable = durable ?? { ledger: new Map(), timers: new Map(), events: [], deadLetters: [], offset: 0 }
    this.processor = this.createProcessor()
  }

  /** Next input offset of the newest cycle: where a reader of the input goes on. */
  get position(): number {
    return this.cycles.at(-1)!.offset
  }

  get effectsInFlight(): number {
    return this.running + this.finished.length
  }

  /** Reads one command from the input. */
  read(command: ProvisioningCommand | Buffer | null): void {
    const value =
      command === null || Buffer.isBuffer(command) ? command : encode(jsonCodec<ProvisioningCommand>(), command)
    const cycle = this.cycles.at(-1)!
    this.processor.onRecord(recordView(cycle.offset, value), this.context(cycle))
    cycle.offset++
  }

  /** An operator has paused it: the caller then neither reads nor fires timers. */
  pause(): void {
    this.processor.onPaused()
  }

  resume(): void {
    this.processor.onResumed(this.context(this.cycles.at(-1)!))
  }

  /** Timers that are due, as far as they are not being changed by an open cycle; of these keys only, where some are given. */
  fireTimers(keys?: readonly string[]): number {
    const cycle = this.cycles.at(-1)!
    let fired = 0
    for (const [id, timer] of this.timers()) {
      if (timer.dueAtMs > this.clock.ms || keys?.includes(timer.key) === false) continue
      cycle.timers.set(id, null)
      this.processor.onTimer(timer, this.context(cycle))
      fired++
    }
    return fired
  }

  /** Hands finished effects to the processor. */
  deliver(count = Number.POSITIVE_INFINITY): number {
    const cycle = this.cycles.at(-1)!
    let delivered = 0
    while (delivered < count) {
      const next = this.finished.shift()
      if (next === undefined) break
      this.processor.onEffect(next.effect, next.outcome, this.context(cycle))
      delivered++
    }
    return delivered
  }

  /** Ends the current cycle without committing it yet: later callbacks go to the next one. */
  beginCommit(): void {
    if (this.cycles.length < 2) this.cycles.push(newCycle(this.cycles.at(-1)!.offset))
  }

  /** Commits the oldest cycle and starts its effects. */
  commit(): void {
    this.beginCommit()
    const cycle = this.cycles.shift()!
    for (const [key, entry] of cycle.ledger) {
      if (entry === null) this.durable.ledger.delete(key)
      else this.durable.ledger.set(key, encode(this.role.tables.ledger, entry))
    }
    for (const [id, timer] of cycle.timers) {
      if (timer === null) this.durable.timers.delete(id)
      else this.durable.timers.set(id, timer)
    }
    this.durable.events.push(...cycle.events)
    this.durable.deadLetters.push(...cycle.deadLetters)
    this.durable.offset = cycle.offset
    for (const effect of cycle.effects) void this.run(effect)
  }

  /** Commits and delivers until nothing moves any more (what waits for a test's answer stays). */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 3;) {
      this.commit()
      await new Promise(resolve => setImmediate(resolve))
      quiet = this.deliver() + this.fireTimers() > 0 ? 0 : quiet + 1
    }
  }

  /**
   * The process dies: the input is read again from the committed offset. Answers that come later reach nobody. As a zombie
   * it does not know: its effects go on, with the heartbeats that it has missed for a whole session.
   */
  crash(zombie = false): void {
    if (!zombie) this.abort.abort()
    this.life.lostAt = this.clock.ms
    this.life = { lostAt: null }
    this.abort = new AbortController()
    this.finished = []
    this.running = 0
    this.cycles = [newCycle(this.durable.offset)]
    this.processor = this.createProcessor()
    this.processor.onRestored(this.context(this.cycles[0]!))
  }

  ledger(): OpenCommand[] {
    const table = this.table(this.cycles.at(-1)!)
    return [...table.entries()].map(([, entry]) => entry)
  }

  timers(): [id: string, timer: Timer][] {
    const timers = new Map(this.durable.timers)
    for (const cycle of this.cycles) {
      for (const [id, timer] of cycle.timers) {
        if (timer === null) timers.delete(id)
        else timers.set(id, timer)
      }
    }
    return [...timers].sort((a, b) => a[1].dueAtMs - b[1].dueAtMs)
  }

  private createProcessor(): Running {
    const { life } = this
    return this.role.createProcessor({
      role: 'provision',
      topic: 'provisioning-commands',
      partition: 3,
      heartbeatAgeMs: () => (life.lostAt === null ? this.heartbeatAgeMs : 45_000),
      sessionTimeoutMs: 45_000,
      partitionCount: 1,
      ended: this.abort.signal,
    }) as Running
  }

  private runSoon(effect: ProvisionEffect): void {
    const { processor } = this
    this.running++
    queueMicrotask(() => {
      if (processor !== this.processor) return
      this.running--
      void this.run(effect)
    })
  }

  private async run(effect: ProvisionEffect): Promise<void> {
    const { processor } = this
    this.seenEffects.push(effect)
    this.running++
    let outcome: EffectOutcome<ProvisionEffectResult>
    try {
      outcome = { ok: true, value: await processor.perform(effect, this.abort.signal) }
    } catch (error) {
      outcome = { ok: false, error: error as Error }
    }
    this.seenResults.push(outcome)
    if (processor !== this.processor) return
    this.running--
    this.finished.push({ effect, outcome })
  }

  private context(cycle: Cycle): TaskContext<ProvisionTables, ProvisionEffect> {
    return {
      topic: 'provisioning-commands',
      partition: 3,
      now: this.clock.ms,
      tables: { ledger: this.table(cycle) },
      forward: <T>(
        topic: string,
        partition: number,
        key: Buffer | string | null,
        value: T | null,
        encoder: Encoder<T>,
      ) => {
        if (topic !== 'onfile-user-events') {
          cycle.deadLetters.push({ topic, partition, key, value })
          return
        }
        if (partition !== 3 || value === null) throw new Error('a result must go to the own partition')
        const bytes = encode(encoder, value)
        const event = jsonCodec<UserEvent>().decode(bytes, 0, bytes.length)
        if (key !== event.user_id) throw new Error('a result must be keyed by its user')
        cycle.events.push(event)
      },
      partitionFor: () => 3,
      schedule: (key, name, dueAtMs) => cycle.timers.set(`${name}/${key}`, { key, name, dueAtMs }),
      cancelTimer: (key, name) => cycle.timers.set(`${name}/${key}`, null),
      cancelTimers: () => {
        throw new Error('PROVISION names its timers')
      },
      measureCommit: () => undefined,
      startEffect: effect => cycle.effects.push(effect),
      startLookUp: effect => this.runSoon(effect),
    }
  }

  private table(cycle: Cycle): Table<OpenCommand> {
    const codec = this.role.tables.ledger
    const find = (key: string): OpenCommand | undefined => {
      for (const { ledger } of [...this.cycles].reverse()) {
        const entry = ledger.get(key)
        if (entry !== undefined) return entry ?? undefined
      }
      const bytes = this.durable.ledger.get(key)
      return bytes && codec.decode(bytes, 0, bytes.length)
    }
    const keys = () => [...this.durable.ledger.keys(), ...this.cycles.flatMap(({ ledger }) => [...ledger.keys()])]
    return {
      get: find,
      put: (key, entry) => void cycle.ledger.set(key, entry),
      delete: key => void cycle.ledger.set(key, null),
      *entries() {
        for (const key of new Set(keys().sort())) {
          const entry = find(key)
          if (entry !== undefined) yield [key, entry]
        }
      },
    }
  }
}

function newCycle(offset: number): Cycle {
  return { ledger: new Map(), timers: new Map(), events: [], deadLetters: [], effects: [], offset }
}

/** Encodes as the engine does: grows the buffer until the value fits. */
export function encode<T>(codec: Encoder<T>, value: T): Buffer {
  let buffer = Buffer.alloc(16)
  for (;;) {
    const end = codec.encode(value, buffer, 0)
    if (end <= buffer.length) return buffer.subarray(0, end)
    buffer = Buffer.alloc(end)
  }
}

function recordView(offset: number, value: Buffer | null): RecordView {
  const buffer = value ?? Buffer.alloc(0)
  const valueEnd = value === null ? -1 : buffer.length
  return {
    buffer,
    offset,
    timestamp: 0,
    valueStart: 0,
    valueEnd,
    keyStart: 0,
    keyEnd: -1,
    headerCount: 0,
  } as unknown as RecordView
}
