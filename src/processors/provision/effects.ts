import type { MerchantAccount, VaultStatus } from '../../domain/records.ts'
import type { PushAnswer } from '../../knot/answers.ts'
import type { PushKey } from '../../knot/cardUpdater.ts'
import type { PushTarget } from '../../knot/knotApi.ts'
import type { PreparedCard } from './preparedCard.ts'

/**
 * What PROVISION asks of the engine between two cycles. A SWITCH is two effects, with the commit of *started* between
 * them: `prepare` gets everything that is needed, `push` sends. DISCOVER and RECONCILE are one `look`. No effect carries
 * card data; it passes from the result of `prepare` to `push` in the processor's memory.
 */
export type ProvisionEffect = PrepareEffect | PushEffect | LookEffect

export interface PrepareEffect {
  readonly kind: 'prepare'
  readonly commandId: string
  readonly cardRef: string
  readonly merchantId: number | null
  readonly notAfterMs: number | null
}

export interface PushEffect {
  readonly kind: 'push'
  readonly commandId: string
  readonly target: PushTarget
  /** Not on the wire from then on. */
  readonly sendByMs: number
  readonly notAfterMs: number | null
}

export interface LookEffect {
  readonly kind: 'look'
  readonly commandId: string
  readonly userId: string
  /** The card whose status is asked for too; null where only Knot is. */
  readonly cardRef: string | null
  readonly notAfterMs: number | null
}

/** Nothing is wrong with the command; it must be tried again. */
export type NotReady =
  /** After a wait. `cause` is a stable code for logs and metrics. */
  | { readonly kind: 'not_ready'; readonly cause: string; readonly retryAfterMs: number | null }
  /** At once: nobody gave a permit while it was of use, or the role pauses and the permit will wait for its end. */
  | { readonly kind: 'no_permit' }
  /** The command is gone or the task is closing: nobody waits for this. */
  | { readonly kind: 'abandoned' }

export type PrepareResult =
  | NotReady
  | { readonly kind: 'prepared'; readonly prepared: PreparedCard }
  | {
      readonly kind: 'unusable'
      readonly result: 'NOT_SENT' | 'INVALID_CARD'
      readonly reason: 'card_unknown' | 'inactive_card' | 'unsupported_region' | 'invalid_card_data'
      readonly vaultStatus: VaultStatus
      readonly vaultVersion: string | null
    }

/** Why the last check said no. */
export type Veto = 'suppressed' | 'send_by' | 'ownership' | 'not_after' | 'paused'

export interface PushResult {
  readonly kind: 'pushed'
  readonly answer: PushAnswer
  /** Set where the answer is `vetoed`. */
  readonly veto: Veto | null
  readonly usedKey: PushKey | null
  /** The version of the card that was to be sent, in the vault's words. Null where nothing was prepared. */
  readonly usedVersion: string | null
}

export type LookResult =
  | NotReady
  | {
      readonly kind: 'looked'
      /** Null: Knot refused the question. */
      readonly accounts: readonly MerchantAccount[] | null
      readonly vaultStatus: VaultStatus | null
      readonly vaultVersion: string | null
      readonly httpStatus: number | null
      readonly errorCode: string | null
      readonly startedAtMs: number
      readonly answeredAtMs: number
    }

export type ProvisionEffectResult = PrepareResult | PushResult | LookResult
