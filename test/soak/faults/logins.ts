import { setTimeout as wait } from 'node:timers/promises'
import { seededChance } from '../../../sandbox/knot/chance.ts'
import type { KnotSimulator } from '../../../sandbox/knot/knotSimulator.ts'
import type { WebhookPayload } from '../../../sandbox/knot/webhookSender.ts'
import { USER_ACTIONS } from './merchantScripts.ts'

const TURN_MS = 250
/** From the webhook that asks for it to the login. */
const LONGEST_MS = 5_000
/** Of one user at one merchant. */
const LOGINS_MOST = 2

/**
 * The users: whoever is asked by a webhook to do something at a merchant logs in there some seconds later, without a card
 * (AUTHENTICATED, `send_card` false), at most twice.
 */
export class Logins {
  count = 0
  private readonly knot: KnotSimulator
  private readonly chance: () => number
  private readonly timesAt = new Map<string, number>()
  private due: { readonly atMs: number; readonly userId: string; readonly merchantId: number }[] = []
  private seen = 0

  constructor(knot: KnotSimulator, seed: number) {
    this.knot = knot
    this.chance = seededChance(seed)
  }

  /** Resolves when `ended`; a login that is still to come then never comes. */
  async watch(ended: () => boolean): Promise<void> {
    while (!ended()) {
      const webhooks = this.knot.webhooks()
      for (; this.seen < webhooks.length; this.seen++) this.see(webhooks[this.seen]!.payload)
      const nowMs = Date.now()
      const now = this.due.filter(({ atMs }) => atMs <= nowMs)
      if (now.length > 0) this.due = this.due.filter(({ atMs }) => atMs > nowMs)
      for (const { userId, merchantId } of now) {
        this.knot.link({ userId, merchantId, announce: true })
        this.count++
      }
      await wait(TURN_MS)
    }
  }

  private see({ event, external_user_id: userId, merchant, data }: WebhookPayload): void {
    const reason = (data as { reason?: string } | undefined)?.reason ?? ''
    const isAsked = event === 'ACCOUNT_LOGIN_REQUIRED' || (event === 'CARD_FAILED' && USER_ACTIONS.has(reason))
    const merchantId = (merchant as { id?: number } | undefined)?.id
    if (!isAsked || userId === undefined || merchantId === undefined) return
    const place = `${userId} at ${merchantId}`
    const times = this.timesAt.get(place) ?? 0
    if (times >= LOGINS_MOST) return
    this.timesAt.set(place, times + 1)
    this.due.push({ atMs: Date.now() + this.chance() * LONGEST_MS, userId, merchantId })
  }
}
