import { join } from 'node:path'
import type { Logger } from 'pino'
import type { Fetcher } from '../kafka/fetcher.ts'
import { listOffset } from '../kafka/offsets.ts'
import type { TransactionalProducer } from '../kafka/transaction.ts'
import type { LocalStore } from '../store/localStore.ts'
import { cycleMarkOf, hasMark, ownerOfLock } from './cycleMark.ts'
import type { CycleMark } from './cycleMark.ts'
import { offsetMissingError } from './errors.ts'
import type { EngineOptions } from './options.ts'
import type { Topology } from './processor.ts'
import { recoverState } from './recovery.ts'
import type { PartitionState } from './state.ts'

export interface TakeoverOptions {
  readonly engine: EngineOptions
  readonly topology: Pick<Topology, 'role' | 'changelog' | 'stateVersion' | 'startAt'>
  readonly topic: string
  readonly partition: number
  readonly producer: TransactionalProducer
  readonly fetcher: Fetcher
  readonly signal: AbortSignal
  readonly log: Logger
  /** The lock is ours, the restore begins. */
  readonly onRestoring: () => void
  readonly onProgress: (restored: number, remaining: number) => void
  /** As soon as the store is open, so that it is closed whatever happens after. */
  readonly onOpened: (store: LocalStore) => void
  /** See `RecoveryOptions`. */
  readonly served: Promise<boolean>
}

export interface TakenOver {
  /** As committed, read after the lock was taken. */
  readonly committed: { readonly offset: number; readonly metadata: string }
  /** Names this lock in every commit under it. */
  readonly owner: string
  /** Where the changelog begins to hold the whole state, to be said with every commit. */
  readonly changelogStart: number
  readonly cycleNumber: number
  readonly startOffset: number
  /** No more of the input than that, as far as it is known. */
  readonly inputEnd: number
  /**
   * The group had no offset, or one that was moved by hand: the start must be committed, so that it is the same the next
   * time, and so that what is decided by it (a changelog without its beginning) is written down.
   */
  readonly commitsStart: boolean
  /** Null for a role without a changelog. */
  readonly state: PartitionState | null
  readonly stampVersion: boolean
}

/** Where a task keeps its local store. */
export function storeDirectory(stateDirectory: string, role: string, topic: string, partition: number): string {
  return join(stateDirectory, role, `${topic}-${partition}`)
}

/**
 * Steps 1 to 3 of taking over a partition (`docs/design.md` 3): the lock, only then the committed offset, then the state.
 * Without the lock the predecessor could still commit after we have read.
 */
export async function takeOver(options: TakeoverOptions): Promise<TakenOver> {
  const { engine, topology, topic, partition, producer, signal } = options
  const inputEnd = lookAhead(options)
  await producer.takeOver(signal)
  const owner = ownerOfLock(producer)
  await engine.onStep?.('locked', topic, partition)
  const committed = await producer.committedOffset(topic, partition, signal)

  options.onRestoring()
  const { changelog } = topology
  const mark = cycleMarkOf(committed.metadata)
  const waitingRecords = () => inputEnd() - Math.max(0, committed.offset)
  const recovered = changelog === undefined ? null : await recover(options, changelog, mark, waitingRecords)
  const firstStart = committed.offset < 0
  if (firstStart && recovered?.hasState === true) throw offsetMissingError(topic, partition, changelog ?? '')
  const startOffset = firstStart
    ? await listOffset(engine.cluster, topic, partition, topology.startAt(topic, partition), signal)
    : committed.offset
  await engine.onStep?.('restored', topic, partition)
  return {
    committed,
    owner,
    changelogStart: recovered?.changelogStart ?? 0,
    cycleNumber: mark.number,
    startOffset,
    inputEnd: inputEnd(),
    commitsStart: !hasMark(mark),
    state: recovered?.state ?? null,
    stampVersion: recovered?.stampVersion ?? false,
  }
}

/**
 * Where the input ends, as far as it is known by now; 0 until it is. Only for the order in which partitions are restored:
 * so it is asked for beside the lock, and nothing waits for the answer.
 */
function lookAhead({ engine, topic, partition, signal }: TakeoverOptions): () => number {
  let end = 0
  listOffset(engine.cluster, topic, partition, 'latest', signal).then(
    offset => {
      end = offset
    },
    () => undefined,
  )
  return () => end
}

async function recover(options: TakeoverOptions, changelog: string, mark: CycleMark, waitingRecords: () => number) {
  const { engine, topology, topic, partition } = options
  const startedMs = performance.now()
  const recovered = await recoverState({
    cluster: engine.cluster,
    fetcher: options.fetcher,
    changelog,
    committedEnd: mark.changelogEnd,
    acceptedStart: hasMark(mark) ? mark.changelogStart : null,
    partition,
    directory: storeDirectory(engine.stateDirectory, topology.role, topic, partition),
    stateVersion: topology.stateVersion,
    cacheEntries: engine.cacheEntries,
    maxStoreAgeMs: engine.maxStoreAgeMs,
    noProgressMs: engine.restoreNoProgressMs,
    signal: options.signal,
    log: options.log,
    onProgress: options.onProgress,
    onWritten: engine.onStep && (() => engine.onStep?.('restore-written', topic, partition)),
    onOpened: options.onOpened,
    waitingRecords,
    served: options.served,
  })
  engine.observer.restored(topology.role, topic, partition, recovered.records, performance.now() - startedMs)
  return recovered
}
