import type { Config } from '../../config/config.ts'
import type { MerchantState } from '../../domain/merchantState.ts'
import type { CardOutcome, CardSuppression, ProvisioningCommand, UserEvent } from '../../domain/records.ts'
import type { ForgottenUser, UserState } from '../../domain/userState.ts'
import type { PushSwitchState } from './pushSwitch.ts'

/** A record and where it stands. */
export interface Told<T> {
  readonly topic: string
  /** In the partition of the story. */
  readonly offset: number
  /** When it was written, milliseconds. */
  readonly atMs: number
  readonly value: T
}

/** A record of `card-suppressions`; null is a tombstone. */
export interface ToldSuppression {
  readonly key: string
  readonly suppression: CardSuppression | null
}

/** What DECIDE knows of a user now: the last values in its changelog. */
export type KnownState =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'forgotten'; readonly left: ForgottenUser }
  | { readonly kind: 'known'; readonly user: UserState; readonly merchants: readonly MerchantState[] }

/** Everything that the topics say about one user since some time. Each list in the order of its topic. */
export interface UserStory {
  readonly userId: string
  readonly partition: number
  readonly sinceMs: number
  readonly readAtMs: number
  readonly userEvents: readonly Told<UserEvent>[]
  readonly commands: readonly Told<ProvisioningCommand>[]
  readonly outcomes: readonly Told<CardOutcome>[]
  readonly suppressions: readonly Told<ToldSuppression>[]
  /** Records under the user's key that no schema reads: others write there too. DECIDE made dead letters of its own. */
  readonly unreadable: readonly Told<null>[]
  readonly state: KnownState
  /** Of all users: while pushes are paused nothing of this one's goes out either. */
  readonly pushes: PushSwitchState
}

/** Which story is asked for. */
export interface StoryQuestion {
  readonly userId: string
  readonly sinceMs: number
}

/** Reads a story from a cluster; owned here, so that the page can be tested without one. */
export type ReadStory = (config: Config, question: StoryQuestion, signal: AbortSignal) => Promise<UserStory>

/** Nothing is known, and nothing was written: most likely another user was meant. */
export function isEmpty(story: UserStory): boolean {
  const { userEvents, commands, outcomes, suppressions, unreadable, state } = story
  const written = [userEvents, commands, outcomes, suppressions, unreadable]
  return state.kind === 'unknown' && written.every(list => list.length === 0)
}
