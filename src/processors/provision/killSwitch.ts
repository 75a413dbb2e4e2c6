import type { RecordView } from '../../kafka/recordBatch.ts'
import { readControl } from '../control.ts'
import type { MerchantHint, SwitchOrder } from '../control.ts'
import type { PushHold, PushSwitch } from './ports.ts'

/** How far the control topic has been read; `TopicFollower` is one. */
export interface ControlReader {
  /** Wall clock: everything that was in the topic then has been given to `apply`. 0 = not read whole yet. */
  readonly readUpToMs: number
  /** Why it does not get on; null while it does. */
  readonly problem: string | null
}

export interface KillSwitchOptions {
  readonly reader: ControlReader
  readonly now: () => number
}

/** Knowledge that is older than this is none: pushes wait until the topic is read again. */
export const STALE_MS = 15_000
/** Hints that are older than a breaker's longest wait would only repeat what pushes have found out since. */
const HINT_FRESH_MS = 300_000

/**
 * The global stop of pushes, as the newest record of the control topic says. Every process of PROVISION reads that topic
 * whole before it pushes, and follows it. It errs on the side of the stop: what is not known, cannot be read, or was read
 * too long ago, holds pushes too. So a stop outlives restarts, and no push starts later than `STALE_MS` after `onfile
 * pause` was acknowledged, wherever a process was meanwhile.
 */
export class KillSwitch implements PushSwitch {
  readonly #options: KillSwitchOptions
  readonly #listeners: (() => void)[] = []
  readonly #hintListeners: ((hint: MerchantHint) => void)[] = []
  #order: SwitchOrder | null = null
  #unreadableAt: { readonly offset: number; readonly sinceMs: number } | null = null
  readonly #startedMs: number
  #told: PushHold['reason'] | null = 'switch_unknown'

  constructor(options: KillSwitchOptions) {
    this.#options = options
    this.#startedMs = options.now()
  }

  held(): PushHold | null {
    const { reader, now } = this.#options
    const { readUpToMs } = reader
    if (readUpToMs === 0 || now() - readUpToMs > STALE_MS) {
      const why = reader.problem ?? 'it is being read'
      const detail = `whether operators have paused pushes is not known now: the control topic: ${why}`
      return { reason: 'switch_unknown', detail, sinceMs: Math.max(readUpToMs, this.#startedMs) }
    }
    if (this.#unreadableAt !== null) {
      const { offset, sinceMs } = this.#unreadableAt
      const detail = `the switch at offset ${offset} of the control topic cannot be read: an operator must say onfile pause or onfile resume`
      return { reason: 'switch_unknown', detail, sinceMs }
    }
    if (this.#order?.pushes !== 'paused') return null
    const { actor, reason, atMs } = this.#order
    return { reason: 'operator', detail: `${actor} paused pushes: ${reason}`, sinceMs: atMs }
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener)
  }

  /** `listener` is told what Knot says of a merchant, where that is news. */
  onHint(listener: (hint: MerchantHint) => void): void {
    this.#hintListeners.push(listener)
  }

  /** A record of the control topic, in order. */
  apply(record: RecordView): void {
    const read = readControl(record)
    switch (read.kind) {
      case 'switch':
        this.#order = read.order
        this.#unreadableAt = null
        break
      case 'switch_unreadable':
        this.#unreadableAt = { offset: read.offset, sinceMs: this.#options.now() }
        break
      case 'hint':
        if (this.#options.now() - read.hint.atMs > HINT_FRESH_MS) return
        for (const listener of this.#hintListeners) listener(read.hint)
        return
      case 'other':
    }
  }

  /** To be called when records came, and now and then: what is known may have become too old, or whole. */
  check(): void {
    const reason = this.held()?.reason ?? null
    if (reason === this.#told) return
    this.#told = reason
    for (const listener of this.#listeners) listener()
  }
}
