/** Waits between tries of something that others must mend: doubling from `firstMs` to `maxMs`, with up to 20 % of jitter. */
export class Backoff {
  private readonly firstMs: number
  private readonly maxMs: number
  private tries = 0

  constructor(firstMs: number, maxMs: number) {
    this.firstMs = firstMs
    this.maxMs = maxMs
  }

  nextMs(): number {
    const base = Math.min(this.maxMs, this.firstMs * 2 ** Math.min(this.tries++, 30))
    return base * (0.9 + Math.random() * 0.2)
  }

  reset(): void {
    this.tries = 0
  }
}

/** Resolves after `ms`, or at once (without an error) when the signal aborts. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal?.aborted) return resolve()
    const done = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal?.addEventListener('abort', done, { once: true })
  })
}
