import type { Fetcher } from '../kafka/fetcher.ts'
import { scanRecords } from '../kafka/recordBatch.ts'
import type { RecordView } from '../kafka/recordBatch.ts'
import type { LocalStore, StoreWrite } from '../store/localStore.ts'
import { changelogMovedError, restoreStuckError, stateTooNewError } from './errors.ts'
import { VERSION_KEY } from './state.ts'
import { dueTimeCodec } from './timers.ts'

/** Changelog bytes gathered before they go to the store in one write. */
const WRITE_BYTES = 1 << 20

export interface RestoreOptions {
  /** A read_committed fetcher. */
  readonly fetcher: Fetcher
  readonly topic: string
  readonly partition: number
  readonly store: LocalStore
  /** The newest version that this release reads. */
  readonly stateVersion: number
  /** The one that the store was written with, 0 for a new one. */
  readonly storeVersion: number
  /** The stamp of the store's checkpoint. It stays until the end is reached: until then as many deletes may be missed. */
  readonly storeStampMs: number
  /** First changelog offset that is not in the store yet. */
  readonly from: number
  /** The high watermark at the time of taking over: not the last stable offset, which may still move. */
  readonly until: number
  /** Fails when the position has not moved for so long: never by total time, a big state takes what it takes. */
  readonly noProgressMs: number
  readonly signal: AbortSignal
  readonly onProgress: (position: number, records: number) => void
  /** After each write to the store. */
  readonly onWritten?: (() => Promise<void> | void) | undefined
}

export interface Restored {
  readonly position: number
  readonly records: number
  /** State version that the changelog, or before it the store, says it was written with; 0 where neither says anything. */
  readonly writtenVersion: number
}

/**
 * Replays the changelog into the local store, up to `until`. The position advances over transaction markers, aborted
 * and compacted-away ranges; a state written by a newer release is refused before anything is used.
 */
export async function restoreChangelog(options: RestoreOptions): Promise<Restored> {
  const { fetcher, topic, partition, store, until, signal } = options
  let position = options.from
  let records = 0
  let writtenVersion = options.storeVersion
  let changes = new Map<string, Buffer | null>()
  let bytes = 0
  let wake: () => void = () => undefined
  const subscription = fetcher.subscribe(topic, partition, position, () => wake())
  const abort = () => wake()
  signal.addEventListener('abort', abort)

  const write = async () => {
    const batch = changes
    changes = new Map()
    bytes = 0
    const fill = (write: StoreWrite) => {
      for (const [key, value] of batch) {
        if (value === null) write.delete(key)
        else write.put(key, value, 0, value.length)
      }
    }
    await store.write(fill, {
      changelogPosition: position,
      // Not this release's: until it has said so in the changelog, nothing there is of its version.
      stateVersion: writtenVersion,
      writtenAtMs: position < until ? options.storeStampMs : Date.now(),
    })
    await options.onWritten?.()
  }

  try {
    while (position < until) {
      signal.throwIfAborted()
      if (subscription.failure) throw changelogMovedError(topic, partition, subscription.failure)
      const chunk = subscription.take()
      if (chunk === undefined) {
        let timer: NodeJS.Timeout | undefined
        const timedOut = await new Promise<boolean>(resolve => {
          wake = () => resolve(false)
          timer = setTimeout(() => resolve(true), options.noProgressMs)
        })
        clearTimeout(timer)
        if (timedOut) {
          const { noProgressMs } = options
          throw restoreStuckError(topic, partition, { position, until, noProgressMs }, subscription.lastError)
        }
        continue
      }
      const visit = (record: RecordView): undefined => {
        const key = record.keyString()
        if (key === null) return
        records++
        const value = record.value()
        if (key === VERSION_KEY && value !== null) {
          writtenVersion = dueTimeCodec.decode(value, 0, value.length)
          if (writtenVersion > options.stateVersion) {
            throw stateTooNewError(`${topic}-${partition}`, writtenVersion, options.stateVersion)
          }
        }
        changes.set(key, value)
        bytes += key.length + (value?.length ?? 0)
      }
      position = scanRecords(chunk.bytes, position, chunk.aborted, visit, chunk.source)
      if (bytes >= WRITE_BYTES) await write()
      options.onProgress(position, records)
    }
    if (position !== options.from || changes.size > 0) await write()
    return { position, records, writtenVersion }
  } finally {
    signal.removeEventListener('abort', abort)
    subscription.close()
  }
}
