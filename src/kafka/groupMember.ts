import type { Logger } from 'pino'
import { assign } from './assignment.ts'
import type { AssignmentMember, TopicPartition } from './assignment.ts'
import type { Lane } from './broker.ts'
import type { Cluster } from './cluster.ts'
import { Confirmations } from './confirmations.ts'
import { decodeAssignment, decodeSubscription, encodeAssignment, encodeSubscription } from './consumerProtocol.ts'
import { KafkaError, MemberStoppedError, RoundsWithoutEndError } from './errors.ts'
import type { Request } from './request.ts'
import { heartbeat, joinGroup, leaveGroup, syncGroup } from './requests/group.ts'
import type { Joined, JoinedMember } from './requests/group.ts'
import type { Membership } from './requests/transactions.ts'
import { COORDINATOR_CODES, isConnectionFailure, isKafkaError, pause } from './retry.ts'

export type { TopicPartition } from './assignment.ts'

export interface GroupMemberOptions {
  readonly groupId: string
  readonly topics: readonly string[]
  /** Static membership: a restart within the session timeout moves nothing. Null: a dynamic member. */
  readonly instanceId: string | null
  readonly sessionTimeoutMs: number
  /** Where this member's admin server is reached, for the others; absent: it does not say. */
  readonly adminUrl?: string | null
  /** How long the group waits for a member that must join again. */
  readonly rebalanceTimeoutMs: number
  readonly heartbeatIntervalMs: number
  /** Tasks held now, those that are being closed included. */
  readonly owned: () => readonly TopicPartition[]
  /** Partitions with a local store here. */
  readonly warm: () => readonly TopicPartition[]
  /** Must be cheap and must not throw: heartbeats wait for it. */
  readonly onAssigned: (assignment: readonly TopicPartition[]) => void
  readonly onLost: (reason: 'unknown-member' | 'fenced-instance') => void
  /** A callback threw: no heartbeat is sent any more, and nothing joins again by itself. Must not throw. */
  readonly onFailed: (error: Error) => void
  readonly log: Logger
}

const PROTOCOL_NAME = 'onfile-sticky'
const ILLEGAL_GENERATION = 22
const UNKNOWN_MEMBER_ID = 25
const REBALANCE_IN_PROGRESS = 27
const MEMBER_ID_REQUIRED = 79
const FENCED_INSTANCE_ID = 82
/** An answer may come so long after the group's own deadline. */
const ANSWER_MARGIN_MS = 5_000
const RETRY_FIRST_MS = 50
const RETRY_MAX_MS = 2_000
const LEAVE_TRIES = 3
const QUIET_TRIES = 5
/** So many rounds in a row that begin anew before this member has its assignment are no usual rebalance. */
const QUIET_ROUNDS = 5
/**
 * No retry mends these, only an operator: INCONSISTENT_GROUP_PROTOCOL, INVALID_GROUP_ID, INVALID_SESSION_TIMEOUT, TOPIC and
 * GROUP_AUTHORIZATION_FAILED, UNSUPPORTED_VERSION, GROUP_MAX_SIZE_REACHED.
 */
const HOPELESS_CODES: ReadonlySet<number> = new Set([23, 24, 26, 29, 30, 35, 81])

/** By topic; null: there is none. */
type PartitionCounts = ReadonlyMap<string, number | null>

interface Assigned {
  readonly assignment: TopicPartition[]
  /** The SyncGroup that brought it also confirms this member. */
  readonly confirm: () => void
}

let memberCount = 0

/**
 * Membership in a consumer group (classic protocol) with an assignment of single partitions that moves as little as it
 * can. Tasks need not stop while the group rebalances: what they hold is proved by the transactional id's lock, and a
 * partition that shall move is first given up by its holder (see `assign`).
 *
 * One loop joins, then sends heartbeats until the group says that it rebalances. It runs beside everything else: neither
 * a restore nor a slow processor delays a heartbeat.
 */
export class GroupMember {
  private readonly cluster: Cluster
  private readonly options: GroupMemberOptions
  private readonly lane: Lane
  private readonly confirmations = new Confirmations()
  private readonly stopping = new AbortController()
  private current: Membership
  private lifecycle: 'joining' | 'stable' | 'stopped' | 'failed' = 'joining'
  private fatal: Error | undefined
  private fenced = false
  private waiting: { readonly error: Error; readonly sinceMs: number } | undefined
  /** Partition counts of its topics as last seen; null before the first join. */
  private counts: PartitionCounts | null = null
  private rejoinWanted = false
  private nonce = 0
  private turnedAtMs = 0
  private wakeUp: (() => void) | null = null
  private running: Promise<void> | null = null

  constructor(cluster: Cluster, options: GroupMemberOptions) {
    this.cluster = cluster
    this.options = options
    this.lane = `membership-${options.groupId}-${++memberCount}`
    this.current = { groupId: options.groupId, generation: -1, memberId: '', instanceId: options.instanceId }
  }

  get state(): 'joining' | 'stable' | 'stopped' | 'failed' {
    return this.lifecycle
  }

  /** Set in state `failed`: another process took the instance id, or a callback threw. */
  get failure(): Error | undefined {
    return this.fatal
  }

  /** Why joining or a heartbeat is being tried again; undefined while all is well. */
  get lastError(): Error | undefined {
    return this.waiting?.error
  }

  /** Wall clock, milliseconds: since when `lastError` says something. */
  get waitingSinceMs(): number | undefined {
    return this.waiting?.sinceMs
  }

  get sessionTimeoutMs(): number {
    return this.options.sessionTimeoutMs
  }

  /** Moves during a rebalance as soon as the new generation is known: the broker takes commits under it from then on. */
  get membership(): Membership {
    return this.current
  }

  start(): void {
    this.turnedAtMs = performance.now()
    this.running ??= this.run().catch((error: unknown) => this.crashed(asError(error)))
  }

  /**
   * Ends heartbeats. With `leave` the group gives the partitions to others at once (a static member is removed too);
   * without it nothing moves until the session times out. A member that failed by a callback leaves too.
   */
  async stop(options: { leave: boolean }): Promise<void> {
    this.stopping.abort()
    this.wake()
    this.cluster.closeLane(this.lane)
    // A join that was about to be sent opens the lane again.
    const cutting = setInterval(() => this.cluster.closeLane(this.lane), 100)
    await this.running
    clearInterval(cutting)
    if (this.lifecycle !== 'failed') this.lifecycle = 'stopped'
    this.confirmations.rejectAll(new MemberStoppedError(this.options.groupId))
    if (options.leave && this.current.memberId !== '' && !this.fenced) await this.leave()
    this.cluster.closeLane(this.lane)
  }

  /** Milliseconds since the last answered heartbeat or SyncGroup was sent. */
  heartbeatAgeMs(): number {
    return this.confirmations.ageMs()
  }

  /**
   * Milliseconds since its loop last began to join or to send a heartbeat, answered or not; null when it has ended. Each
   * request has its timeout, so that many minutes mean a defect.
   */
  turnAgeMs(): number | null {
    return this.lifecycle === 'joining' || this.lifecycle === 'stable' ? performance.now() - this.turnedAtMs : null
  }

  /**
   * Resolves when the group has confirmed this member by the answer to a request sent after this call, with the time
   * (monotonic, in milliseconds) of that request.
   */
  confirmed(signal?: AbortSignal): Promise<number> {
    if (this.lifecycle === 'stopped' || this.lifecycle === 'failed' || this.stopped()) {
      return Promise.reject(new MemberStoppedError(this.options.groupId))
    }
    const confirmation = this.confirmations.next(signal)
    this.wake()
    return confirmation
  }

  /** Joins again, which makes the leader assign anew: a task was given up, an input topic has grown. */
  requestRebalance(): void {
    this.rejoinWanted = true
    this.wake()
  }

  // -------------------------------------------------------------------------------------------------------- loop

  /** A call, because it changes while something is awaited. */
  private stopped(): boolean {
    return this.stopping.signal.aborted
  }

  private async run(): Promise<void> {
    while (!this.stopped()) {
      this.lifecycle = 'joining'
      const joined = await this.join()
      if (joined === null || this.stopped()) return
      const { assignment, confirm } = joined
      this.lifecycle = 'stable'
      const { generation, memberId } = this.current
      this.options.log.info({ generation, memberId, partitions: assignment.length }, 'joined the group')
      this.options.onAssigned(assignment)
      // Only now: who waits for it must know what was assigned before going on.
      confirm()
      await this.beatUntilRebalance()
      if (this.fatal !== undefined) return
    }
  }

  /** The assignment; null when stopped or fenced. Tries for as long as it takes, with a visible reason. */
  private async join(): Promise<Assigned | null> {
    let rounds = 0
    for (let tries = 0; !this.stopped();) {
      this.turnedAtMs = performance.now()
      try {
        const assigned = await this.joinAndSync()
        this.wait(undefined)
        return assigned
      } catch (error) {
        if (this.stopped()) return null
        const verdict = this.judge(error)
        if (verdict === 'fenced') return null
        if (verdict === 'at-once') {
          await this.nextRound(++rounds, asError(error))
          continue
        }
        this.wait(asError(error))
        // A coordinator that is only just being elected is nothing to wake anybody for.
        const level = tries < QUIET_TRIES && !isKafkaError(error, HOPELESS_CODES) ? 'debug' : 'warn'
        this.options.log[level]({ err: error, groupId: this.options.groupId }, 'cannot join the group yet')
        await pause(Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** Math.min(tries, 6)), this.stopping.signal)
        tries++
      }
    }
    return null
  }

  /** The group began anew before this member was in: usual while others come and go, and visible when it does not end. */
  private async nextRound(rounds: number, error: Error): Promise<void> {
    const { groupId, log } = this.options
    const unusual = rounds > QUIET_ROUNDS
    log[unusual ? 'warn' : 'debug']({ err: error, groupId, rounds }, 'the group begins a new round: joining again')
    if (!unusual) return
    this.wait(new RoundsWithoutEndError(groupId, rounds, error))
    await pause(RETRY_FIRST_MS, this.stopping.signal)
  }

  private async joinAndSync(): Promise<Assigned> {
    const { adminUrl, topics, rebalanceTimeoutMs, sessionTimeoutMs } = this.options
    // Only the first time must they all be there: later one that is gone would keep this member from all the others.
    this.counts = this.counts === null ? await this.requireTopics() : await this.countsNow(topics, this.counts)
    const { counts } = this
    this.rejoinWanted = false
    const subscription = { topics, owned: this.options.owned(), warm: this.options.warm(), adminUrl }
    const generation = this.current.generation
    const timeoutMs = rebalanceTimeoutMs + ANSWER_MARGIN_MS
    const joined = await this.ask(
      joinGroup({
        identity: this.current,
        sessionTimeoutMs,
        rebalanceTimeoutMs,
        protocolName: PROTOCOL_NAME,
        subscription: encodeSubscription({ ...subscription, generation }, ++this.nonce),
        timeoutMs,
      }),
      joined => {
        if (joined.errorCode === MEMBER_ID_REQUIRED) this.current = { ...this.current, memberId: joined.memberId }
      },
    )
    this.current = { ...this.current, memberId: joined.memberId, generation: joined.generation }
    const assignments = await this.lead(joined, counts)
    const confirm = this.confirmations.begin()
    const synced = await this.ask(syncGroup(this.current, assignments, timeoutMs))
    return { assignment: decodeAssignment(synced.assignment), confirm }
  }

  /** The assignments of all members, if this one leads; `known` are the counts of before the join. */
  private async lead(joined: Joined, known: PartitionCounts): Promise<Map<string, Buffer>> {
    if (joined.leaderId !== joined.memberId || joined.members.length === 0) return new Map()
    const members = joined.members.map(readMember)
    const topics = [...new Set(members.flatMap(member => member.topics ?? []))]
    const partitions: TopicPartition[] = []
    for (const [topic, count] of await this.countsNow(topics, known)) {
      for (let partition = 0; partition < (count ?? 0); partition++) partitions.push({ topic, partition })
    }
    const assigned = assign(members, partitions)
    return new Map([...assigned].map(([memberId, ofMember]) => [memberId, encodeAssignment(ofMember)]))
  }

  /**
   * Partition counts for an assignment. All members wait for it, and the group removes one that says nothing for a
   * session, which begins a new round: so a broker that does not answer costs a part of the session, and the counts from
   * before are taken. A topic that has grown meanwhile is seen by `requestRebalance`. Likewise for a topic that is gone or
   * may not be looked at any more: its partitions stay where they are, and whoever works on one says so.
   */
  private async countsNow(topics: readonly string[], known: PartitionCounts): Promise<PartitionCounts> {
    if (topics.some(topic => !known.has(topic))) return this.cluster.topics(topics)
    const over = new AbortController()
    const late = pause(Math.floor(this.options.sessionTimeoutMs / 4), over.signal).then(() => known)
    try {
      const now = await Promise.race([this.cluster.topics(topics), late])
      return new Map(topics.map(topic => [topic, now.get(topic) || known.get(topic) || null]))
    } catch (error) {
      if (!isConnectionFailure(error) && !(error instanceof KafkaError)) throw error
      return known
    } finally {
      over.abort()
    }
  }

  private async requireTopics(): Promise<PartitionCounts> {
    const counts = await this.cluster.topics(this.options.topics)
    for (const topic of this.options.topics) {
      if ((counts.get(topic) ?? null) === null) throw new KafkaError('Metadata', 3, topic)
    }
    return counts
  }

  private async beatUntilRebalance(): Promise<void> {
    const { heartbeatIntervalMs, sessionTimeoutMs } = this.options
    const timeoutMs = Math.max(1_000, Math.floor(sessionTimeoutMs / 3))
    let failures = 0
    for (;;) {
      const retryMs = failures === 0 ? heartbeatIntervalMs : Math.min(heartbeatIntervalMs, RETRY_FIRST_MS * failures)
      if (!this.rejoinWanted && !(this.confirmations.wanted && failures === 0)) await this.sleep(retryMs)
      if (this.stopped() || this.rejoinWanted) return
      this.turnedAtMs = performance.now()
      const confirm = this.confirmations.begin()
      try {
        await this.ask(heartbeat(this.current, timeoutMs))
        confirm()
        failures = 0
        this.wait(undefined)
      } catch (error) {
        if (this.stopped()) return
        // The group rebalances, and knows this member in this generation: that is a confirmation too.
        if (isKafkaError(error, new Set([REBALANCE_IN_PROGRESS]))) confirm()
        if (this.judge(error) !== 'later') return
        failures++
        this.wait(asError(error))
        this.options.log.debug({ err: error }, 'heartbeat failed')
      }
    }
  }

  // ---------------------------------------------------------------------------------------------------- requests

  /** Asks the group's coordinator; an error code is thrown as KafkaError, a moved coordinator is looked up next time. */
  private async ask<T extends { readonly errorCode: number }>(
    request: Request<T>,
    look: (answer: T) => void = () => undefined,
    lane: Lane = this.lane,
  ): Promise<T> {
    const { groupId } = this.options
    try {
      const answer = await this.cluster.call(await this.cluster.coordinator('group', groupId), lane, request)
      look(answer)
      if (answer.errorCode !== 0) throw new KafkaError(request.api.name, answer.errorCode, groupId)
      return answer
    } catch (error) {
      if (isConnectionFailure(error) || isKafkaError(error, COORDINATOR_CODES)) {
        this.cluster.forgetCoordinator('group', groupId)
      }
      throw error
    }
  }

  /** What an error means for this member: join again at once, try the same later, or end. */
  private judge(error: unknown): 'at-once' | 'later' | 'fenced' {
    if (!(error instanceof KafkaError)) return 'later'
    switch (error.errorCode) {
      case MEMBER_ID_REQUIRED:
      case REBALANCE_IN_PROGRESS:
      case ILLEGAL_GENERATION:
        return 'at-once'
      case UNKNOWN_MEMBER_ID: {
        const known = this.current.generation >= 0
        this.current = { ...this.current, memberId: '', generation: -1 }
        this.options.log.warn({ groupId: this.options.groupId }, 'the group has removed this member: joining anew')
        if (known) this.options.onLost('unknown-member')
        return 'at-once'
      }
      case FENCED_INSTANCE_ID:
        this.fenced = true
        this.fail(error)
        this.options.onLost('fenced-instance')
        return 'fenced'
      default:
        return 'later'
    }
  }

  private async leave(): Promise<void> {
    for (let tries = 1; tries <= LEAVE_TRIES; tries++) {
      try {
        await this.ask(leaveGroup(this.current), undefined, 'admin')
        return
      } catch (error) {
        if (isKafkaError(error, new Set([UNKNOWN_MEMBER_ID]))) return
        this.options.log.debug({ err: error, tries }, 'cannot leave the group')
        await pause(RETRY_FIRST_MS * tries)
      }
    }
  }

  private crashed(error: Error): void {
    this.options.log.error({ err: error, groupId: this.options.groupId }, 'the membership has ended by a defect')
    this.fail(error)
    this.options.onFailed(error)
  }

  private wait(error: Error | undefined): void {
    this.waiting = error === undefined ? undefined : { error, sinceMs: this.waiting?.sinceMs ?? Date.now() }
  }

  private fail(error: Error): void {
    this.fatal = error
    this.lifecycle = 'failed'
    this.confirmations.rejectAll(new MemberStoppedError(this.options.groupId))
  }

  private async sleep(ms: number): Promise<void> {
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, ms)
      this.wakeUp = () => {
        clearTimeout(timer)
        resolve()
      }
      if (this.stopped() || this.rejoinWanted) this.wakeUp()
    })
    this.wakeUp = null
  }

  private wake(): void {
    this.wakeUp?.()
  }
}

function readMember({ memberId, instanceId, subscription }: JoinedMember): AssignmentMember {
  return { memberId, instanceId, ...decodeSubscription(subscription) }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
