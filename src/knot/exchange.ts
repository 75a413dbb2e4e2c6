import type { Dispatcher, Pool } from 'undici'

/** One HTTP request. */
export interface ExchangeRequest {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer | null
  /** Time until a connection is there, and again from the moment on the wire to the end of the answer. */
  readonly timeoutMs: number
  /** Answers longer than this are cut: their status still counts. */
  readonly maxBodyBytes: number
  /**
   * Called once, synchronously, at the moment at which the request goes on the wire: the connection is up, nothing has
   * been written. False: nothing is written, the exchange ends as `vetoed`.
   */
  readonly lastCheck?: () => boolean
  readonly now: () => number
}

/**
 * How the exchange ended. The line between `not_sent` and the rest is exact: `not_sent` means that no byte of the request
 * was handed to a socket; from `startedAtMs` on the other side may have acted on it.
 */
export type Exchange =
  | {
      readonly kind: 'answer'
      readonly status: number
      readonly retryAfter: string | null
      /** Null where the body was cut off, too long or no JSON. */
      readonly body: unknown
      /** False: the answer broke off after its head. */
      readonly complete: boolean
      readonly startedAtMs: number
      readonly answeredAtMs: number
    }
  | { readonly kind: 'not_sent'; readonly why: 'vetoed' | 'connect' | 'timeout' }
  | {
      readonly kind: 'lost'
      readonly why: 'timeout' | 'connection_lost'
      readonly startedAtMs: number
      readonly atMs: number
    }

/** Ends a request inside undici without a byte written. Never leaves this file. */
class StopError extends Error {
  override readonly name = 'StopError'
}

/**
 * Runs one request on a pool, straight on undici's dispatch: no interceptor retries it or follows a redirect.
 *
 * undici calls `onRequestStart` in the same synchronous run as the first write to the socket (`client-h1.js`, `writeH1`),
 * after the connection is up and after any wait in the pool's queue; an exception there ends the request before anything
 * is written and leaves the connection whole. That is the moment on the wire. In one corner (a connection that undici
 * itself gives up) undici writes a running request a second time: that second start is refused, and the first one is
 * reported as lost.
 */
export function exchange(pool: Pool, request: ExchangeRequest): Promise<Exchange> {
  return new Promise(resolve => {
    const handler = new ExchangeHandler(request, resolve)
    pool.dispatch(
      {
        method: request.method,
        path: request.path,
        headers: request.headers,
        body: request.body,
        idempotent: false,
        // The exchange has its own, exact clock.
        headersTimeout: 0,
        bodyTimeout: 0,
      },
      handler,
    )
  })
}

class ExchangeHandler implements Dispatcher.DispatchHandler {
  private readonly request: ExchangeRequest
  private readonly resolve: (end: Exchange) => void
  private timer: NodeJS.Timeout
  private controller: Dispatcher.DispatchController | null = null
  private settled = false
  private startedAtMs: number | null = null
  private status = 0
  private retryAfter: string | null = null
  private chunks: Buffer[] = []
  private sizeBytes = 0

  constructor(request: ExchangeRequest, resolve: (end: Exchange) => void) {
    this.request = request
    this.resolve = resolve
    this.timer = setTimeout(() => this.onTimeout(), request.timeoutMs)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.settled) throw new StopError('given up before it was sent')
    if (this.startedAtMs !== null) {
      this.settleBroken('connection_lost')
      throw new StopError('never sent twice')
    }
    if (this.request.lastCheck?.() === false) {
      this.settle({ kind: 'not_sent', why: 'vetoed' })
      throw new StopError('vetoed at the wire')
    }
    this.controller = controller
    this.startedAtMs = this.request.now()
    this.timer.refresh()
  }

  onResponseStart(
    _: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200) return
    this.status = status
    const retryAfter = headers['retry-after']
    this.retryAfter = typeof retryAfter === 'string' ? retryAfter : null
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.sizeBytes += chunk.length
    if (this.sizeBytes <= this.request.maxBodyBytes) {
      this.chunks.push(chunk)
      return
    }
    this.settleBroken('connection_lost')
    controller.abort(new StopError('answer too long'))
  }

  onResponseEnd(): void {
    this.settleAnswer(parseJson(this.chunks), true)
  }

  onResponseError(_: Dispatcher.DispatchController | null, error: Error): void {
    if (this.settled) return
    const timedOut = 'code' in error && error.code === 'UND_ERR_CONNECT_TIMEOUT'
    if (this.startedAtMs === null) this.settle({ kind: 'not_sent', why: timedOut ? 'timeout' : 'connect' })
    else this.settleBroken('connection_lost')
  }

  private onTimeout(): void {
    if (this.settled) return
    if (this.startedAtMs === null) this.settle({ kind: 'not_sent', why: 'timeout' })
    else {
      this.settleBroken('timeout')
      this.controller?.abort(new StopError('no answer in time'))
    }
  }

  /** The exchange ended after it went on the wire and before its answer was whole. */
  private settleBroken(why: 'timeout' | 'connection_lost'): void {
    if (this.status !== 0) this.settleAnswer(null, false)
    else this.settle({ kind: 'lost', why, startedAtMs: this.startedAtMs!, atMs: this.request.now() })
  }

  private settleAnswer(body: unknown, complete: boolean): void {
    this.settle({
      kind: 'answer',
      status: this.status,
      retryAfter: this.retryAfter,
      body,
      complete,
      startedAtMs: this.startedAtMs!,
      answeredAtMs: this.request.now(),
    })
  }

  private settle(end: Exchange): void {
    if (this.settled) return
    this.settled = true
    clearTimeout(this.timer)
    this.chunks = []
    this.resolve(end)
  }
}

function parseJson(chunks: readonly Buffer[]): unknown {
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown
  } catch {
    return null
  }
}
