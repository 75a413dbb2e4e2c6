import { setTimeout as wait } from 'node:timers/promises'
import { testCard } from '../../sandbox/people.ts'
import { lifecycleEvent } from '../../test/support/onfile/lifecycleEvent.ts'
import type { OnfileRun } from '../../test/support/onfile/onfileRun.ts'

const TICK_MS = 50
const BATCH = 1_000
const MERCHANTS = [10, 12, 16, 19, 36, 44, 45, 165]
/** Cardholders with an account at a merchant, whose new cards are pushed. */
const PUSHED_USERS = 200
/** Everybody else has events that are decided without a push. */
const OTHER_USERS = 20_000
const PUSHES_PER_SECOND = 10

/**
 * Lifecycle events of one installation at a steady rate, written until the scene is over: most are decided at once, some
 * lead to a push. Ends with how many were written, and in how long.
 */
export async function writeDuring(
  run: OnfileRun,
  ratePerSecond: number,
  scene: Promise<void>,
): Promise<{ readonly events: number; readonly ms: number }> {
  const cardRefs = Array.from({ length: PUSHED_USERS }, (_, index) =>
    run.addUser(`pushed-${index}`, index, [MERCHANTS[index % MERCHANTS.length]!]),
  )
  const over = new AbortController()
  const end = scene.finally(() => over.abort())
  // Its failure is thrown below.
  end.catch(() => undefined)
  const startedMs = performance.now()
  let events = 0
  let pushes = 0
  for (;;) {
    const dueEvents = Math.floor(((performance.now() - startedMs) * ratePerSecond) / 1_000)
    const duePushes = Math.floor(((performance.now() - startedMs) * PUSHES_PER_SECOND) / 1_000)
    const messages = []
    for (; pushes < duePushes; pushes++, events++) {
      const index = pushes % PUSHED_USERS
      const cardRef = cardRefs[index]!
      run.vault.reissue(cardRef, testCard(index + PUSHED_USERS * (1 + Math.floor(pushes / PUSHED_USERS))))
      messages.push({ key: cardRef, value: lifecycleEvent({ cardRef, type: 'updated', userId: `pushed-${index}` }) })
    }
    for (; events < dueEvents; events++) {
      const userId = `user-${events % OTHER_USERS}`
      const cardRef = `card-${userId}`
      messages.push({ key: cardRef, value: lifecycleEvent({ cardRef, type: 'contact_cardholder_advice', userId }) })
    }
    // A machine that stalled has more due than one request may hold.
    for (let at = 0; at < messages.length; at += BATCH) await run.sendLifecycle(...messages.slice(at, at + BATCH))
    if (over.signal.aborted) break
    await wait(TICK_MS)
  }
  await end
  return { events, ms: performance.now() - startedMs }
}
