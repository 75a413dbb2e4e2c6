import { seededChance } from '../../../sandbox/knot/chance.ts'
import type { OnfileRun } from '../../support/onfile/onfileRun.ts'
import { eventOf, planOf } from './cardholderPlans.ts'
import type { Due } from './cardholderPlans.ts'
import { courseOf } from './merchantScripts.ts'

const MERCHANTS = [10, 12, 16, 19, 36, 44, 45, 165]
/** Of all users: their first record is written twice. */
const COPIED = 0.1
const COPY_WITHIN_MS = 8_000

/** One cardholder with a card at all merchants, and what happens to them. */
export interface Cardholder {
  readonly userId: string
  /** Nobody knows how many pushes come: something may stop them. */
  readonly isUncertain: boolean
  readonly dues: readonly Due[]
}

/** The merchants of a run, by count. throws RangeError where there are not so many */
export function soakMerchants(count: number): readonly number[] {
  if (!(count >= 1 && count <= MERCHANTS.length)) {
    throw new RangeError(`${count} merchants: there are 1 to ${MERCHANTS.length}`)
  }
  return MERCHANTS.slice(0, count)
}

/**
 * Puts the users into vault and Knot. Each has one event at least; what else happens to them `cardholderPlans.ts` says,
 * what Knot says to their pushes `merchantScripts.ts`. The same seed gives the same users.
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
    for (const merchantId of merchants) {
      const course = courseOf(chance())
      if (course.length > 0) run.knot.script(userId, merchantId, ...course)
    }
    const plotted = { run, userId, cardRef, merchants, nextCard: index + users, isNamed: index % 2 === 0, chance }
    const first = once(eventOf(plotted, 'updated', 0, { uid: 'first' }))
    const copies = chance() < COPIED ? [{ ...first, afterMs: Math.ceil(chance() * COPY_WITHIN_MS) }] : []
    const { isUncertain, dues } = planOf(index, plotted)
    return { userId, isUncertain, dues: [first, ...copies, ...dues] }
  })
}

/** The same bytes whenever it is written. */
function once(due: Due): Due {
  if (due.what !== 'record') return due
  let bytes: Buffer | null = null
  return { ...due, value: () => (bytes ??= due.value()) }
}
