import { setTimeout as sleep } from 'node:timers/promises'
import { knotSignature } from './signature.ts'

/** Body of a webhook. Its fields go out in this order, as JSON. */
export interface WebhookPayload {
  readonly event: string
  readonly session_id?: string
  readonly external_user_id?: string
  readonly [field: string]: unknown
}

/** One webhook and what became of it at every URL. */
export interface WebhookDelivery {
  readonly atMs: number
  readonly payload: WebhookPayload
  /** In order; status null where there was no answer in time. */
  readonly attempts: { readonly url: string; readonly status: number | null }[]
}

export interface WebhookSenderOptions {
  /** API secret: key of the signature. */
  readonly secret: string
  /** Up to ten, as in Knot's dashboard. */
  readonly urls: readonly string[]
  /** Wait before each of the two repeats. Knot waits "a few minutes". */
  readonly retryDelayMs: number
  /** Knot gives up on an answer after 10 s. */
  readonly timeoutMs: number
  readonly now: () => number
}

const repeats = 2

/**
 * Sends webhooks as Knot does (domain.md 2.8): signed, to every URL, up to two repeats where the answer is anything but
 * 200 or does not come in time. A redirect is not followed.
 */
export class WebhookSender {
  readonly deliveries: WebhookDelivery[] = []
  readonly #options: WebhookSenderOptions
  readonly #urls: string[]
  readonly #stopping = new AbortController()
  readonly #open = new Set<Promise<unknown>>()
  readonly #held = new Set<WebhookPayload>()

  constructor(options: WebhookSenderOptions) {
    this.#options = options
    this.#urls = [...options.urls]
  }

  addUrl(url: string): void {
    this.#urls.push(url)
  }

  /** Starts the delivery and returns at once. */
  send(payload: WebhookPayload): void {
    if (this.#stopping.signal.aborted) return
    const delivery: WebhookDelivery = { atMs: this.#options.now(), payload, attempts: [] }
    this.deliveries.push(delivery)
    const held = [...this.#held]
    this.#held.clear()
    const all = this.#urls.map(url => this.#deliver(url, delivery))
    const delivering = Promise.all(all).then(() => {
      this.#open.delete(delivering)
      for (const late of held) this.send(late)
    })
    this.#open.add(delivering)
  }

  /** Keeps a webhook back until another one has arrived. Returns the call that sends it where none came. */
  sendAfterNext(payload: WebhookPayload): () => void {
    this.#held.add(payload)
    return () => {
      if (this.#held.delete(payload)) this.send(payload)
    }
  }

  /** Resolves when no delivery is open. */
  async settled(): Promise<void> {
    while (this.#open.size > 0) await Promise.all(this.#open)
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.settled()
  }

  async #deliver(url: string, delivery: WebhookDelivery): Promise<void> {
    const { retryDelayMs } = this.#options
    for (let attempt = 0; attempt <= repeats; attempt += 1) {
      if (attempt > 0) await this.#wait(retryDelayMs)
      if (this.#stopping.signal.aborted) return
      const status = await this.#post(url, delivery.payload)
      delivery.attempts.push({ url, status })
      if (status === 200) return
    }
  }

  async #post(url: string, payload: WebhookPayload): Promise<number | null> {
    const { secret, timeoutMs } = this.#options
    const body = Buffer.from(JSON.stringify(payload))
    const parts = { contentLength: body.length, event: payload.event, sessionId: payload.session_id }
    try {
      const answer = await fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'encryption-type': 'HMAC-SHA256',
          'knot-signature': knotSignature(secret, parts),
        },
        body,
        redirect: 'manual',
        signal: AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(timeoutMs)]),
      })
      await answer.arrayBuffer()
      return answer.status
    } catch {
      return null
    }
  }

  async #wait(delayMs: number): Promise<void> {
    await sleep(delayMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined)
  }
}
