import type { LinkedAccount } from './accounts.ts'
import type { OperationIds, Operations } from './operations.ts'
import type { WebhookSender } from './webhookSender.ts'

/** A task that waits for its card: opened by AUTHENTICATED with `send_card`, closed by a push that names it. */
export interface OpenTask {
  readonly account: LinkedAccount
  readonly ids: OperationIds
}

/** The CardSwitcher flow: a card must come within the window (15 s at Knot), or the task fails by itself. */
export class Tasks {
  readonly #operations: Operations
  readonly #webhooks: WebhookSender
  readonly #windowMs: number
  readonly #open = new Map<string, OpenTask & { readonly expiry: NodeJS.Timeout }>()

  constructor(operations: Operations, webhooks: WebhookSender, windowMs: number) {
    this.#operations = operations
    this.#webhooks = webhooks
    this.#windowMs = windowMs
  }

  open(account: LinkedAccount): OperationIds {
    const ids = this.#operations.nextIds()
    const taskId = String(ids.taskId)
    const expiry = this.#operations.after(this.#windowMs, () => {
      this.#open.delete(taskId)
      const data = { reason: 'did not receive payment method information' }
      this.#webhooks.send(this.#operations.payload('CARD_FAILED', account, ids, data))
    })
    this.#open.set(taskId, { account, ids, expiry })
    return ids
  }

  find(taskId: string): OpenTask | undefined {
    return this.#open.get(taskId)
  }

  /** The card has come: the window no longer counts. */
  close(taskId: string): void {
    const task = this.#open.get(taskId)
    if (task === undefined) return
    this.#operations.cancel(task.expiry)
    this.#open.delete(taskId)
  }
}
