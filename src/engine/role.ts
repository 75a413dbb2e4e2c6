import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { Fetcher } from '../kafka/fetcher.ts'
import { GroupMember } from '../kafka/groupMember.ts'
import type { TopicPartition } from '../kafka/groupMember.ts'
import { Backoff, sleep } from './backoff.ts'
import {
  instanceFencedError,
  membershipFailedError,
  partitionMismatchError,
  roleFailedError,
  TaskError,
} from './errors.ts'
import { FailureLog } from './failureLog.ts'
import type { EngineOptions } from './options.ts'
import { Pauses } from './pauses.ts'
import type { TaskContext, Topology } from './processor.ts'
import type { RoleStatus } from './status.ts'
import { Task } from './task.ts'

/** How often the partition counts are looked at again: the issuer's topics may grow. */
const TOPIC_CHECK_INTERVAL_MS = 30_000
/** A task that the group took away has so long to finish what runs before the next owner may have it. */
const REVOKE_DEADLINE_MS = 20_000
const HEARTBEATS_PER_SESSION = 10
/**
 * How often a trickle is fetched between two commits. At 1,000 records/s in four partitions and 100 ms, 25 ms instead of 10
 * between two fetches cost the broker a tenth and this process a sixth less CPU, and each record 7 ms (bench/race).
 */
const FETCHES_PER_INTERVAL = 4
const MAX_PACE_MS = 50

interface Slot<Tables extends object, Effect, Result> {
  readonly topic: string
  readonly partition: number
  task: Task<Tables, Effect, Result>
  /** Ends when the task is closed for good or waits for an operator. */
  readonly supervised: Promise<void>
}

/** What came of a look into a task's state. */
export type Read<T> =
  | { readonly kind: 'read'; readonly value: T }
  | { readonly kind: 'not_here' }
  /** Here, in that state: it has nothing to look into. */
  | { readonly kind: 'not_ready'; readonly reason: string }

function idOf(tp: TopicPartition): string {
  return `${tp.topic}-${tp.partition}`
}

/**
 * One role of this process: a member of the role's consumer group and one supervised task per assigned partition.
 * Partitions that stay keep their task, state and lock over a rebalance. A partition that moves is first given up here,
 * then asked for anew (the assignor withholds it until then), so that the next owner never meets a half-finished push.
 */
export class RoleRunner<Tables extends object, Effect, Result> {
  /** What an operator has paused here. */
  readonly pauses: Pauses
  private readonly topology: Topology<Tables, Effect, Result>
  private readonly engine: EngineOptions
  private readonly log: Logger
  private readonly failures: FailureLog
  private readonly groupId: string
  private readonly slots = new Map<string, Slot<Tables, Effect, Result>>()
  private readonly stopping = new AbortController()
  private desired = new Map<string, TopicPartition>()
  private warm: readonly TopicPartition[] = []
  private partitionCounts: ReadonlyMap<string, number> = new Map()
  private member: GroupMember | null = null
  private fetcher: Fetcher | null = null
  private started: Promise<void> | null = null
  private waiting: { reason: string; sinceMs: number } | null = null
  private error: TaskError | null = null
  private drainDeadlineMs = REVOKE_DEADLINE_MS
  /** The group has removed this member, and has not given it an assignment since. */
  private removed = false

  constructor(topology: Topology<Tables, Effect, Result>, engine: EngineOptions) {
    this.topology = topology
    this.engine = engine
    this.groupId = `${engine.applicationId}-${topology.role}`
    this.log = engine.log.child({ role: topology.role })
    this.failures = new FailureLog(this.log)
    const tasks = () => [...this.slots.values()].map(slot => slot.task)
    this.pauses = new Pauses({ role: topology.role, inputs: topology.inputs, tasks, log: this.log })
  }

  /** Begins; what is missing (a topic, a broker) is waited for and shown in `status()`. */
  start(): void {
    this.started ??= this.startUp().catch((error: unknown) => {
      if (this.stopping.signal.aborted) return
      this.fail(error)
    })
  }

  status(): RoleStatus {
    return {
      role: this.topology.role,
      groupId: this.groupId,
      state: this.state(),
      waiting: this.waiting ?? this.membershipTrouble(),
      error: this.error === null ? null : { code: this.error.code, message: this.error.message },
      memberTurnAgeMs: this.member?.turnAgeMs() ?? null,
      inputPartitions: this.inputPartitions(),
      tasks: [...this.slots.values()].map(slot => slot.task.status()),
    }
  }

  /** Looks into the state of a task that is here; see `Task.read`. */
  read<T>({ topic, partition }: TopicPartition, look: (tables: TaskContext<Tables, Effect>['tables']) => T): Read<T> {
    const task = this.slots.get(idOf({ topic, partition }))?.task
    if (task === undefined) return { kind: 'not_here' }
    const read = task.read(look)
    if (read === null) return { kind: 'not_ready', reason: task.status().state }
    return { kind: 'read', value: read.value }
  }

  /**
   * Drains every task and ends. With `leave` the group hands the partitions over at once; without it (a static member
   * that comes back) nothing moves until the session times out.
   */
  async stop(options: { leave: boolean; deadlineMs: number }): Promise<void> {
    this.drainDeadlineMs = options.deadlineMs
    this.desired = new Map()
    this.stopping.abort()
    for (const slot of this.slots.values()) slot.task.drain(options.deadlineMs)
    await this.started
    await Promise.all([...this.slots.values()].map(slot => slot.supervised))
    this.pauses.close()
    await this.member?.stop({ leave: options.leave })
    await this.fetcher?.close()
  }

  /** Why the member is not in its group, or why the group does not hear of it. */
  private membershipTrouble(): RoleStatus['waiting'] {
    const { lastError: error, waitingSinceMs: sinceMs } = this.member ?? {}
    return error === undefined || sinceMs === undefined ? null : { reason: error.message, sinceMs }
  }

  private inputPartitions(): Record<string, number> {
    const known = this.topology.inputs.filter(topic => this.partitionCounts.has(topic))
    return Object.fromEntries(known.map(topic => [topic, this.partitionCounts.get(topic)!]))
  }

  private state(): RoleStatus['state'] {
    if (this.error !== null) return 'failed'
    if (this.stopping.signal.aborted) return 'stopped'
    return this.member === null ? 'starting' : this.member.state
  }

  private async startUp(): Promise<void> {
    const { engine, topology } = this
    this.partitionCounts = await this.resolveTopics()
    if (this.stopping.signal.aborted) return
    this.checkCounts()
    this.warm = await this.findLocalStores()
    this.fetcher = new Fetcher(engine.cluster, {
      paceMs: Math.min(MAX_PACE_MS, engine.commitIntervalMs / FETCHES_PER_INTERVAL),
    })
    this.member = new GroupMember(engine.cluster, {
      groupId: this.groupId,
      topics: topology.inputs,
      instanceId: engine.instanceId,
      adminUrl: engine.adminUrl,
      sessionTimeoutMs: engine.sessionTimeoutMs,
      rebalanceTimeoutMs: Math.max(60_000, REVOKE_DEADLINE_MS * 2),
      heartbeatIntervalMs: Math.max(200, Math.floor(engine.sessionTimeoutMs / HEARTBEATS_PER_SESSION)),
      owned: () => this.owned(),
      warm: () => this.warm,
      onAssigned: assignment => this.assigned(assignment),
      onLost: reason => this.lost(reason),
      onFailed: error => this.fail(membershipFailedError(this.groupId, error)),
      log: this.log,
    })
    this.member.start()
    void this.watchTopics()
  }

  /** Partition counts of everything that the role reads or writes; waits for topics that do not exist. */
  private async resolveTopics(): Promise<Map<string, number>> {
    const { inputs, outputs, changelog } = this.topology
    const names = [...new Set([...inputs, ...outputs, ...(changelog === undefined ? [] : [changelog])])]
    const backoff = new Backoff(200, 10_000)
    while (!this.stopping.signal.aborted) {
      try {
        const counts = await this.engine.cluster.topics(names)
        const missing = names.filter(name => (counts.get(name) ?? null) === null)
        if (missing.length === 0) {
          this.wait(null)
          return new Map(names.map(name => [name, counts.get(name)!]))
        }
        this.wait(`topics do not exist: ${missing.join(', ')}; create them (onfile topics apply)`)
      } catch (error) {
        this.wait(`topics cannot be read: ${error instanceof Error ? error.message : String(error)}`)
      }
      await sleep(backoff.nextMs(), this.stopping.signal)
    }
    return new Map()
  }

  /** A task writes to its own number in all of these: their counts must be equal, and stay so. */
  private checkCounts(): void {
    const { inputs, changelog, copartitioned = [] } = this.topology
    const input = inputs[0]
    if (input === undefined) return
    const expected = this.partitionCounts.get(input)!
    for (const topic of changelog === undefined ? copartitioned : [changelog, ...copartitioned]) {
      const actual = this.partitionCounts.get(topic)!
      if (actual !== expected) throw partitionMismatchError(input, expected, topic, actual)
    }
  }

  private async watchTopics(): Promise<void> {
    const { signal } = this.stopping
    try {
      for (;;) {
        await sleep(TOPIC_CHECK_INTERVAL_MS, signal)
        if (signal.aborted) return
        const names = [...this.partitionCounts.keys()]
        const counts = await this.engine.cluster.topics(names).catch(() => null)
        if (counts === null) continue
        for (const name of names) {
          const before = this.partitionCounts.get(name)!
          const now = counts.get(name) ?? null
          if (now === null || now === before) continue
          this.grown(name, before, now)
        }
      }
    } catch (error) {
      this.fail(error)
    }
  }

  private grown(topic: string, before: number, now: number): void {
    if (this.topology.changelog !== undefined || !this.topology.inputs.includes(topic)) {
      throw partitionMismatchError(topic, before, topic, now)
    }
    this.log.info({ topic, before, now }, 'an input topic has grown: asking for a new assignment')
    this.partitionCounts = new Map([...this.partitionCounts, [topic, now]])
    this.member?.requestRebalance()
  }

  private async findLocalStores(): Promise<TopicPartition[]> {
    const names = await readdir(join(this.engine.stateDirectory, this.topology.role)).catch(() => [] as string[])
    return names.flatMap(name => {
      const match = /^(.+)-(\d+)$/.exec(name)
      return match ? [{ topic: match[1]!, partition: Number(match[2]) }] : []
    })
  }

  // ------------------------------------------------------------------------------------------------ assignment

  private assigned(assignment: readonly TopicPartition[]): void {
    if (this.stopping.signal.aborted) return
    this.desired = new Map(assignment.map(tp => [idOf(tp), tp]))
    this.engine.observer.rebalanced(this.topology.role, this.member?.membership.generation ?? -1, assignment.length)
    const leaving = [...this.slots].filter(([id]) => !this.desired.has(id)).map(([, slot]) => slot)
    for (const slot of leaving) {
      if (this.removed) slot.task.abandon()
      else slot.task.drain(this.drainDeadlineMs)
    }
    this.removed = false
    if (leaving.length > 0) {
      void Promise.all(leaving.map(slot => slot.supervised)).then(() => {
        if (!this.stopping.signal.aborted) this.member?.requestRebalance()
      })
    }
    for (const [id, tp] of this.desired) if (!this.slots.has(id)) this.openSlot(id, tp)
  }

  /** A member that the group had removed claims nothing: what it works on may have another owner since. */
  private owned(): TopicPartition[] {
    return this.removed ? [] : [...this.slots.values()].map(({ topic, partition }) => ({ topic, partition }))
  }

  private lost(reason: 'unknown-member' | 'fenced-instance'): void {
    if (reason === 'unknown-member') {
      this.removed = true
      return
    }
    this.fail(instanceFencedError(this.groupId, this.engine.instanceId ?? ''))
  }

  private openSlot(id: string, tp: TopicPartition): void {
    const slot: Slot<Tables, Effect, Result> = {
      topic: tp.topic,
      partition: tp.partition,
      task: this.createTask(tp),
      supervised: Promise.resolve().then(() => this.supervise(id, tp)),
    }
    this.slots.set(id, slot)
  }

  private createTask(tp: TopicPartition): Task<Tables, Effect, Result> {
    return new Task({
      engine: this.engine,
      topology: this.topology,
      topic: tp.topic,
      partition: tp.partition,
      groupId: this.groupId,
      member: this.member!,
      fetcher: this.fetcher!,
      partitionCounts: this.partitionCounts,
      paused: () => this.pauses.of(tp.topic, tp.partition),
      onFailed: error => this.failures.failed(tp, error),
    })
  }

  /** Runs the partition's task again and again while it is ours; a task that waits for an operator keeps its slot. */
  private async supervise(id: string, tp: TopicPartition): Promise<void> {
    const slot = this.slots.get(id)!
    const backoff = new Backoff(100, 30_000)
    const { signal } = this.stopping
    for (;;) {
      const startedMs = performance.now()
      const end = await slot.task.run()
      if (!this.isWanted(id)) break
      if (end.kind === 'failed' && end.error.retry === 'never') {
        await this.undesired(id)
        break
      }
      if (performance.now() - startedMs > 60_000) backoff.reset()
      await sleep(backoff.nextMs(), signal)
      if (!(await this.isConfirmed()) || !this.isWanted(id)) break
      slot.task = this.createTask(tp)
    }
    // What was assigned again while it was being given up is no older than a confirmation, however long that took.
    if (this.isWanted(id) && this.error === null) await this.isConfirmed()
    this.slots.delete(id)
    this.failures.moved(tp)
    this.warm = [...this.warm.filter(other => idOf(other) !== id), tp]
    // Assigned again while it was being given up.
    if (this.isWanted(id) && this.error === null) this.openSlot(id, tp)
    else if (!this.stopping.signal.aborted) this.pauses.moved(tp.topic, tp.partition)
  }

  /**
   * Nothing is opened from a stale assignment: the group must confirm this member first. One that is none any more takes
   * no lock from the partition's owner, and says so.
   */
  private async isConfirmed(): Promise<boolean> {
    const { signal } = this.stopping
    try {
      await this.member?.confirmed(signal)
      return true
    } catch (error) {
      if (!signal.aborted) this.fail(error)
      return false
    }
  }

  private isWanted(id: string): boolean {
    return this.desired.has(id) && !this.stopping.signal.aborted
  }

  private async undesired(id: string): Promise<void> {
    while (this.isWanted(id)) await sleep(200, this.stopping.signal)
  }

  private fail(error: unknown): void {
    if (this.error !== null) return
    const cause = error instanceof TaskError ? error : roleFailedError(error)
    this.error = cause
    this.log.error({ code: cause.code, err: cause }, cause.message)
    this.desired = new Map()
    this.stopping.abort()
    for (const slot of this.slots.values()) slot.task.drain(this.drainDeadlineMs)
    void this.leave().catch(() => undefined)
  }

  /** What is open is closed first: the next owner shall not meet a half-finished push. */
  private async leave(): Promise<void> {
    await Promise.all([...this.slots.values()].map(slot => slot.supervised))
    await this.member?.stop({ leave: true })
  }

  private wait(reason: string | null): void {
    this.waiting = reason === null ? null : { reason, sinceMs: this.waiting?.sinceMs ?? Date.now() }
  }
}
