import type { KnotInput } from './knotInput.ts'
import type { LifecycleInput } from './lifecycleInput.ts'
import { holdsPan } from './panScan.ts'

/** Searches the fields that travel on for card numbers. */
export class PanFields {
  readonly #idPattern: RegExp | null

  /** `idPattern`: ids that match it as a whole are an issuer's own numeric format, not card numbers. */
  constructor(idPattern: string | null) {
    this.#idPattern = idPattern === null ? null : new RegExp(`^(?:${idPattern})$`, 'u')
  }

  inId(id: string | null): boolean {
    return id !== null && holdsPan(id) && this.#idPattern?.test(id) !== true
  }

  inLifecycle(input: LifecycleInput): boolean {
    return this.inId(input.eventUid) || this.inId(input.cardRef) || inText(input.type) || inText(input.status)
  }

  inKnot(input: KnotInput): boolean {
    const { userId, taskId, cardId, merchantName, reason } = input
    return this.inId(userId) || this.inId(taskId) || this.inId(cardId) || inText(merchantName) || inText(reason)
  }
}

function inText(text: string | null): boolean {
  return text !== null && holdsPan(text)
}
