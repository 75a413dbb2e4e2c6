import type { Logger } from 'pino'

/** Which tasks of a role are meant. A null is "all"; a partition comes with its topic. */
export interface PauseScope {
  readonly topic: string | null
  readonly partition: number | null
}

export interface PauseOrder extends PauseScope {
  readonly reason: string
  /** Who asked for it. */
  readonly actor: string
  /** It ends by itself after so long. */
  readonly forMs: number
}

/** A pause that stands. Wall clock, milliseconds. */
export interface Pause extends PauseScope {
  readonly reason: string
  readonly actor: string
  readonly sinceMs: number
  readonly untilMs: number
}

/** A task that can be paused: it asks `Pauses` itself, and is woken when the answer may be another one. */
export interface PausableTask {
  readonly topic: string
  readonly partition: number
  wake(): void
}

export interface PauseTarget {
  readonly role: string
  /** Its input topics. */
  readonly inputs: readonly string[]
  /** The tasks that this instance has now. */
  readonly tasks: () => readonly PausableTask[]
  readonly log: Logger
}

/** What is asked for is not here, or cannot be had so. */
export class PauseScopeError extends Error {
  override readonly name = 'PauseScopeError'
  readonly code: 'TOPIC_UNKNOWN' | 'PARTITION_NOT_HERE' | 'NOT_PAUSED' | 'PAUSED_BY_MORE'

  constructor(code: PauseScopeError['code'], message: string) {
    super(message)
    this.code = code
  }
}

interface Standing {
  readonly pause: Pause
  readonly timer: NodeJS.Timeout
}

/**
 * The pauses of one role on one instance, in memory. A task is paused while any of them covers it; one scope has one
 * pause at a time. A pause of the role or of a topic also holds for partitions that come here while it stands; one of a
 * partition ends when the partition moves away. All end with the process, and by themselves when their time is over (by
 * the monotonic clock).
 */
export class Pauses {
  readonly #target: PauseTarget
  readonly #standing = new Map<string, Standing>()

  constructor(target: PauseTarget) {
    this.#target = target
  }

  /** Input topics of the role. */
  get inputs(): readonly string[] {
    return this.#target.inputs
  }

  /** A pause of the same scope is replaced: its reason, and the time that it has left. @throws PauseScopeError */
  pause({ topic, partition, reason, actor, forMs }: PauseOrder): Pause {
    this.#check({ topic, partition })
    const id = idOf({ topic, partition })
    const before = this.#standing.get(id)
    clearTimeout(before?.timer)
    const nowMs = Date.now()
    const sinceMs = before?.pause.sinceMs ?? nowMs
    const pause: Pause = { topic, partition, reason, actor, sinceMs, untilMs: nowMs + forMs }
    const timer = setTimeout(() => this.#expire(id), forMs).unref()
    this.#standing.set(id, { pause, timer })
    this.#wake()
    return pause
  }

  /**
   * Ends the pauses of this scope and of what is within it. What a wider one covers stays paused.
   * @throws PauseScopeError where there is none, or only a wider one
   */
  resume(scope: PauseScope): Pause[] {
    this.#checkTopic(scope)
    const ended = [...this.#standing].filter(([, { pause }]) => covers(scope, pause))
    if (ended.length === 0) throw this.#nothingToEnd(scope)
    for (const [id] of ended) this.#end(id)
    this.#wake()
    return ended.map(([, { pause }]) => pause)
  }

  standing(): Pause[] {
    return [...this.#standing.values()].map(({ pause }) => pause)
  }

  /** Why the task is paused, null when it is not. Of several pauses the one that ends last. */
  of(topic: string, partition: number): Pause | null {
    if (this.#standing.size === 0) return null
    let found: Pause | null = null
    for (const { pause } of this.#standing.values()) {
      if (!covers(pause, { topic, partition })) continue
      if (found === null || pause.untilMs > found.untilMs) found = pause
    }
    return found
  }

  /** Partitions here that are paused now. */
  pausedHere(): { topic: string; partition: number }[] {
    return this.#target.tasks().flatMap(({ topic, partition }) => {
      return this.of(topic, partition) === null ? [] : [{ topic, partition }]
    })
  }

  /** The partition has another owner from here on, who knows nothing of its pause. */
  moved(topic: string, partition: number): void {
    const id = idOf({ topic, partition })
    if (!this.#standing.has(id)) return
    this.#end(id)
    this.#target.log.warn({ topic, partition }, 'the partition moves away: its pause ends here')
  }

  close(): void {
    for (const id of [...this.#standing.keys()]) this.#end(id)
  }

  #expire(id: string): void {
    const pause = this.#standing.get(id)?.pause
    if (pause === undefined) return
    this.#end(id)
    const { topic, partition, reason, actor } = pause
    this.#target.log.warn({ topic, partition, reason, actor }, 'a pause has ended by itself')
    this.#wake()
  }

  #end(id: string): void {
    clearTimeout(this.#standing.get(id)?.timer)
    this.#standing.delete(id)
  }

  #wake(): void {
    for (const task of this.#target.tasks()) task.wake()
  }

  #check(scope: PauseScope): void {
    this.#checkTopic(scope)
    const { role, tasks } = this.#target
    const { topic, partition } = scope
    if (partition === null) return
    const here = tasks().filter(task => task.topic === topic)
    if (here.some(task => task.partition === partition)) return
    const those = here.map(task => task.partition).sort((a, b) => a - b)
    throw new PauseScopeError(
      'PARTITION_NOT_HERE',
      `${role} has ${topic ?? 'no topic'}-${partition} on another instance: ask that one. Here it has partitions ${listOf(those)}.`,
    )
  }

  #checkTopic({ topic, partition }: PauseScope): void {
    const { role, inputs } = this.#target
    if (topic === null && partition !== null) {
      throw new PauseScopeError('TOPIC_UNKNOWN', `A partition needs its topic: ${role} reads ${listOf(inputs)}.`)
    }
    if (topic !== null && !inputs.includes(topic)) {
      throw new PauseScopeError('TOPIC_UNKNOWN', `${role} does not read that topic: it reads ${listOf(inputs)}.`)
    }
  }

  #nothingToEnd(scope: PauseScope): PauseScopeError {
    const wider = this.standing().find(pause => covers(pause, scope))
    if (wider === undefined) return new PauseScopeError('NOT_PAUSED', `${this.#target.role}: nothing of it is paused.`)
    const what = wider.topic === null ? `the role ${this.#target.role}` : `the topic ${wider.topic}`
    return new PauseScopeError('PAUSED_BY_MORE', `It is ${what} that is paused: resume that.`)
  }
}

/** True where `inner` lies within `scope`. */
function covers(scope: PauseScope, inner: PauseScope): boolean {
  if (scope.topic === null) return true
  return scope.topic === inner.topic && (scope.partition === null || scope.partition === inner.partition)
}

function idOf({ topic, partition }: PauseScope): string {
  return JSON.stringify([topic, partition])
}

function listOf(values: readonly (string | number)[]): string {
  return values.length === 0 ? 'none' : values.join(', ')
}
