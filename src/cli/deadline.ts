/** One-shot commands give up after this. */
export const ONE_SHOT_DEADLINE_MS = 30_000

/** A one-shot command had no answer in time. Exit code 69. */
export class GaveUpError extends Error {
  override readonly name = 'GaveUpError'
  readonly code = 'GAVE_UP'

  constructor(what: string, deadlineMs: number, advice = 'check its address, the network, and whether it runs') {
    super(`${what} gave no answer within ${deadlineMs / 1_000} s: ${advice}`)
  }
}

/**
 * `work`, or `GaveUpError` after `deadlineMs`. The signal that `work` gets is aborted then; what ignores it ends with the
 * process.
 */
export async function withinDeadline<T>(
  what: string,
  deadlineMs: number,
  work: (signal: AbortSignal) => Promise<T>,
  advice?: string,
): Promise<T> {
  const controller = new AbortController()
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    const error = new GaveUpError(what, deadlineMs, advice)
    reject(error)
    controller.abort(error)
  }, deadlineMs)
  const running = work(controller.signal)
  // When the deadline wins, a later failure of the work is of no interest.
  running.catch(() => undefined)
  try {
    return await Promise.race([running, late])
  } finally {
    clearTimeout(timer)
  }
}
