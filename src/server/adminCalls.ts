import type { Logger } from 'pino'
import type { Pauses } from '../engine/pauses.ts'
import type { LogLevelSwitch } from './logLevelSwitch.ts'

/** An instance of the group, as far as the group tells of it. */
export interface Owner {
  readonly instanceId: string | null
  readonly memberId: string
  readonly clientId: string
  /** As the broker saw it. */
  readonly host: string
  /** Where its admin server is reached (`admin.advertisedUrl`); null where it does not say. */
  readonly adminUrl: string | null
}

/** What DECIDE holds of a user, or who would know. */
export type UserAnswer =
  | { readonly kind: 'known' | 'forgotten'; readonly partition: number; readonly state: object }
  | { readonly kind: 'unknown'; readonly partition: number }
  /** The partition is here, its state is not complete yet. */
  | { readonly kind: 'not_ready'; readonly partition: number; readonly reason: string }
  | { readonly kind: 'elsewhere'; readonly partition: number; readonly owner: Owner | null }
  /** It cannot be a user's id. */
  | { readonly kind: 'unusable'; readonly problem: string }

/** What the authenticated calls need: owned here, implemented by what runs the roles. */
export interface AdminCalls {
  /** `admin.token` as it is now; null when it is not set. */
  readonly token: () => string | null
  readonly log: Logger
  readonly logLevel: LogLevelSwitch
  /** Pauses by role; empty until the roles were started. */
  pauses(): ReadonlyMap<string, Pauses>
  /** Null until the roles were started. */
  user(userId: string): Promise<UserAnswer | null>
}
