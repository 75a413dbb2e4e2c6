import type { CommandResultCode } from '../../domain/records.ts'
import type { PushAnswer } from '../../knot/answers.ts'
import type { Veto } from './effects.ts'

/** What follows from the answer to a push. */
export type PushVerdict =
  /** The command is answered. */
  | { readonly kind: 'answered'; readonly result: CommandResultCode; readonly reason: string | null }
  /** Not accepted: again after a wait, in the same attempt. `maybeLanded`: a repeat that finds the account busy proves nothing. */
  | {
      readonly kind: 'wait'
      readonly cause: string
      readonly retryAfterMs: number | null
      readonly maybeLanded: boolean
    }
  /** Not accepted: again as soon as a permit is there. `rekeyed`: with a fresh key, once. */
  | { readonly kind: 'at_once'; readonly cause: string; readonly rekeyed: boolean }

/** What is known of the command when its push ends. */
export interface PushHistory {
  /** INVALID_JWE once before. */
  readonly rekeyed: boolean
  /** 503 before, within this attempt. */
  readonly maybeLanded: boolean
  /** Covered by a CANCEL while under way. */
  readonly cancelled: boolean
  /** That CANCEL came because Knot has confirmed something. */
  readonly confirmed: boolean
}

/**
 * The table of `domain.md` 2.5 with the rules of `contract.md` 3: only what Knot certainly did not accept comes again by
 * itself, and never after a CANCEL.
 */
export function judgePush(answer: PushAnswer, veto: Veto | null, history: PushHistory): PushVerdict {
  switch (answer.kind) {
    case 'accepted':
      return answered('ACCEPTED', null)
    case 'ambiguous':
      return answered('AMBIGUOUS', answer.why)
    case 'busy':
      return history.maybeLanded ? answered('AMBIGUOUS', 'server_error') : answered('BUSY', null)
    case 'invalid_field':
    case 'not_linked':
    case 'relink':
    case 'unknown_error':
      return answered('REJECTED', answer.kind)
    case 'vetoed':
      // Stopped by an operator: nothing is wrong with the command, it waits with the others.
      if (veto === 'paused') break
      if (veto === 'suppressed') return calledBack(answer, history)
      if (!history.maybeLanded) return answered('NOT_SENT', veto)
      // This request was not sent, but one before it may have landed: who hears NOT_SENT sends a new command, blindly.
      if (veto === 'not_after') return answered('AMBIGUOUS', 'server_error')
      break
    case 'invalid_jwe':
      if (history.rekeyed) return answered('REJECTED', 'invalid_jwe')
      break
    default:
  }
  if (history.cancelled) return calledBack(answer, history)
  switch (answer.kind) {
    case 'vetoed':
      if (veto === 'send_by' || veto === 'ownership') return wait(veto, null, history.maybeLanded)
      return { kind: 'at_once', cause: 'paused', rekeyed: history.rekeyed }
    case 'invalid_jwe':
      return { kind: 'at_once', cause: answer.kind, rekeyed: true }
    case 'unauthorized':
    case 'forbidden':
      return { kind: 'at_once', cause: answer.kind, rekeyed: history.rekeyed }
    case 'unreachable':
      return wait(answer.kind, null, history.maybeLanded)
    case 'rate_limited':
      return wait(answer.kind, answer.retryAfterMs, history.maybeLanded)
    case 'unavailable':
      return wait(answer.kind, answer.retryAfterMs, true)
    case 'merchant_unavailable':
      return wait(answer.kind, null, true)
  }
}

/** A 503, or what is treated as one: Knot says that it took nothing, and may have. */
export function isMaybeTaken(
  answer: PushAnswer,
): answer is Extract<PushAnswer, { kind: 'unavailable' | 'merchant_unavailable' }> {
  return answer.kind === 'unavailable' || answer.kind === 'merchant_unavailable'
}

/** Not accepted, and not sent again. What Knot has confirmed meanwhile is this command's, if a request of it may have landed. */
function calledBack(answer: PushAnswer, { confirmed, maybeLanded }: PushHistory): PushVerdict {
  const mayHaveLanded = maybeLanded || isMaybeTaken(answer)
  return confirmed && mayHaveLanded ? answered('AMBIGUOUS', 'server_error') : answered('NOT_SENT', 'suppressed')
}

function answered(result: CommandResultCode, reason: string | null): PushVerdict {
  return { kind: 'answered', result, reason }
}

function wait(cause: string, retryAfterMs: number | null, maybeLanded: boolean): PushVerdict {
  return { kind: 'wait', cause, retryAfterMs, maybeLanded }
}
