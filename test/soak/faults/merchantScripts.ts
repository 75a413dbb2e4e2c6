import type { PushScript } from '../../../sandbox/knot/script.ts'

const fails = (reason: string): PushScript => ({ outcome: 'failed', reason })

/** What Knot does with a user's pushes at one merchant, in order; the last one stays. */
type Course = readonly PushScript[]

/** Every class of reason (contract.md 8): for good, once, twice, until the user logs in again. */
const COURSES: readonly (readonly [share: number, course: Course])[] = [
  [0.04, [fails('card cvv')]],
  [0.02, [fails('could not retrieve payment method information'), {}]],
  [0.03, [fails('other'), {}]],
  [0.02, [fails('session not authenticated'), {}]],
  [0.01, [fails('session not authenticated'), fails('session not authenticated'), {}]],
  [0.03, [fails('otp'), {}]],
  [0.005, [fails('credentials')]],
  [
    0.01,
    [fails('did not receive payment method information'), fails('did not receive payment method information'), {}],
  ],
  [0.005, [fails('could not handle payment method information')]],
  [0.005, [fails('asks for a signature')]],
  [0.05, [{ updating: true }]],
]

/** Reasons after which a user logs in again at the merchant, as often as `Logins` says. */
export const USER_ACTIONS: ReadonlySet<string> = new Set(['otp', 'credentials', 'session not authenticated'])

/** The course of one (user, merchant). Empty: every push succeeds. @param drawn 0 to 1 */
export function courseOf(drawn: number): Course {
  let below = 0
  for (const [share, course] of COURSES) {
    below += share
    if (drawn < below) return course
  }
  return []
}
