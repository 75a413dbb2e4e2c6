import { testCard } from '../../../sandbox/people.ts'
import { seededChance } from '../../../sandbox/knot/chance.ts'
import { lifecycleEvent } from '../../support/onfile/lifecycleEvent.ts'
import type { OnfileRun } from '../../support/onfile/onfileRun.ts'

const MERCHANTS = [10, 12, 16, 19, 36, 44, 45, 165]
/** News that races the pushes of the news before comes within so long. */
const RACE_MS = 8_000

/** One record of the issuer, due so long after the first one of its user. */
export interface DueEvent {
  readonly afterMs: number
  readonly key: string
  /** It is an opt-out or a closing. */
  readonly stops: boolean
  /** Made when it is written: a new version is in the vault before the event that tells of it, and the clock is that moment's. */
  readonly value: () => Buffer
}

/** One cardholder with a card at all merchants, and what the issuer says of that card. */
export interface Cardholder {
  readonly userId: string
  /** An opt-out or a closing comes: nobody knows how many of the pushes do. */
  readonly isStopped: boolean
  readonly events: readonly DueEvent[]
}

/** The merchants of a run, by count. throws RangeError where there are not so many */
export function soakMerchants(count: number): readonly number[] {
  if (!(count >= 1 && count <= MERCHANTS.length)) {
    throw new RangeError(`${count} merchants: there are 1 to ${MERCHANTS.length}`)
  }
  return MERCHANTS.slice(0, count)
}

/**
 * Puts the users into vault and Knot. Most cards have one event; some have a duplicate, a stale one, a newer version, an
 * opt-out or a closing that races the pushes, or a record that nobody can read. At some merchants Knot says no, for good or once.
 */
export function settleCardholders(
  run: OnfileRun,
  users: number,
  merchants: readonly number[],
  seed: number,
): Cardholder[] {
  const chance = seededChance(seed)
  return Array.from({ length: users }, (_, index) => {
    const userId = `user-${index}`
    const cardRef = run.addUser(userId, index, merchants)
    for (const merchantId of merchants) scriptMerchant(run, userId, merchantId, chance())
    const named = index % 2 === 0 ? { userId } : {}
    const event = (type: string, uid: string, afterMs: number, ageMs = 0): DueEvent => ({
      afterMs,
      key: cardRef,
      stops: type === 'opt_out' || type === 'closed',
      value: () =>
        lifecycleEvent({ cardRef, type, uid: `${userId}-${uid}`, updatedAtMs: Date.now() - ageMs, ...named }),
    })
    const written = once(event('updated', 'first', 0))
    const further = furtherEvents(run, cardRef, index + users, chance, event, written)
    return { userId, isStopped: further.some(({ stops }) => stops), events: [written, ...further] }
  })
}

/** The same bytes whenever it is written. */
function once(event: DueEvent): DueEvent {
  let bytes: Buffer | null = null
  return { ...event, value: () => (bytes ??= event.value()) }
}

function scriptMerchant(run: OnfileRun, userId: string, merchantId: number, drawn: number): void {
  if (drawn < 0.05) run.knot.script(userId, merchantId, { outcome: 'failed', reason: 'card cvv' })
  else if (drawn < 0.08) {
    const reason = 'could not retrieve payment method information'
    run.knot.script(userId, merchantId, { outcome: 'failed', reason }, {})
  } else if (drawn < 0.13) run.knot.script(userId, merchantId, { updating: true })
}

function furtherEvents(
  run: OnfileRun,
  cardRef: string,
  nextCard: number,
  chance: () => number,
  event: (type: string, uid: string, afterMs: number, ageMs?: number) => DueEvent,
  first: DueEvent,
): DueEvent[] {
  const drawn = chance()
  const afterMs = Math.ceil(chance() * RACE_MS)
  if (drawn < 0.1) return [{ ...first, afterMs }]
  if (drawn < 0.2) {
    const newer = event('updated', 'newer', afterMs)
    const value = (): Buffer => {
      run.vault.reissue(cardRef, testCard(nextCard))
      return newer.value()
    }
    return [{ ...newer, value }]
  }
  if (drawn < 0.28) return [event('opt_out', 'opt-out', afterMs)]
  if (drawn < 0.32) return [event('closed', 'closed', afterMs)]
  if (drawn < 0.35) return [event('updated', 'stale', afterMs, 3_600_000)]
  if (drawn < 0.37)
    return [{ afterMs, key: cardRef, stops: false, value: () => Buffer.from('{"event_uid": "cut off", "data": {') }]
  return []
}
