import { setTimeout as delay } from 'node:timers/promises'
import {
  AuthenticationFailedError,
  ConnectionLostError,
  KafkaError,
  ProtocolError,
  RequestTimedOutError,
} from './errors.ts'

/** Another node may lead the partition now, or none for a moment: look the leader up and send the same again. */
export const LEADER_CODES: ReadonlySet<number> = new Set([3, 5, 6, 7, 8, 9, 13, 19, 20, 56, 74, 75, 78])
/** Another node may coordinate the group or transactional id now, or it is still loading. */
export const COORDINATOR_CODES: ReadonlySet<number> = new Set([14, 15, 16])
/** The transaction before is still being ended (its markers are being written): wait some milliseconds. */
export const CONCURRENT_TRANSACTIONS = 51

/**
 * No answer came: the connection could not be made, ended, or was given up. Whether the broker acted is unknown; for a
 * request that may be repeated this is a reason to try again. A refused authentication counts: a token or a password may
 * be in the middle of its rotation, and the reason is visible while it lasts.
 */
export function isConnectionFailure(error: unknown): error is Error {
  return (
    error instanceof ConnectionLostError ||
    error instanceof RequestTimedOutError ||
    error instanceof AuthenticationFailedError ||
    error instanceof ProtocolError
  )
}

export function isKafkaError(error: unknown, codes: ReadonlySet<number>): error is KafkaError {
  return error instanceof KafkaError && codes.has(error.errorCode)
}

export interface RetryOptions {
  /** Decides about each failure: false lets it out. May forget a leader or coordinator on the way. */
  readonly again: (error: unknown, tries: number) => boolean
  readonly signal?: AbortSignal | undefined
  /** Without a signal nothing may wait for ever. */
  readonly deadlineMs?: number
  /** What is waited for; undefined when it is over. */
  readonly onWaiting?: (error: Error | undefined) => void
}

const DEFAULT_DEADLINE_MS = 60_000

/**
 * Repeats `attempt` until it succeeds, `again` refuses, the signal aborts (its reason is thrown) or, without a signal,
 * the deadline passes. A transaction that is still being ended is asked after 1 to 20 ms, everything else after 20 ms to
 * 1 s.
 */
export async function retrying<T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { signal, again, onWaiting } = options
  const startedMs = performance.now()
  const limitMs = options.deadlineMs ?? (signal === undefined ? DEFAULT_DEADLINE_MS : Number.POSITIVE_INFINITY)
  let waited = false
  for (let tries = 1; ; tries++) {
    signal?.throwIfAborted()
    try {
      const result = await attempt()
      if (waited) onWaiting?.(undefined)
      return result
    } catch (error) {
      if (!again(error, tries)) throw error
      if (performance.now() - startedMs > limitMs) throw error
      onWaiting?.(error instanceof Error ? error : new Error(String(error)))
      waited = true
      const concurrent = error instanceof KafkaError && error.errorCode === CONCURRENT_TRANSACTIONS
      await pause(concurrent ? Math.min(tries, 20) : Math.min(20 * 2 ** Math.min(tries - 1, 6), 1_000), signal)
    }
  }
}

/** Ends early, without an error, when the signal aborts. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await delay(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined)
}
