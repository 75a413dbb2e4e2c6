import { LRUCache } from 'lru-cache'
import { Pool } from 'undici'
import { z } from 'zod'
import type { CallObserver } from '../http/callObserver.ts'
import { freshConnector } from '../http/freshConnector.ts'
import type { ClientTls } from '../http/freshConnector.ts'
import { current } from '../http/live.ts'
import type { Live } from '../http/live.ts'
import { FailingCards } from './failingCards.ts'

/** Whose card it is: a user id, or null where the directory does not know the card, or never gave an answer for it. */
export type Owner = string | null

export interface CardDirectoryOptions {
  /** `directory.url`: base URL; a path in it is kept as prefix. */
  readonly url: string
  /** `directory.token`; null where the directory knows its clients by mTLS. */
  readonly token: Live<string | null>
  /** `directory.timeout`: one request, from the first byte to the last. */
  readonly timeoutMs: number
  /** Requests at once, over all partitions. Default 32. */
  readonly concurrency?: number
  /** Certificates for mTLS, a private CA. */
  readonly tls?: Live<ClientTls>
  /** Cards whose owner is remembered. Default 100,000. */
  readonly cacheSize?: number
  /** How long an owner is believed (default 5 min) and a 404 (default 30 s). */
  readonly knownTtlMs?: number
  readonly unknownTtlMs?: number
  /**
   * A card whose look-ups fail for so long while others succeed counts as unknown. Default 15 min. Four times as long
   * where no other card was found, and the directory says at least that it does not know a card that nobody has.
   */
  readonly giveUpAfterMs?: number
  readonly clock?: () => number
  /** `owner`: `found`, `unknown`, `unauthorized`, `unavailable`, `unusable` (an answer that is not the one agreed on). */
  readonly onCall?: CallObserver
}

/** The directory cannot answer now. Codes only: what it sent is never repeated. */
export class DirectoryUnavailableError extends Error {
  override readonly name = 'DirectoryUnavailableError'
  readonly code = 'directory_unavailable'
  readonly retryable = true

  constructor(url: string, trouble: string, cards: number) {
    super(
      `The card directory at ${url} gave no owner for ${cards} card(s): ${trouble}. ` +
        'onfile waits and tries again; check directory.url and directory.token.',
    )
  }
}

type Trouble = 'unauthorized' | 'unavailable' | 'unusable'
type Answer = { readonly owner: Owner } | { readonly trouble: string; readonly kind: Trouble }

const MAX_BODY_BYTES = 64 * 1024
const MAX_USER_ID_BYTES = 255
const ownerSchema = z.object({ user_id: z.string() })

/**
 * The issuer's card directory over HTTP: `GET /cards/{card_ref}/owner` answers `{ user_id }`, 404 for a card it does not
 * know. Look-ups are made in batches before the records are processed (`resolve`), then read synchronously (`owner`).
 * An outage makes `resolve` reject, so that the caller waits; one card that the directory cannot answer for while it
 * answers for others does not hold up a partition for ever.
 */
export class CardDirectory {
  readonly #options: CardDirectoryOptions
  readonly #origin: string
  readonly #prefix: string
  readonly #pool: Pool
  readonly #clock: () => number
  readonly #owners: LRUCache<string, { readonly owner: Owner }>
  readonly #failing: FailingCards
  readonly #inFlight = new Map<string, Promise<Answer>>()

  constructor(options: CardDirectoryOptions) {
    const url = new URL(options.url)
    this.#options = options
    this.#origin = url.origin
    this.#prefix = url.pathname.replace(/\/+$/, '')
    this.#pool = new Pool(url.origin, {
      connections: options.concurrency ?? 32,
      pipelining: 1,
      connect: freshConnector(options.tls ?? {}, options.timeoutMs),
    })
    this.#clock = options.clock ?? Date.now
    this.#failing = new FailingCards({ giveUpAfterMs: options.giveUpAfterMs ?? 15 * 60_000, clock: this.#clock })
    this.#owners = new LRUCache({ max: options.cacheSize ?? 100_000, perf: { now: this.#clock }, ttlResolution: 0 })
  }

  /** The owner as far as it is known now; undefined: call `resolve` first. */
  owner(cardRef: string): Owner | undefined {
    return this.#owners.get(cardRef)?.owner
  }

  /**
   * Looks up every card whose owner is not known. Rejects with `DirectoryUnavailableError` while one of them has no
   * answer; what was answered is kept, so that the next call asks only for the rest.
   */
  async resolve(cardRefs: Iterable<string>, signal?: AbortSignal): Promise<void> {
    const wanted = [...new Set(cardRefs)].filter(cardRef => !this.#owners.has(cardRef))
    if (wanted.length === 0) return
    const failed = new Map<string, string>()
    let answered = 0
    const concurrency = this.#options.concurrency ?? 32
    let next = 0
    const worker = async (): Promise<void> => {
      while (next < wanted.length && signal?.aborted !== true) {
        // Nothing but failures so far: an outage, not one bad card. Asking for all the others would only take time.
        if (answered === 0 && failed.size >= concurrency) return
        const cardRef = wanted[next++]!
        const answer = await this.#lookUp(cardRef, signal)
        if ('trouble' in answer) failed.set(cardRef, answer.trouble)
        else answered++
      }
    }
    await Promise.all(Array.from({ length: Math.min(concurrency, wanted.length) }, worker))
    await this.#giveUp(failed, signal)
    const left = wanted.filter(cardRef => !this.#owners.has(cardRef))
    if (left.length > 0) throw this.#unavailable(failed, left.length)
  }

  async close(): Promise<void> {
    await this.#pool.destroy()
  }

  /** Cards that have failed for too long become unknown, if the directory answers for another one right now. */
  async #giveUp(failed: Map<string, string>, signal: AbortSignal | undefined): Promise<void> {
    const trial = this.#failing.trial([...failed.keys()])
    if (trial === null) return
    const answer = await this.#lookUp(trial.witness, signal)
    if ('trouble' in answer || (answer.owner === null && !trial.anyAnswerProves)) return
    for (const cardRef of trial.overdue) {
      this.#remember(cardRef, null)
      failed.delete(cardRef)
    }
  }

  async #lookUp(cardRef: string, signal: AbortSignal | undefined): Promise<Answer> {
    let request = this.#inFlight.get(cardRef)
    if (request === undefined) {
      request = this.#fetch(cardRef, signal)
        .then(answer => (signal?.aborted === true && 'trouble' in answer ? answer : this.#learn(cardRef, answer)))
        .finally(() => this.#inFlight.delete(cardRef))
      this.#inFlight.set(cardRef, request)
    }
    return request
  }

  #learn(cardRef: string, answer: Answer): Answer {
    if ('trouble' in answer) {
      this.#failing.failed(cardRef)
      return answer
    }
    this.#failing.answered(cardRef, answer.owner !== null)
    this.#remember(cardRef, answer.owner)
    return answer
  }

  #remember(cardRef: string, owner: Owner): void {
    const ttl = owner === null ? (this.#options.unknownTtlMs ?? 30_000) : (this.#options.knownTtlMs ?? 5 * 60_000)
    this.#owners.set(cardRef, { owner }, { ttl })
  }

  async #fetch(cardRef: string, signal: AbortSignal | undefined): Promise<Answer> {
    // A server would take these as a way out of /cards/.
    if (cardRef === '.' || cardRef === '..') return { owner: null }
    const startedMs = performance.now()
    const answer = await this.#ask(cardRef, signal)
    // Given up by us: that says nothing of the directory.
    if (signal?.aborted !== true) this.#options.onCall?.('owner', kindOf(answer), performance.now() - startedMs)
    return answer
  }

  async #ask(cardRef: string, signal: AbortSignal | undefined): Promise<Answer> {
    const timeout = AbortSignal.timeout(this.#options.timeoutMs)
    const token = current(this.#options.token)
    try {
      const response = await this.#pool.request({
        method: 'GET',
        path: `${this.#prefix}/cards/${encodeURIComponent(cardRef)}/owner`,
        headers: { accept: 'application/json', ...(token === null ? {} : { authorization: `Bearer ${token}` }) },
        signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
      })
      const text = await boundedText(response.body)
      if (response.statusCode === 404) return { owner: null }
      if (response.statusCode !== 200) return refused(response.statusCode)
      return text === undefined ? { trouble: 'its answer is too long', kind: 'unusable' } : ownerIn(text)
    } catch {
      return { trouble: timeout.aborted ? 'no answer in time' : 'no connection', kind: 'unavailable' }
    }
  }

  #unavailable(failed: ReadonlyMap<string, string>, cards: number): DirectoryUnavailableError {
    const trouble = [...new Set(failed.values())].slice(0, 3).join(', ')
    return new DirectoryUnavailableError(this.#origin, trouble === '' ? 'interrupted' : trouble, cards)
  }
}

function refused(status: number): Answer {
  return { trouble: `it answered ${status}`, kind: status === 401 || status === 403 ? 'unauthorized' : 'unavailable' }
}

function kindOf(answer: Answer): Trouble | 'found' | 'unknown' {
  if ('trouble' in answer) return answer.kind
  return answer.owner === null ? 'unknown' : 'found'
}

function ownerIn(text: string): Answer {
  try {
    const userId = ownerSchema.parse(JSON.parse(text)).user_id.trim()
    const sizeBytes = Buffer.byteLength(userId)
    if (sizeBytes > 0 && sizeBytes <= MAX_USER_ID_BYTES) return { owner: userId }
  } catch {
    // Falls through: not the answer that was agreed on.
  }
  return { trouble: 'its answer holds no user_id', kind: 'unusable' }
}

async function boundedText(body: AsyncIterable<Buffer>): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of body) {
    sizeBytes += chunk.length
    if (sizeBytes > MAX_BODY_BYTES) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
