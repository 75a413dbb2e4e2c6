import type { Logger } from 'pino'
import type { Cluster } from '../kafka/cluster.ts'
import type { Fetcher } from '../kafka/fetcher.ts'
import { listOffset } from '../kafka/offsets.ts'
import { LocalStore } from '../store/localStore.ts'
import { Backoff, sleep } from './backoff.ts'
import { beginningLostError, changelogLostError, stateAheadError, stateTooNewError } from './errors.ts'
import { restoreChangelog } from './restore.ts'
import { PartitionState } from './state.ts'

/**
 * So often the changelog's end is asked for where it lies before what was committed or stored, over six seconds: a broker
 * that does not know yet that it leads no more answers with the end of before, and only an operator ends CHANGELOG_LOST
 * and STATE_AHEAD_OF_CHANGELOG.
 */
const END_TRIES = 6
/** A checkpoint from so far in the future was written by a clock that was wrong: how old it is is not known. */
const CLOCK_TOLERANCE_MS = 300_000

export interface RecoveryOptions {
  readonly cluster: Cluster
  readonly fetcher: Fetcher
  readonly changelog: string
  /** The last commit says that the changelog ends there or later; 0 where it says nothing. */
  readonly committedEnd: number
  /**
   * The last commit says that the changelog holds the whole state from there on; null where it says nothing: then the
   * group has never committed, or an operator has moved its offset, and what is left counts.
   */
  readonly acceptedStart: number | null
  readonly partition: number
  readonly directory: string
  readonly stateVersion: number
  readonly cacheEntries: number
  readonly maxStoreAgeMs: number
  readonly noProgressMs: number
  readonly signal: AbortSignal
  readonly log: Logger
  readonly onProgress: (restored: number, remaining: number) => void
  /** After each write to the store. */
  readonly onWritten?: (() => Promise<void> | void) | undefined
  /** Called as soon as the store is open, so that it is closed whatever happens after. */
  readonly onOpened: (store: LocalStore) => void
  /** Of the input, about: of the partitions of this process that wait for their store the one with the most comes first. */
  readonly waitingRecords: () => number
  /** Until then the others wait, where it does not take long: two at once would both be late. True: records are committed. */
  readonly served: Promise<boolean>
}

export interface Recovered {
  readonly state: PartitionState
  /** The changelog or the store held something: a task with state must also have a committed offset. */
  readonly hasState: boolean
  /** The state was written by an older release, or there is none yet: the next cycle says which version it writes. */
  readonly stampVersion: boolean
  /** From where on the changelog holds the whole state, to be said with every commit from here on. */
  readonly changelogStart: number
  readonly records: number
}

/**
 * Step 3 of a takeover: opens the local store and replays the changelog from its checkpoint (or from the start, where
 * the store is missing, damaged, behind the log start or older than the tombstones) to the high watermark. Only after the
 * lock is taken: before it, a predecessor could still write.
 *
 * A start that has moved (records deleted, by hand or by a cleanup policy: compaction never moves it) without a store
 * that reaches it is refused, `CHANGELOG_LOST`: what is left is a part of the state, and nobody can say which.
 */
export async function recoverState(options: RecoveryOptions): Promise<Recovered> {
  const { cluster, changelog, partition, directory, stateVersion, signal, log } = options
  const { store, wiped } = await LocalStore.open(directory, {
    signal,
    urgency: options.waitingRecords,
    keepTurn: options.served,
  })
  options.onOpened(store)
  if (wiped) log.warn({ err: wiped, directory }, 'local store could not be read: wiped, restoring whole')

  const start = await listOffset(cluster, changelog, partition, 'earliest', signal)
  const checkpoint = store.checkpoint()
  const end = await changelogEnd(options, checkpoint?.changelogPosition ?? 0)
  let changelogStart = options.acceptedStart ?? 0
  /** Nothing is wiped before: a store that is too old is the only one that still has what was deleted. */
  const needBeginning = () => {
    if (start <= changelogStart) return
    if (options.acceptedStart !== null) throw beginningLostError(changelog, partition, start, changelogStart)
    changelogStart = start
    log.warn(
      { code: 'CHANGELOG_START_ACCEPTED', start },
      'the changelog has lost its first records, and the offset of the group says nothing of it (it was moved by hand, or ' +
        'never committed): what is left counts as the state from here on',
    )
  }
  let from = start
  let storeVersion = 0
  let storeStampMs = Date.now()
  if (checkpoint === null) {
    needBeginning()
    // A crash before the first checkpoint: how old they are is not known, nor which deletes they have missed since.
    if (store.hasEntries) await store.clear()
  } else {
    if (checkpoint.stateVersion > stateVersion) throw stateTooNewError(directory, checkpoint.stateVersion, stateVersion)
    if (checkpoint.changelogPosition > end) throw stateAheadError(directory, checkpoint.changelogPosition, end)
    const ageMs = Date.now() - checkpoint.writtenAtMs
    const isOld = ageMs > options.maxStoreAgeMs || ageMs < -CLOCK_TOLERANCE_MS
    if (checkpoint.changelogPosition < start || isOld) {
      needBeginning()
      log.info({ ageMs, position: checkpoint.changelogPosition, start }, 'local store is too old: restoring whole')
      await store.clear()
    } else {
      from = checkpoint.changelogPosition
      storeVersion = checkpoint.stateVersion
      storeStampMs = checkpoint.writtenAtMs
      if (start > changelogStart) {
        log.warn(
          { code: 'CHANGELOG_CUT', start, changelogStart, position: from },
          'records of the changelog were deleted: only this local store has the whole state, and without it the partition ' +
            'stops with CHANGELOG_LOST; whoever deletes records of this topic must stop: it is compacted, and nothing else',
        )
      }
    }
  }
  options.onProgress(0, Math.max(0, end - from))
  const restored = await restoreChangelog({
    fetcher: options.fetcher,
    topic: changelog,
    partition,
    store,
    stateVersion,
    storeVersion,
    storeStampMs,
    from,
    until: end,
    noProgressMs: options.noProgressMs,
    signal,
    onWritten: options.onWritten,
    onProgress: (position, records) => options.onProgress(records, Math.max(0, end - position)),
  })
  const state = new PartitionState(
    { changelog, partition, store, stateVersion, cacheEntries: options.cacheEntries },
    restored.position,
    restored.writtenVersion,
  )
  await state.loadTimers()
  return {
    state,
    hasState: restored.records > 0 || store.hasEntries,
    stampVersion: restored.writtenVersion < stateVersion,
    changelogStart,
    records: restored.records,
  }
}

/**
 * The high watermark, asked for again where it lies before what was committed or before the checkpoint. Throws
 * CHANGELOG_LOST where it stays before what was committed.
 */
async function changelogEnd(options: RecoveryOptions, checkpoint: number): Promise<number> {
  const { cluster, changelog, partition, committedEnd, signal } = options
  const backoff = new Backoff(250, 2_000)
  for (let tries = 1; ; tries++) {
    const end = await listOffset(cluster, changelog, partition, 'latest', signal)
    if (end >= Math.max(committedEnd, checkpoint)) return end
    if (tries === END_TRIES) {
      if (end < committedEnd) throw changelogLostError(changelog, partition, end, committedEnd)
      return end
    }
    await sleep(backoff.nextMs(), signal)
    cluster.forgetLeaders(changelog)
  }
}
