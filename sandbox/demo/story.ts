import type { PushScript } from '../knot/script.ts'

/** One cardholder and what happens to them: data that `storyteller.ts` acts out. */
export interface Story {
  /** Index of `testPerson`: name and address. */
  readonly person: number
  readonly userId: string
  /** What the story shows, for the headline. */
  readonly title: string
  readonly cards: readonly StoryCard[]
  readonly merchants: readonly StoryMerchant[]
  readonly steps: readonly StoryStep[]
  /**
   * `STATUS/reason` of outcomes that must come, in any order. `ACCEPTED/accepted` is none of them: it is not written
   * where the result overtakes it.
   */
  readonly expects: readonly string[]
}

/** A card of the story, put into the vault before the first event. */
export interface StoryCard {
  readonly ref: string
  /** Default `sound`. `mistyped`: the number in the vault fails Luhn. */
  readonly data?: 'sound' | 'mistyped'
  /** Default `active`. */
  readonly status?: 'active' | 'inactive'
}

/** A merchant account of the user at Knot. */
export interface StoryMerchant {
  readonly id: number
  /** Default true: the account is linked and logged in. */
  readonly connected?: boolean
  /** Scope `update_card`. Default true. */
  readonly updateCard?: boolean
  /** What becomes of pushes, one after the other; the last one stays. Default: a quick success. */
  readonly pushes?: readonly PushScript[]
}

/** What the issuer's systems do to the card in the vault before they tell the bus. `reopened`: active, with a new number. */
export type VaultChange = 'renewed' | 'reissued' | 'closed' | 'active' | 'reopened'

/** An account-updater event for `card-lifecycle`. */
export interface EventStep {
  readonly kind: 'event'
  readonly card: string
  readonly type: string
  readonly status?: 'enrolled' | 'closed'
  /** What it means, for the account. */
  readonly says: string
  /** `updated_at` in seconds from the start of the demo; negative = before. */
  readonly atS: number
  /** `event_uid`. Default: one of its own. */
  readonly uid?: string
  readonly encoding?: 'json' | 'avro'
  /** Where the record names its user. Default `directory`: nowhere, as the account updater itself writes it. */
  readonly user?: 'directory' | 'header' | 'field'
  readonly vault?: VaultChange
}

/** An operator's order: `onfile suppress`, `lift`, `retry`, `cancel`, `forget`. */
export interface OrderStep {
  readonly kind: 'order'
  readonly command: 'suppress' | 'lift' | 'retry' | 'cancel' | 'forget'
  readonly merchantId?: number
  /** Why: kept with the order. */
  readonly reason: string
}

/** One step; the next one follows when it is done. */
export type StoryStep =
  | EventStep
  /** Waits for an outcome `STATUS/reason` of this user that came after the previous step. */
  | { readonly kind: 'await'; readonly outcome: string }
  /** Waits until everything so far is explained and no attempt is open. */
  | { readonly kind: 'settle' }
  | { readonly kind: 'vault'; readonly card: string; readonly change: VaultChange }
  /** The merchant asks for a new login: Knot sends ACCOUNT_LOGIN_REQUIRED. */
  | { readonly kind: 'logout'; readonly merchantId: number }
  /** The user links the merchant (again): Knot sends AUTHENTICATED. */
  | { readonly kind: 'login'; readonly merchantId: number }
  /** Somebody at the issuer runs a command of onfile about this user; it waits for the outcome. */
  | OrderStep
  /** The user changes the card at the merchant without onfile: Knot sends CARD_UPDATED. */
  | { readonly kind: 'ownSwitch'; readonly merchantId: number }

/** A record that belongs to nobody's story: what a bus carries besides. */
export interface StrayRecord {
  readonly topic: 'cardLifecycle' | 'knotEvents'
  readonly says: string
  readonly key: string | null
  readonly value: Buffer | null
  /** How it must end: a dead letter with this reason, or ignored. */
  readonly ends: { readonly deadLetter: string } | 'ignored'
}
