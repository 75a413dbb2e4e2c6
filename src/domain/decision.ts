import type { MerchantState } from './merchantState.ts'
import type { CardOutcome, CardSuppression, ProvisioningCommand } from './records.ts'
import type { ForgottenUser, UserState } from './userState.ts'

/** State as DECIDE reads it. What it returns is never changed. */
export interface StateView {
  user(userId: string): UserState | undefined
  merchant(userId: string, merchantId: number): MerchantState | undefined
  /** What is left of a user who was erased. Asked only where there is no `user`. */
  forgotten(userId: string): ForgottenUser | undefined
}

/** The user is erased: the state of the user and of these merchants goes, and so do all timers of the user. */
export interface Erasure {
  readonly merchants: readonly number[]
}

/** New value of what is left of an erased user; null takes it away. */
export interface ForgottenChange {
  readonly left: ForgottenUser | null
}

/** A record of `card-suppressions`; null is the tombstone. */
export interface SuppressionWrite {
  readonly key: string
  readonly record: CardSuppression | null
}

/** A timer of the user that is set, moved, or (null) taken away. */
export interface TimerChange {
  readonly name: string
  readonly dueAtMs: number | null
}

/** What follows from one event or timer, as data. Applied as a whole or not at all. */
export interface Decision {
  readonly userId: string
  /** New state of the user; null where it did not change. */
  readonly changedUser: UserState | null
  /** Applied before everything else; then `changedUser` is null. Null: nobody is erased. */
  readonly erasure: Erasure | null
  /** Null where it did not change. */
  readonly forgotten: ForgottenChange | null
  /** New states of merchants. */
  readonly changedMerchants: readonly MerchantState[]
  readonly outcomes: readonly CardOutcome[]
  readonly commands: readonly ProvisioningCommand[]
  /** In order: a final record and its tombstone are two entries. */
  readonly suppressions: readonly SuppressionWrite[]
  readonly timers: readonly TimerChange[]
  /** Kinds of webhooks that concern nothing of ours: to be counted. */
  readonly ignored: readonly string[]
}
