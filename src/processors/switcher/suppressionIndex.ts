import { suppressionKey } from '../../domain/ids.ts'
import type { RecordView } from '../../kafka/recordBatch.ts'
import { STALE_MS } from '../provision/killSwitch.ts'
import type { ControlReader } from '../provision/killSwitch.ts'
import type { PushHold, PushSwitch } from '../provision/ports.ts'
import { KeySet } from './keySet.ts'

export interface SuppressionIndexOptions {
  /** How far `card-suppressions` has been read. */
  readonly reader: ControlReader
  readonly now: () => number
}

/**
 * Who must not be pushed, as DECIDE has said it on `card-suppressions`, for a role that does not stand behind DECIDE's
 * commands. A key is suppressed from its newest record until its tombstone, which follows a LIFTED in the same
 * transaction; so no value is looked into. Read committed: what DECIDE took back was never said.
 *
 * What is not known, or was read too long ago, holds pushes: it is a `PushSwitch` too.
 */
export class SuppressionIndex implements PushSwitch {
  readonly #options: SuppressionIndexOptions
  readonly #keys = new KeySet()
  readonly #listeners: (() => void)[] = []
  readonly #startedMs: number
  #told = true

  constructor(options: SuppressionIndexOptions) {
    this.#options = options
    this.#startedMs = options.now()
  }

  get size(): number {
    return this.#keys.size
  }

  /** Whether something stands against this card at this merchant: of the card or all of them, at the merchant or at all. */
  isSuppressed(userId: string, cardRef: string, merchantId: number): boolean {
    for (const card of [cardRef, null]) {
      for (const merchant of [merchantId, null]) {
        if (this.#keys.has(suppressionKey(userId, card, merchant))) return true
      }
    }
    return false
  }

  held(): PushHold | null {
    const { reader, now } = this.#options
    const { readUpToMs } = reader
    if (readUpToMs !== 0 && now() - readUpToMs <= STALE_MS) return null
    const why = reader.problem ?? 'it is being read'
    const detail = `whether a user has opted out is not known now: the topic of suppressions: ${why}`
    return { reason: 'suppressions_unknown', detail, sinceMs: Math.max(readUpToMs, this.#startedMs) }
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener)
  }

  /** A record of the topic, in the order of its partition. */
  apply(record: RecordView): void {
    const key = record.keyString()
    if (key === null) return
    if (record.valueEnd < 0) this.#keys.delete(key)
    else this.#keys.add(key)
  }

  /** The topic is read from its start once more. */
  restart(): void {
    this.#keys.clear()
  }

  /** To be called when records came, and now and then. */
  check(): void {
    const isHeld = this.held() !== null
    if (isHeld === this.#told) return
    this.#told = isHeld
    for (const listener of this.#listeners) listener()
  }
}

/** Holds pushes while one of several does; the first one says why. */
export function eitherOf(...switches: readonly PushSwitch[]): PushSwitch {
  return {
    held: () => switches.map(one => one.held()).find(hold => hold !== null) ?? null,
    onChange: listener => {
      for (const one of switches) one.onChange(listener)
    },
  }
}
