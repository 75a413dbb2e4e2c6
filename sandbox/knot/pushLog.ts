import { createHmac, randomBytes } from 'node:crypto'
import { accountKey } from './script.ts'

/** One `POST /card`, as the simulator remembers it: who, when, how it ended. No card number, no CVV, no JWE. */
export interface PushEntry {
  readonly atMs: number
  /** Null until the request is understood, and for ever when it cannot be. */
  userId: string | null
  merchantId: number | null
  taskId: string | null
  form: 'plain' | 'jwe' | null
  /** Last four digits, once the card is known to be well-formed. */
  last4: string | null
  /** `PushLog.fingerprint` of the card. */
  fingerprint: string | null
  /** This very JWE was sent before: the sender broke the rule of one JWE per attempt. */
  jweReused: boolean
  /** What was made to go wrong with it by a plan or by chance, as `faultName` says. Null where Knot refused it before that. */
  fault: string | null
  /** HTTP status of the answer, null where the connection was dropped, undefined while there is none. */
  status: number | null | undefined
  errorCode: string | null
  /** The push was accepted, whatever the answer said. */
  landed: boolean
  answeredAtMs: number | null
}

/** What identifies one version of a card. */
export interface FingerprintedCard {
  readonly number: string
  readonly expiration: string
  readonly cvv: string
}

/** All pushes in the order in which they came, and how many were open at once per (user, merchant). */
export class PushLog {
  readonly #entries: PushEntry[] = []
  readonly #open = new Map<string, number>()
  readonly #openMax = new Map<string, number>()
  readonly #seenJwes = new Set<string>()
  readonly #key = randomBytes(32)

  begin(atMs: number): PushEntry {
    const entry: PushEntry = {
      atMs,
      userId: null,
      merchantId: null,
      taskId: null,
      form: null,
      last4: null,
      fingerprint: null,
      jweReused: false,
      fault: null,
      status: undefined,
      errorCode: null,
      landed: false,
      answeredAtMs: null,
    }
    this.#entries.push(entry)
    return entry
  }

  /** The entry's account is known: counts it as open there until `end`. */
  identify(entry: PushEntry, userId: string, merchantId: number): void {
    entry.userId = userId
    entry.merchantId = merchantId
    const key = accountKey(userId, merchantId)
    const open = (this.#open.get(key) ?? 0) + 1
    this.#open.set(key, open)
    this.#openMax.set(key, Math.max(open, this.#openMax.get(key) ?? 0))
  }

  /** Remembers a keyed hash of `jwe`, never the text. */
  noteJwe(entry: PushEntry, jwe: string): void {
    const hash = this.#hash(jwe)
    entry.jweReused = this.#seenJwes.has(hash)
    this.#seenJwes.add(hash)
  }

  noteCard(entry: PushEntry, card: FingerprintedCard): void {
    entry.last4 = card.number.slice(-4)
    entry.fingerprint = this.fingerprint(card)
  }

  end(entry: PushEntry, status: number | null, errorCode: string | null, atMs: number): void {
    if (entry.answeredAtMs !== null) return
    entry.status = status
    entry.errorCode = errorCode
    entry.answeredAtMs = atMs
    if (entry.userId === null || entry.merchantId === null) return
    const key = accountKey(entry.userId, entry.merchantId)
    this.#open.set(key, (this.#open.get(key) ?? 1) - 1)
  }

  /** Hash of a card with a key of this log: tells two versions apart and gives neither away. */
  fingerprint(card: FingerprintedCard): string {
    return this.#hash(JSON.stringify([card.number, card.expiration, card.cvv]))
  }

  /** Entries of one account, of one user, or all. */
  entries(userId?: string, merchantId?: number): readonly Readonly<PushEntry>[] {
    return this.#entries.filter(
      entry =>
        (userId === undefined || entry.userId === userId) &&
        (merchantId === undefined || entry.merchantId === merchantId),
    )
  }

  openMax(userId: string, merchantId: number): number {
    return this.#openMax.get(accountKey(userId, merchantId)) ?? 0
  }

  #hash(text: string): string {
    return createHmac('sha256', this.#key).update(text).digest('base64url')
  }
}
