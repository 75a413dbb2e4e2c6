import type { Cluster } from './cluster.ts'
import type { Compression } from './compression.ts'
import { FencedError, KafkaError, OutcomeUnknownError, ProducerStateError } from './errors.ts'
import type { TransactionStep } from './errors.ts'
import { ProduceRounds } from './produceRounds.ts'
import type { OutputBatch } from './produceRounds.ts'
import type { Request } from './request.ts'
import type { CoordinatorKind } from './requests/findCoordinator.ts'
import { offsetFetch } from './requests/offsets.ts'
import {
  addOffsetsToTransaction,
  endTransaction,
  initProducerId,
  NO_IDENTITY,
  transactionalOffsetCommit,
} from './requests/transactions.ts'
import type {
  Answer,
  Membership,
  OffsetToCommit,
  ProducerIdentity,
  TransactionProtocol,
} from './requests/transactions.ts'
import { CONCURRENT_TRANSACTIONS, COORDINATOR_CODES, isConnectionFailure, isKafkaError, retrying } from './retry.ts'

export type { OutputBatch } from './produceRounds.ts'
export type { Membership } from './requests/transactions.ts'

/** INVALID_PRODUCER_EPOCH, INVALID_PRODUCER_ID_MAPPING, UNKNOWN_PRODUCER_ID, PRODUCER_FENCED: continuity is not proved. */
const FENCED_CODES: ReadonlySet<number> = new Set([47, 49, 59, 90])
/** What the same request, sent again, mends; 3 and 7 while the group's coordinator moves. */
const OFFSET_COMMIT_CODES: ReadonlySet<number> = new Set([3, 7, 14, 15, 16, CONCURRENT_TRANSACTIONS])
const COORDINATOR_RETRY_CODES: ReadonlySet<number> = new Set([...COORDINATOR_CODES, CONCURRENT_TRANSACTIONS])
const UNSTABLE_CODES: ReadonlySet<number> = new Set([...COORDINATOR_CODES, CONCURRENT_TRANSACTIONS, 88])
const UNKNOWN_MEMBER_ID = 25
/** How long a step of a commit repeats what a moved leader or coordinator answers, before its outcome is in doubt. */
const STEP_DEADLINE_MS = 30_000

/** So long a confirmation of the member counts for what is sent after it: repeats within milliseconds share one. */
const CONFIRMATION_MS = 500
/** So often a group must say that it has no offset, and be shown to be the group each time. */
const LOOKS_FOR_NONE = 2

/** The group member on whose behalf transactions are made. */
export interface ConfirmedMember {
  /**
   * Resolves when the group has confirmed this member by an answer to a request sent after the call, with the time
   * (monotonic, in milliseconds) of that request. Rejects with the signal's reason, and when there will be no such answer
   * any more.
   */
  confirmed(signal?: AbortSignal): Promise<number>
  /** Not heard of for so long, the group gives the member's partitions to others. */
  readonly sessionTimeoutMs: number
}

export interface TransactionalProducerOptions {
  /** Stable for what it locks: initialising it fences whoever used it before. */
  readonly transactionalId: string
  /** The group whose offsets the transactions commit. */
  readonly groupId: string
  readonly member: ConfirmedMember
  /** The broker aborts a transaction that stays open for longer. */
  readonly timeoutMs: number
  readonly compression?: Compression
  /** Tests only: the older protocol on a cluster that knows the newer one. */
  readonly forceProtocol?: 'v1'
}

type ProducerState = 'new' | 'ready' | 'committing' | 'in-doubt' | 'fenced'

/**
 * One transactional id: the lock on a partition, and the transactions of its owner, one at a time. Protocol v2 (KIP-890:
 * Produce 12, TxnOffsetCommit 5, EndTxn 5; a new epoch for each transaction) where the cluster has finalized it, v1
 * otherwise; chosen anew at each initialisation, because a cluster can be raised while we run.
 *
 * Sequence numbers count per (producer id, epoch, partition): they begin at 0 with each epoch and are never taken back.
 * After anything but success a new epoch is needed (`proveContinuity`) before the next commit: reusing an epoch with a
 * sequence that the broker may have seen would lose records silently.
 */
export class TransactionalProducer {
  private readonly cluster: Cluster
  private readonly options: TransactionalProducerOptions
  private readonly rounds: ProduceRounds
  private identity: ProducerIdentity = NO_IDENTITY
  private currentProtocol: TransactionProtocol = 'v1'
  private state: ProducerState = 'new'
  private waiting: Error | undefined

  constructor(cluster: Cluster, options: TransactionalProducerOptions) {
    this.cluster = cluster
    this.options = options
    this.rounds = new ProduceRounds(cluster, options.transactionalId, options.compression ?? 'none', STEP_DEADLINE_MS)
  }

  get protocol(): TransactionProtocol {
    return this.currentProtocol
  }

  get producerId(): bigint {
    return this.identity.producerId
  }

  /** -1 before the first initialisation. */
  get epoch(): number {
    return this.identity.epoch
  }

  /** Why `takeOver`, `proveContinuity` or `committedOffset` waits; undefined while nothing does. */
  get lastError(): Error | undefined {
    return this.waiting
  }

  /**
   * Takes the lock: fences the predecessor and ends its open transaction. For a partition that the group has just given to
   * this member; after a lost connection only once the group has confirmed it again. Waits for that, for a coordinator
   * that moves and for the network until the signal aborts (without a signal: one minute). Throws KafkaError for anything
   * else.
   */
  async takeOver(signal?: AbortSignal): Promise<void> {
    await this.initialise(NO_IDENTITY, performance.now(), signal)
  }

  /**
   * R0 and R1 of a reconcile: once the group has confirmed this member, proves that nobody has taken the lock since, and
   * begins a new epoch, which aborts what was left open of the last transaction. A zombie's call would abort the owner's
   * transaction before it is refused: so each repeat after a lost connection waits for a confirmation of its own, is
   * written to the socket within half a session of it or not at all, and is given up after another half. Waits as
   * `takeOver` does. Throws FencedError when refused.
   */
  async proveContinuity(signal?: AbortSignal): Promise<void> {
    if (this.identity.epoch < 0) throw new ProducerStateError('Continuity of a producer that was never initialised')
    try {
      await this.initialise(this.identity, Number.NEGATIVE_INFINITY, signal)
    } catch (error) {
      if (!isKafkaError(error, FENCED_CODES)) throw error
      this.state = 'fenced'
      throw new FencedError(this.options.transactionalId, error)
    }
  }

  /**
   * Steps 2 to 4 of the commit cycle: produces the rounds (one batch per partition and round), commits the offset with
   * the group's check of this member, ends the transaction. Resolves when it is committed, with the next offset (base +
   * count) of the last round per `topic/partition`. An offset whose metadata says where the records stand is made from
   * these, when step 2 is answered.
   *
   * A moved leader or coordinator and a transaction that is still being ended are answered by the same bytes with the
   * same sequence, in place. Any other error and any lost answer: OutcomeUnknownError (also ILLEGAL_GENERATION,
   * UNKNOWN_MEMBER_ID and FENCED_INSTANCE_ID, as its cause). The batches are not touched any more when it is thrown.
   */
  async commit(
    rounds: readonly (readonly OutputBatch[])[],
    offset: OffsetToCommit | ((nextOffsets: ReadonlyMap<string, number>) => OffsetToCommit),
    membership: Membership,
    onStep?: (step: 'produced' | 'offset-committed') => Promise<void> | void,
  ): Promise<Map<string, number>> {
    const { transactionalId, groupId } = this.options
    if (this.state !== 'ready') {
      throw new ProducerStateError(`Commit of ${transactionalId} while it is ${this.state}`)
    }
    if (membership.generation < 0 || membership.memberId === '') {
      // Sent like this the group would check nothing at all.
      this.state = 'in-doubt'
      const cause = new KafkaError('TxnOffsetCommit', UNKNOWN_MEMBER_ID, groupId, 'not a member now')
      throw new OutcomeUnknownError(transactionalId, 'commit-offset', cause)
    }
    const { identity, currentProtocol: protocol } = this
    let step: TransactionStep = 'produce'
    this.state = 'committing'
    try {
      const nextOffsets = await this.rounds.send(rounds, protocol, identity)
      await onStep?.('produced')

      step = 'commit-offset'
      if (protocol === 'v1') {
        await this.ask('transaction', addOffsetsToTransaction(transactionalId, identity, groupId))
      }
      const next = typeof offset === 'function' ? offset(nextOffsets) : offset
      const commit = transactionalOffsetCommit(protocol, transactionalId, identity, { ...membership, groupId }, next)
      await this.ask('group', commit, OFFSET_COMMIT_CODES)
      await onStep?.('offset-committed')

      step = 'end-transaction'
      const ended = await this.ask('transaction', endTransaction(protocol, transactionalId, identity, 'commit'))
      if (ended.producerId !== identity.producerId || ended.epoch !== identity.epoch) this.adopt(ended)
      this.rounds.transactionEnded()
      this.state = 'ready'
      return nextOffsets
    } catch (error) {
      this.state = 'in-doubt'
      throw new OutcomeUnknownError(transactionalId, step, error)
    }
  }

  /**
   * What the group has committed for a partition, waiting out transactions that are still open there. -1 means none; but
   * a coordinator that is resigning says so too (KAFKA-20416), and asked again at once it says the same. So that answer
   * counts only from a node that knows this member as one of the group afterwards, which one without the group's state
   * cannot, and only when another look finds the same. A new group pays two heartbeats for it, no waiting.
   */
  async committedOffset(
    topic: string,
    partition: number,
    signal?: AbortSignal,
  ): Promise<{ offset: number; metadata: string }> {
    const { groupId, member } = this.options
    const request = offsetFetch(groupId, topic, partition)
    let looks = 0
    return this.patiently('group', groupId, UNSTABLE_CODES, signal, async node => {
      for (;;) {
        const { errorCode, offset, metadata } = await this.cluster.call(node, 'transactions', request)
        if (errorCode !== 0) throw new KafkaError(request.api.name, errorCode, `${groupId}, ${topic}-${partition}`)
        if (offset >= 0) return { offset, metadata }
        await member.confirmed(signal)
        // The member asks the coordinator that is known here: the confirmation is this node's if that is still the same.
        const now = await this.cluster.coordinator('group', groupId)
        looks = now === node ? looks + 1 : 0
        if (looks === LOOKS_FOR_NONE) return { offset, metadata }
        this.cluster.forgetCoordinator('group', groupId)
        node = await this.cluster.coordinator('group', groupId)
      }
    })
  }

  /** `confirmedMs` (monotonic): of when the group's last word on this member is. */
  private async initialise(
    identity: ProducerIdentity,
    confirmedMs: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { transactionalId, timeoutMs, forceProtocol, member } = this.options
    const halfSessionMs = Math.floor(member.sessionTimeoutMs / 2)
    const request = {
      ...initProducerId(transactionalId, timeoutMs, identity),
      // Its connection is closed with it; with `writeByMs` that is, as a rule, before the group can give the partition away.
      // What the kernel still holds across a cut may come later: then the heir's transaction is aborted and reconciled.
      timeoutMs: Math.min(this.cluster.settings.connection.requestTimeoutMs, halfSessionMs),
    }
    await this.patiently('transaction', transactionalId, COORDINATOR_RETRY_CODES, signal, async node => {
      const version = await this.cluster.transactionVersion(node, 'transactions')
      if (performance.now() - confirmedMs >= CONFIRMATION_MS) {
        confirmedMs = await member.confirmed(signal)
      }
      signal?.throwIfAborted()
      // The connection of a moment ago may have to be opened again, and its identity proved again, before it is written.
      const writeByMs = confirmedMs + halfSessionMs
      const answer = await this.cluster
        .call(node, 'transactions', { ...request, writeByMs })
        .catch((error: unknown) => {
          confirmedMs = Number.NEGATIVE_INFINITY
          throw error
        })
      if (answer.errorCode !== 0) throw new KafkaError(request.api.name, answer.errorCode, transactionalId)
      this.currentProtocol = forceProtocol ?? (version >= 2 ? 'v2' : 'v1')
      this.adopt(answer)
      this.state = 'ready'
    })
  }

  /** Sequences belong to an epoch: a new one starts them again. */
  private adopt({ producerId, epoch }: ProducerIdentity): void {
    this.identity = { producerId, epoch }
    this.rounds.epochBegan()
  }

  /** For requests that may be repeated at will: waits for the network too. */
  private patiently<T>(
    kind: CoordinatorKind,
    key: string,
    codes: ReadonlySet<number>,
    signal: AbortSignal | undefined,
    attempt: (node: number) => Promise<T>,
  ): Promise<T> {
    return retrying(async () => attempt(await this.cluster.coordinator(kind, key)), {
      signal,
      onWaiting: error => {
        this.waiting = error
      },
      again: error => {
        if (isConnectionFailure(error) || isKafkaError(error, COORDINATOR_CODES)) {
          this.cluster.forgetCoordinator(kind, key)
          return true
        }
        return isKafkaError(error, codes)
      },
    })
  }

  /** A request within a commit: a lost answer is not repeated but leaves the outcome in doubt. */
  private ask<T extends Answer>(
    kind: CoordinatorKind,
    request: Request<T>,
    codes: ReadonlySet<number> = COORDINATOR_RETRY_CODES,
  ): Promise<T> {
    const key = kind === 'group' ? this.options.groupId : this.options.transactionalId
    const attempt = async () => {
      const answer = await this.cluster.call(await this.cluster.coordinator(kind, key), 'transactions', request)
      if (answer.errorCode !== 0) throw new KafkaError(request.api.name, answer.errorCode, key)
      return answer
    }
    return retrying(attempt, {
      deadlineMs: STEP_DEADLINE_MS,
      again: error => {
        if (isConnectionFailure(error) || isKafkaError(error, COORDINATOR_CODES)) {
          this.cluster.forgetCoordinator(kind, key)
        }
        return isKafkaError(error, codes)
      },
    })
  }
}
