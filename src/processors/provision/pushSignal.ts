import type { PushAnswer } from '../../knot/answers.ts'

/** What the end of a push says about Knot and about the merchant; null = nothing. */
export interface PushSignal {
  readonly knotWorks: boolean | null
  readonly merchantWorks: boolean | null
  /** Knot's own word on how long to stay away; null where it gave none. */
  readonly retryAfterMs: number | null
}

const NOTHING: PushSignal = { knotWorks: null, merchantWorks: null, retryAfterMs: null }

/** No key to encrypt with: Knot fails as if it had answered the push so. */
export function keySignal(retryAfterMs: number | null): PushSignal {
  return { ...NOTHING, knotWorks: false, retryAfterMs }
}

/**
 * For the breakers. Only an accepted push shows that a merchant is there: the other answers Knot gives from what it has
 * stored. A 5xx or a lost answer is counted against Knot alone: which merchant was meant has not been looked at by then
 * (`domain.md` 2.5: each of them may leave a push in doubt for a day, so few of them must be enough).
 */
export function signalOf(answer: PushAnswer): PushSignal {
  switch (answer.kind) {
    case 'accepted':
      return { ...NOTHING, knotWorks: true, merchantWorks: true }
    case 'merchant_unavailable':
      return { ...NOTHING, knotWorks: true, merchantWorks: false }
    case 'busy':
    case 'invalid_field':
    case 'invalid_jwe':
    case 'not_linked':
    case 'relink':
    case 'unknown_error':
      return { ...NOTHING, knotWorks: true }
    case 'rate_limited':
    case 'unavailable':
      return { ...NOTHING, knotWorks: false, retryAfterMs: answer.retryAfterMs }
    case 'unreachable':
    case 'ambiguous':
      return { ...NOTHING, knotWorks: false }
    // A pause of the whole role follows from these, or they are ours.
    case 'unauthorized':
    case 'forbidden':
    case 'vetoed':
      return NOTHING
  }
}
