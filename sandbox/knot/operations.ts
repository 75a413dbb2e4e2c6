import { randomUUID } from 'node:crypto'
import type { LinkedAccount } from './accounts.ts'
import { merchantOf } from './merchants.ts'
import { accountKey } from './script.ts'
import type { PushScript } from './script.ts'
import type { WebhookPayload, WebhookSender } from './webhookSender.ts'

/** What an operation puts on file when it succeeds. */
export interface PushedCard {
  readonly last4: string
  readonly fingerprint: string
}

/** The session and task that a webhook names. */
export interface OperationIds {
  readonly sessionId: string
  readonly taskId: number
}

export interface OperationsOptions {
  readonly webhooks: WebhookSender
  readonly webhookDelayMs: number
  /** Gap between a result and its duplicates. */
  readonly duplicateGapMs: number
  /** Whether a push by this API moves `last_user_action`: not documented by Knot. */
  readonly pushMovesLastUserAction: boolean
  readonly now: () => number
}

/** A result that waits to be overtaken by another one waits so long at most. */
const OVERTAKEN_MAX_MS = 1_000

/** The switches that run at merchants: at most one per (user, merchant), each ends in its webhook. */
export class Operations {
  readonly #options: OperationsOptions
  readonly #running = new Set<string>()
  readonly #timers = new Set<NodeJS.Timeout>()
  #lastTaskId = 25_000

  constructor(options: OperationsOptions) {
    this.#options = options
  }

  nextIds(): OperationIds {
    this.#lastTaskId += 1
    return { sessionId: randomUUID(), taskId: this.#lastTaskId }
  }

  isRunning(userId: string, merchantId: number): boolean {
    return this.#running.has(accountKey(userId, merchantId))
  }

  /** Nothing runs and nothing is due. */
  isIdle(): boolean {
    return this.#timers.size === 0
  }

  /** Makes the account busy, as a session of the user in the SDK does. Returns the call that ends it. */
  occupy(userId: string, merchantId: number): () => void {
    const key = accountKey(userId, merchantId)
    this.#running.add(key)
    return () => void this.#running.delete(key)
  }

  /** Starts an accepted push, `isByUser` in a session of the user. The caller has checked that the account is not busy. */
  begin(account: LinkedAccount, card: PushedCard, script: PushScript, ids: OperationIds, isByUser: boolean): void {
    const { webhookDelayMs, webhooks } = this.#options
    const release = this.occupy(account.userId, account.merchantId)
    const delayMs = script.delayMs ?? webhookDelayMs
    if (script.updating) {
      this.after(delayMs / 2, () => webhooks.send(this.payload('CARD_UPDATING', account, ids)))
    }
    this.after(delayMs, () => {
      release()
      this.#finish(account, card, script, ids, isByUser)
    })
  }

  /** Body of a webhook about a switch, as seed 003 has it. */
  payload(event: string, account: LinkedAccount, ids: OperationIds, data: object = {}): WebhookPayload {
    const { id, name } = merchantOf(account.merchantId)
    return {
      event,
      session_id: ids.sessionId,
      task_id: ids.taskId,
      external_user_id: account.userId,
      merchant: { id, name },
      data: { card_id: account.cardId, ...data },
      timestamp: this.#options.now(),
    }
  }

  /** Runs `action` later, unless the simulator stops before. */
  after(delayMs: number, action: () => void): NodeJS.Timeout {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      action()
    }, delayMs)
    this.#timers.add(timer)
    return timer
  }

  cancel(timer: NodeJS.Timeout): void {
    clearTimeout(timer)
    this.#timers.delete(timer)
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
  }

  #finish(account: LinkedAccount, card: PushedCard, script: PushScript, ids: OperationIds, isByUser: boolean): void {
    const { webhooks, now, pushMovesLastUserAction, duplicateGapMs } = this.#options
    const failed = script.outcome === 'failed'
    if (!failed) account.cardOnFile = card
    if (isByUser || pushMovesLastUserAction) {
      account.lastUserAction = { attemptedAt: new Date(now()).toISOString(), status: failed ? 'failed' : 'enrolled' }
    }
    if (script.dropWebhook) return
    const payload = failed
      ? this.payload('CARD_FAILED', account, ids, { reason: script.reason ?? 'other' })
      : this.payload('CARD_UPDATED', account, ids)
    const send = (): void => {
      if (script.overtaken) this.after(OVERTAKEN_MAX_MS, webhooks.sendAfterNext(payload))
      else webhooks.send(payload)
    }
    if (script.webhookDelayMs) this.after(script.webhookDelayMs, send)
    else send()
    for (let copy = 1; copy <= (script.duplicates ?? 0); copy += 1) {
      this.after(copy * duplicateGapMs, () => webhooks.send(payload))
    }
  }
}
