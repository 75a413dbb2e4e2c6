import type { Logger } from 'pino'
import { FencedError, KafkaError, OutcomeUnknownError } from '../kafka/errors.ts'
import type { Membership, TransactionalProducer } from '../kafka/transaction.ts'
import { Backoff, sleep } from './backoff.ts'
import { ChangelogReach } from './changelogReach.ts'
import type { Cycle } from './cycle.ts'
import { cycleMetadata } from './cycleMark.ts'
import { changelogLostError, commitRefusedError, OwnershipLostError } from './errors.ts'
import type { TaskError } from './errors.ts'
import type { CommitVerdict } from './observer.ts'
import type { EngineStep } from './options.ts'

/** Broker errors that sending the same bytes again cannot mend; the number of tries before the task gives up on them. */
const REFUSALS = new Set([10, 18, 29, 30, 31, 32, 43, 44, 53, 87])
const REFUSAL_TRIES = 3

type CommitStep = Extract<EngineStep, 'produced' | 'offset-committed' | 'reconcile-proved' | 'reconcile-read'>

export interface CommitterOptions {
  readonly producer: TransactionalProducer
  readonly topic: string
  readonly partition: number
  /** Of the lock, as every commit under it names it; see `CycleMark`. */
  readonly owner: string
  /** Topic; null for a role without one. */
  readonly changelog: string | null
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
  /** The offset behind the cycle's last change, of the attempt that committed; undefined where it changes nothing. */
  readonly changelogPosition: number | undefined
  /**
   * CHANGELOG_LOST where the changelog ends before what it must. The cycle is committed all the same, with a mark that says
   * so to whoever reads it; this task must not go on either.
   */
  readonly lost: TaskError | null
}

/** One attempt whose step 2 was answered: what its step 3 says. */
interface Attempt {
  readonly offset: number
  readonly metadata: string
  readonly changelogPosition: number | undefined
  /** As `metadata` says it. */
  readonly changelogEnd: number
}

/**
 * Steps 2 to 4 of the commit cycle, and what follows when their outcome is unknown. Never aborts and goes on, never
 * guesses: the encoded records stay in the cycle until it is known that they are committed.
 */
export class Committer {
  private readonly options: CommitterOptions
  private last: { readonly offset: number; readonly metadata: string }

  /** `last` is the committed offset as it was read after the lock was taken. */
  constructor(options: CommitterOptions, last: { readonly offset: number; readonly metadata: string }) {
    this.options = options
    this.last = last
  }

  /** Resolves when the cycle is committed. */
  async commit(cycle: Cycle<unknown>): Promise<Committed> {
    const { producer, topic, partition } = this.options
    const rounds = cycle.rounds()
    const reach = new ChangelogReach(cycle.changelogBefore, cycle.changedSlots.length)
    const attempts: Attempt[] = []
    const backoff = new Backoff(50, 5_000)
    let refusals = 0
    for (let tries = 0; ; tries++) {
      try {
        await producer.commit(
          rounds,
          nextOffsets => {
            const attempt = this.attempt(cycle, reach, nextOffsets)
            attempts.push(attempt)
            const { offset, metadata } = attempt
            return { topic, partition, offset, metadata }
          },
          this.options.membership(),
          this.options.onStep,
        )
        return this.committed(tries === 0 ? 'committed' : 'resent', attempts.at(-1)!, reach)
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
        if (tries > 0) await sleep(backoff.nextMs(), this.options.signal)
        const found = await this.reconcile(cycle, attempts)
        if (found !== undefined) return this.committed('found-committed', found, reach)
      }
    }
  }

  /** What step 3 says, now that step 2 is answered: where the records of this attempt stand is known only from that. */
  private attempt(cycle: Cycle<unknown>, reach: ChangelogReach, nextOffsets: ReadonlyMap<string, number>): Attempt {
    const { partition, owner, changelog, changelogStart } = this.options
    const { number, endOffset: offset } = cycle
    const changelogPosition = changelog === null ? undefined : nextOffsets.get(`${changelog}/${partition}`)
    const changelogEnd = reach.endWith(changelogPosition)
    const metadata = cycleMetadata({ number, changelogEnd, owner, changelogStart })
    return { offset, metadata, changelogPosition, changelogEnd }
  }

  private committed(verdict: Committed['verdict'], attempt: Attempt, reach: ChangelogReach): Committed {
    const { changelog, partition } = this.options
    const { changelogPosition, changelogEnd } = attempt
    this.last = attempt
    this.options.onWaiting(null)
    const lost =
      reach.hasLost && changelog !== null && changelogPosition !== undefined
        ? changelogLostError(changelog, partition, changelogPosition + 1, changelogEnd)
        : null
    return { verdict, changelogPosition, lost }
  }

  /**
   * R0: wait until the group confirms this member now: a zombie must not go further (its R1 would abort the owner's
   * transaction). R1: prove that nobody else took the lock; both are `proveContinuity`, which repeats R0 as often as R1.
   * R2: read what survived, and who wrote it: between R1's answer and R2 this process may have been cut off or stopped for
   * so long that an heir works, and the heir's first cycle has the number of ours. While R2 finds one of our own memory
   * is still valid: no rollback, no second processing.
   *
   * The attempt that committed, undefined where none did. Any that was sent counts: its number and its owner are of this
   * cycle and of nothing else.
   */
  private async reconcile(cycle: Cycle<unknown>, attempts: readonly Attempt[]): Promise<Attempt | undefined> {
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
    const isFound = (mark: { readonly offset: number; readonly metadata: string }): boolean =>
      found.offset === mark.offset && found.metadata === mark.metadata
    const committed = attempts.find(isFound)
    if (committed !== undefined) return committed
    if (isFound(this.last)) return undefined
    throw new OwnershipLostError(
      `${topic}-${partition}: the committed offset is ${found.offset} (${found.metadata || 'no metadata'}), neither this ` +
        `cycle's ${cycle.endOffset} (${attempts.at(-1)?.metadata ?? 'not sent'}) nor the one before, ${this.last.offset}: ` +
        'somebody moved it',
    )
  }
}

function isRefusal(error: OutcomeUnknownError): boolean {
  return error.cause instanceof KafkaError && REFUSALS.has(error.cause.errorCode)
}

function describe(error: OutcomeUnknownError): string {
  return error.cause instanceof Error ? error.cause.message : error.message
}
