import type { KnotErrorBody } from './knotErrors.ts'

/** What happens to the HTTP exchange itself. `landed` = the push takes effect although the caller does not learn it. */
export type HttpFault =
  /** Answers this instead of 200. Not landed unless said so: a 500 may well have been accepted. */
  | {
      readonly kind: 'answer'
      readonly status: number
      readonly body?: KnotErrorBody
      /** `Retry-After`, in seconds or as an HTTP date. */
      readonly retryAfter?: number | string
      readonly headers?: Readonly<Record<string, string>>
      readonly landed?: boolean
    }
  /** Processes the push at once and answers it later. */
  | { readonly kind: 'hold'; readonly holdMs: number }
  /**
   * Closes the connection: when the body has been read and nothing was done, when all was done but the answer, or in the
   * middle of the answer's body.
   */
  | { readonly kind: 'drop'; readonly when: 'after_body' | 'before_answer' | 'in_answer' }
  /** An answer whose body is not what Knot says: no JSON, nothing, or 1 MiB. Status 200 and landed unless said so. */
  | {
      readonly kind: 'body'
      readonly body: 'garbage' | 'empty' | 'huge'
      readonly status?: number
      readonly landed?: boolean
    }
  /** Sends the caller elsewhere, 307 unless said so. Not landed. */
  | { readonly kind: 'redirect'; readonly location: string; readonly status?: 301 | 302 | 303 | 307 | 308 }

/** What becomes of one push to one (user, merchant). Every field has a default: an empty script is a quick success. */
export interface PushScript {
  /** Default `updated`. */
  readonly outcome?: 'updated' | 'failed'
  /** `data.reason` of CARD_FAILED. Default `other`. */
  readonly reason?: string
  /** From acceptance to the result. Default: `webhookDelayMs` of the simulator. */
  readonly delayMs?: number
  /** Sends the legacy CARD_UPDATING half-way. Default false. */
  readonly updating?: boolean
  /** Further copies of the result webhook. Default 0. */
  readonly duplicates?: number
  /** The operation ends, but nobody is told. Default false. */
  readonly dropWebhook?: boolean
  /** From the end of the operation to its webhook: the account is free again before anybody is told. Default 0. */
  readonly webhookDelayMs?: number
  /** The result webhook goes out after the next one of any account, or after 1 s where there is none. Default false. */
  readonly overtaken?: boolean
  readonly http?: HttpFault
}

/** Identity of a merchant account in the simulator's tables. */
export const accountKey = (userId: string, merchantId: number): string => `${merchantId} ${userId}`

/** A script that was taken for one push. */
export interface TakenScript {
  readonly script: PushScript
  /** The push was refused for a reason of its own: the next one gets this script. */
  readonly giveBack: () => void
}

/** Scripts by merchant account: each push takes the next one, the last one stays. */
export class PushScripts {
  readonly #fallback: PushScript
  readonly #queues = new Map<string, PushScript[]>()

  constructor(fallback: PushScript) {
    this.#fallback = fallback
  }

  set(userId: string, merchantId: number, scripts: readonly PushScript[]): void {
    this.#queues.set(accountKey(userId, merchantId), [...scripts])
  }

  take(userId: string, merchantId: number): TakenScript {
    const queue = this.#queues.get(accountKey(userId, merchantId)) ?? []
    const shifted = queue.length > 1 ? queue.shift() : undefined
    const script = { ...this.#fallback, ...(shifted ?? queue[0]) }
    const giveBack = (): void => {
      if (shifted) queue.unshift(shifted)
    }
    return { script, giveBack }
  }
}
