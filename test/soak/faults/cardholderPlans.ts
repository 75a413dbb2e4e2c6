import { testCard, testPerson } from '../../../sandbox/people.ts'
import { lifecycleEvent } from '../../support/onfile/lifecycleEvent.ts'
import type { OnfileRun } from '../../support/onfile/onfileRun.ts'

/** News that races the pushes of the news before comes within so long. */
const RACE_MS = 8_000
/** `--until` of an order that ends by itself. */
const UNTIL = '6s'

/** Something that happens so long after the first record of its user. */
export type Due =
  /** The issuer writes. Made when it is written: a new version is in the vault before its event, the clock is that moment's. */
  | { readonly afterMs: number; readonly what: 'record'; readonly key: string; readonly value: () => Buffer }
  /** An operator gives an order: the words behind `onfile`. */
  | { readonly afterMs: number; readonly what: 'order'; readonly words: readonly string[] }
  /** Something at Knot. */
  | { readonly afterMs: number; readonly what: 'act'; readonly act: () => void }

/** One cardholder, from whom a plan is made. */
export interface Plotted {
  readonly run: OnfileRun
  readonly userId: string
  readonly cardRef: string
  readonly merchants: readonly number[]
  /** A test card that nobody has. */
  readonly nextCard: number
  /** The first record names the user; else the directory knows. */
  readonly isNamed: boolean
  readonly chance: () => number
}

/** What happens to one cardholder beside the first news. */
export interface Plan {
  /** Nobody knows how many pushes come. */
  readonly isUncertain: boolean
  readonly dues: readonly Due[]
}

type Plot = (plotted: Plotted) => Plan

const certain = (...dues: readonly Due[]): Plan => ({ isUncertain: false, dues })
const uncertain = (...dues: readonly Due[]): Plan => ({ isUncertain: true, dues })

/** An event of the issuer about the user's card, or another one. */
export function eventOf(
  { userId, cardRef, isNamed }: Plotted,
  type: string,
  afterMs: number,
  { uid = type, ageMs = 0, ref = cardRef }: { uid?: string; ageMs?: number; ref?: string } = {},
): Due {
  const named = isNamed || ref !== cardRef ? { userId } : {}
  const value = (): Buffer =>
    lifecycleEvent({ cardRef: ref, type, uid: `${userId}-${uid}`, updatedAtMs: Date.now() - ageMs, ...named })
  return { afterMs, what: 'record', key: ref, value }
}

function newVersion(plotted: Plotted, afterMs: number): Due {
  const { run, cardRef, nextCard } = plotted
  const written = eventOf(plotted, 'updated', afterMs, { uid: 'newer' })
  const value = (): Buffer => {
    run.vault.reissue(cardRef, testCard(nextCard))
    return written.what === 'record' ? written.value() : Buffer.alloc(0)
  }
  return { afterMs, what: 'record', key: cardRef, value }
}

function order({ userId }: Plotted, action: string, afterMs: number, ...more: readonly string[]): Due {
  return { afterMs, what: 'order', words: [action, '--user', userId, '--reason', 'the soak', ...more] }
}

const soon = ({ chance }: Plotted): number => Math.ceil(chance() * RACE_MS)
const one = ({ merchants, chance }: Plotted): number => merchants[Math.floor(chance() * merchants.length)]!
const atOne = (plotted: Plotted): readonly string[] => ['--merchant', String(one(plotted))]

/** The issuer's further news. */
const NEWS: readonly (readonly [share: number, plot: Plot])[] = [
  [0.1, plotted => certain(newVersion(plotted, soon(plotted)))],
  [0.08, plotted => uncertain(eventOf(plotted, 'opt_out', soon(plotted)))],
  [0.04, plotted => uncertain(eventOf(plotted, 'closed', soon(plotted)))],
  [0.03, plotted => certain(eventOf(plotted, 'updated', soon(plotted), { uid: 'stale', ageMs: 3_600_000 }))],
  [
    0.02,
    plotted => {
      const value = (): Buffer => Buffer.from('{"event_uid": "cut off", "data": {')
      return certain({ afterMs: soon(plotted), what: 'record', key: plotted.cardRef, value })
    },
  ],
  [
    0.02,
    plotted => {
      const afterMs = soon(plotted)
      return uncertain(eventOf(plotted, 'contact_cardholder_advice', afterMs), newVersion(plotted, afterMs + 4_000))
    },
  ],
  [0.03, secondCard],
  [0.02, lostLogin],
]

/** An order of every kind, alone and with what should follow it. */
const ORDERS: readonly Plot[] = [
  plotted => uncertain(order(plotted, 'suppress', soon(plotted), '--until', UNTIL), newVersion(plotted, RACE_MS * 2)),
  plotted => uncertain(order(plotted, 'suppress', soon(plotted), ...atOne(plotted), '--until', UNTIL)),
  plotted => {
    const afterMs = soon(plotted)
    return uncertain(
      order(plotted, 'suppress', afterMs, '--card', plotted.cardRef),
      newVersion(plotted, afterMs + 2_000),
      order(plotted, 'lift', afterMs + 4_000, '--card', plotted.cardRef),
      order(plotted, 'retry', afterMs + 6_000),
    )
  },
  plotted => {
    const afterMs = soon(plotted)
    return uncertain(
      eventOf(plotted, 'opt_out', afterMs),
      order(plotted, 'lift', afterMs + 3_000, '--card', plotted.cardRef),
      order(plotted, 'retry', afterMs + 4_000, '--card', plotted.cardRef),
    )
  },
  plotted => certain(order(plotted, 'retry', RACE_MS + soon(plotted), ...atOne(plotted))),
  plotted => certain(order(plotted, 'retry', soon(plotted))),
  plotted => uncertain(order(plotted, 'cancel', soon(plotted))),
  plotted => uncertain(newVersion(plotted, 2_000), order(plotted, 'cancel', soon(plotted), ...atOne(plotted))),
  plotted => uncertain(order(plotted, 'forget', soon(plotted))),
  plotted => {
    const afterMs = soon(plotted)
    return uncertain(order(plotted, 'forget', afterMs), newVersion(plotted, afterMs + 3_000))
  },
]
/** Of so many users in a row each kind of order has one. */
const ORDER_EVERY = 90

/** What happens to the user of that number, by chance; orders by turns, so that a small run has each of them too. */
export function planOf(index: number, plotted: Plotted): Plan {
  const ordered = ORDERS[index % ORDER_EVERY]
  if (ordered !== undefined) return ordered(plotted)
  const drawn = plotted.chance()
  let below = 0
  for (const [share, plot] of NEWS) {
    below += share
    if (drawn < below) return plot(plotted)
  }
  return certain()
}

/** A second card of the same user; of every other one the first is closed then, which frees its merchants. */
function secondCard(plotted: Plotted): Plan {
  const { run, userId, cardRef, nextCard, chance } = plotted
  const ref = `${cardRef}-second`
  run.vault.put({ cardRef: ref, userId, user: testPerson(nextCard), card: testCard(nextCard) })
  const afterMs = soon(plotted)
  const second = eventOf(plotted, 'updated', afterMs, { uid: 'second', ref })
  return chance() < 0.5
    ? uncertain(second)
    : uncertain(second, eventOf(plotted, 'closed', afterMs + 3_000, { uid: 'first-closed' }))
}

/** A merchant has lost the login; `Logins` brings it back. */
function lostLogin(plotted: Plotted): Plan {
  const { run, userId } = plotted
  const merchantId = one(plotted)
  return uncertain({ afterMs: soon(plotted), what: 'act', act: () => run.knot.disconnect(userId, merchantId) })
}
