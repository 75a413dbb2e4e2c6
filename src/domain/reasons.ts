/**
 * What a failure means for what comes next: `auto_retry` and `delayed_retry` may be repeated unchanged, `fix_data` needs
 * another credential or profile first, `user_action` the user, `terminal` nothing helps, `investigate` nobody knows yet.
 */
export type ReasonClass = 'auto_retry' | 'delayed_retry' | 'fix_data' | 'user_action' | 'terminal' | 'investigate'

/** One row of the table of contract.md 8. */
export interface ReasonRule {
  readonly class: ReasonClass
  /** Attempts after the first one. */
  readonly retries: number
  /** Wait before each of them, milliseconds. */
  readonly waitsMs: readonly number[]
  /** What makes it go again, in words. */
  readonly resumedBy: string
  /** Why it is treated so (domain.md 3). */
  readonly why: string
}

const NEXT = "the card's next version, or RETRY"
const LOGIN = `the user's login there (AUTHENTICATED), ${NEXT}`

/**
 * What makes a version, or its successor, go again after a failure of each class: `retries.ts` (waits, another version in
 * the vault), `knotEvents.ts` and `rediscovery.ts` (AUTHENTICATED), `lifecycle.ts` (a next version), `operatorRetry.ts`.
 */
export const RESUMED_BY: Readonly<Record<ReasonClass, string>> = {
  auto_retry: `its wait; then ${NEXT}`,
  delayed_retry: `its wait; then ${NEXT}`,
  fix_data: `another version in the vault than the one sent, once; then ${NEXT}`,
  user_action: LOGIN,
  terminal: NEXT,
  investigate: NEXT,
}

/** By Knot's reason as `normalisedReason` writes it. */
export type ReasonTable = ReadonlyMap<string, ReasonRule>

/** `policy.reasons`: what is left out stays as it is. */
export type ReasonOverrides = Readonly<
  Record<
    string,
    {
      readonly class?: ReasonClass | undefined
      readonly retries?: number | undefined
      readonly waits?: readonly number[] | undefined
    }
  >
>

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

type Row = readonly [
  reason: string,
  reasonClass: ReasonClass,
  waitsMs: readonly number[],
  why: string,
  /** Where it is not the class's. */
  resumedBy?: string,
]

const ROWS: readonly Row[] = [
  ['insufficient funds', 'delayed_retry', [24 * HOUR_MS, 72 * HOUR_MS], 'depends on the balance of the day'],
  ['too close to end of billing cycle', 'delayed_retry', [3 * DAY_MS, 7 * DAY_MS], 'the window passes by itself'],
  [
    'did not receive payment method information',
    'auto_retry',
    [10 * MINUTE_MS, 10 * MINUTE_MS],
    'a fault on the way to Knot',
  ],
  [
    'could not handle payment method information',
    'auto_retry',
    [10 * MINUTE_MS, 60 * MINUTE_MS],
    'a processing error of Knot',
  ],
  [
    'could not retrieve payment method information',
    'auto_retry',
    [10 * MINUTE_MS],
    'only where Knot pulls card data itself: look at the integration',
  ],
  [
    'session not authenticated',
    'user_action',
    [30 * MINUTE_MS],
    'a passing fault of the login, or a dead connection: one try while the account still says connected',
    `its wait, if the account is still connected with \`update_card\`; else, and then, ${LOGIN}`,
  ],
  ['other', 'delayed_retry', [HOUR_MS], 'unknown: few tries, merchants watch for fraud'],
  ['card', 'fix_data', [], 'address, phone or kind of card: the same input gives the same result'],
  ['card expired', 'fix_data', [], 'an old expiry date was sent: the vault needs the new card'],
  ['card cvv', 'fix_data', [], 'the same wrong code again would look like fraud'],
  ['account', 'terminal', [], 'for example a foreign account: repeating cannot help'],
  ['subscription', 'terminal', [], 'no active subscription: nothing to update'],
  ['third-party payment method on subscription', 'terminal', [], 'the user pays through another merchant'],
  ['card in use', 'terminal', [], 'the card is on another account of that merchant'],
  ['subscription admin', 'user_action', [], 'only the administrator of the plan may change it'],
  ['too many attempts', 'user_action', [], 'the merchant has locked the login: trying prolongs it'],
  ['credentials', 'user_action', [], 'the stored login is not valid any more'],
  ['otp', 'user_action', [], 'a one-time code is asked for and nobody is there'],
  ['credentials timeout', 'user_action', [], 'the user was absent'],
  ['otp timeout', 'user_action', [], 'the user was absent'],
  ['questions timeout', 'user_action', [], 'the user was absent'],
  ['zip timeout', 'user_action', [], 'the user was absent'],
]

/** The table of contract.md 8 without changes. */
export const FAILURE_REASONS: ReasonTable = new Map(
  ROWS.map(([reason, reasonClass, waitsMs, why, resumedBy = RESUMED_BY[reasonClass]]) => [
    reason,
    { class: reasonClass, retries: waitsMs.length, waitsMs, resumedBy, why },
  ]),
)

const UNLISTED: ReasonRule = {
  class: 'investigate',
  retries: 0,
  waitsMs: [],
  resumedBy: RESUMED_BY.investigate,
  why: 'set by configuration',
}

/** The table with an issuer's changes; a reason that is not in it gets a row of its own. */
export function reasonTable(overrides: ReasonOverrides): ReasonTable {
  const table = new Map(FAILURE_REASONS)
  for (const [reason, change] of Object.entries(overrides)) {
    const name = normalisedReason(reason)
    const rule = table.get(name) ?? UNLISTED
    const waitsMs = change.waits ?? rule.waitsMs
    table.set(name, {
      class: change.class ?? rule.class,
      retries: change.retries ?? (change.waits === undefined ? rule.retries : waitsMs.length),
      waitsMs,
      resumedBy: change.class === undefined ? rule.resumedBy : RESUMED_BY[change.class],
      why: rule.why,
    })
  }
  return table
}

/** A failure as outcomes tell it. */
export interface Failure {
  readonly class: ReasonClass
  /** Knot's reason in snake case, or `unknown_reason`. */
  readonly code: string
  /** Attempts after the first one. */
  readonly retries: number
  /** Wait before each of them, milliseconds. */
  readonly waitsMs: readonly number[]
  /** Knot's own words, scrubbed, where `code` alone would hide them. */
  readonly rawReason: string | null
}

const UNKNOWN = { class: 'investigate', code: 'unknown_reason', retries: 0, waitsMs: [] } as const

/** Reads `data.reason` of CARD_FAILED. A reason that the table does not know is a case, not an error. */
export function failureOf(table: ReasonTable, reason: string | null): Failure {
  if (reason === null) return { ...UNKNOWN, rawReason: null }
  const name = normalisedReason(reason)
  const rule = table.get(name)
  if (rule === undefined) return { ...UNKNOWN, rawReason: scrubbedReason(reason) }
  return { class: rule.class, code: snakeCase(name), retries: rule.retries, waitsMs: rule.waitsMs, rawReason: null }
}

/** Trimmed, lower-cased, inner blanks collapsed: how reasons are compared. */
export function normalisedReason(reason: string): string {
  return reason.trim().toLowerCase().replace(/\s+/g, ' ')
}

function snakeCase(name: string): string {
  return name.replace(/[ -]/g, '_')
}

const MAX_RAW_LENGTH = 200

/** Text of another company in our topics: no addresses, no run of digits that could be a number of a person or a card. */
function scrubbedReason(reason: string): string {
  return reason
    .trim()
    .slice(0, MAX_RAW_LENGTH)
    .replace(/\S+@\S+/g, '[address]')
    .replace(/\d(?:[ .-]?\d){3,}/g, '[digits]')
}
