import type { Permit } from './permit.ts'
import type { WorkKind } from './rolePause.ts'

export interface PermitRequest {
  readonly kind: WorkKind
  /** Who dismisses and withdraws: a task. */
  readonly owner: object
  readonly commandId: string
  /** Of a push; null where it names a task of Knot's instead. */
  readonly merchantId: number | null
  /** Wall clock: no use after that, null = never. */
  readonly notAfterMs: number | null
}

/** A command that waits for its permit. */
export class Waiter {
  readonly request: PermitRequest
  readonly sinceMs: number
  waits = true
  readonly #resolve: (permit: Permit | null) => void

  constructor(request: PermitRequest, sinceMs: number, resolve: (permit: Permit | null) => void) {
    this.request = request
    this.sinceMs = sinceMs
    this.#resolve = resolve
  }

  end(permit: Permit | null): void {
    this.waits = false
    this.#resolve(permit)
  }
}
