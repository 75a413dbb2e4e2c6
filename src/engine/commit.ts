import type { Logger } from 'pino'
import { FencedError, KafkaError, OutcomeUnknownError } from '../kafka/errors.ts'
import type { Membership, TransactionalProducer } from '../kafka/transaction.ts'
import { Backoff, sleep } from './backoff.ts'
import type { Cycle } from './cycle.ts'
import { cycleMetadata } from './cycleMark.ts'
import { commitRefusedError, OwnershipLostError } from './errors.ts'
import type { CommitVerdict } from './observer.ts'
import type { EngineStep } from './options.ts'

/** Broker errors that sending the same bytes again cannot mend; the number of tries before the task gives up on them. */
const REFUSALS = new Set([10, 18, 29, 30, 31, 43, 44, 53, 87])
const REFUSAL_TRIES = 3

type CommitStep = Extract<EngineStep, 'produced' | 'offset-committed' | 'reconcile-proved' | 'reconcile-read'>

export interface CommitterOptions {
  readonly producer: TransactionalProducer
  readonly topic: string
  readonly partition: number
  /** Of the lock, as every commit under it names it; see `CycleMark`. */
  readonly owner: string
  /** Of the changelog, as every commit names it; see `CycleMark`. */
  readonly changelogStart: number
  readonly membership: () => Membership
  readonly signal: AbortSignal
  readonly log: Logger
  /** Shown as the task's waiting reason while a commit is in doubt; null when it is over. */
  readonly onWaiting: (reason: string | null) => void
  readonly onStep: ((step: CommitStep) => Promise<void> | void) | undefined
}

export interface Committed {
  readonly verdict: Exclude<CommitVerdict, 'lost'>
  /** Next offset per `topic/partition` written to; empty when a reconcile found the cycle committed. */
  readonly nextOffsets: ReadonlyMap<string, number>
}

/**
 * Steps 2 to 4 of the commit cycle, and what follows when their outcome is unknown. Never aborts and goes on, never
 * guesses: the encoded records stay in the cycle until it is known that they are committed.
 */
export class Committer {
  private readonly options: CommitterOptions
  private last: { offset: number; metadata: string }

  /** `last` is the committed offset as it was read after the lock was taken. */
  constructor(options: CommitterOptions, last: { offset: number; metadata: string }) {
    this.options = options
    this.last = last
  }

  async commit(cycle: Cycle<unknown>): Promise<Committed> {
    const { producer, topic, partition, owner, changelogStart } = this.options
    const { number, changelogEnd } = cycle
    const metadata = cycleMetadata({ number, changelogEnd, owner, changelogStart })
    const next = { offset: cycle.endOffset, metadata }
    const rounds = cycle.rounds()
    const backoff = new Backoff(50, 5_000)
    let refusals = 0
    for (let attempt = 0; ; attempt++) {
      try {
        const nextOffsets = await producer.commit(
          rounds,
          { topic, partition, ...next },
          this.options.membership(),
          this.options.onStep,
        )
        this.last = next
        this.options.onWaiting(null)
        return { verdict: attempt === 0 ? 'committed' : 'resent', nextOffsets }
      } catch (error) {
        if (!(error instanceof OutcomeUnknownError)) throw error
        if (isRefusal(error) && ++refusals >= REFUSAL_TRIES) {
          throw commitRefusedError(topic, partition, describe(error), error)
        }
        this.options.onWaiting(`commit of cycle ${cycle.number} in doubt after ${error.step}: ${describe(error)}`)
        this.options.log.warn(
          { code: error.code, step: error.step, cycle: cycle.number, err: error },
          'commit in doubt',
        )
        if (attempt > 0) await sleep(backoff.nextMs(), this.options.signal)
        if ((await this.reconcile(next)) === 'found-committed') {
          this.last = next
          this.options.onWaiting(null)
          return { verdict: 'found-committed', nextOffsets: new Map() }
        }
      }
    }
  }

  /**
   * R0: wait until the group confirms this member now: a zombie must not go further (its R1 would abort the owner's
   * transaction). R1: prove that nobody else took the lock; both are `proveContinuity`, which repeats R0 as often as R1.
   * R2: read what survived, and who wrote it: between R1's answer and R2 this process may have been cut off or stopped for
   * so long that an heir works, and the heir's first cycle has the number of ours. While R2 finds one of our own memory
   * is still valid: no rollback, no second processing.
   */
  private async reconcile(next: { offset: number; metadata: string }): Promise<'found-committed' | 'send-again'> {
    const { producer, topic, partition, signal, onStep } = this.options
    try {
      await producer.proveContinuity(signal)
    } catch (error) {
      if (error instanceof FencedError) {
        throw new OwnershipLostError(`${topic}-${partition}: another instance took the partition over`, error)
      }
      throw error
    }
    await onStep?.('reconcile-proved')
    const found = await producer.committedOffset(topic, partition, signal)
    await onStep?.('reconcile-read')
    if (found.offset === next.offset && found.metadata === next.metadata) return 'found-committed'
    if (found.offset === this.last.offset && found.metadata === this.last.metadata) return 'send-again'
    throw new OwnershipLostError(
      `${topic}-${partition}: the committed offset is ${found.offset} (${found.metadata || 'no metadata'}), neither this ` +
        `cycle's ${next.offset} (${next.metadata}) nor the one before, ${this.last.offset}: somebody moved it`,
    )
  }
}

function isRefusal(error: OutcomeUnknownError): boolean {
  return error.cause instanceof KafkaError && REFUSALS.has(error.cause.errorCode)
}

function describe(error: OutcomeUnknownError): string {
  return error.cause instanceof Error ? error.cause.message : error.message
}
