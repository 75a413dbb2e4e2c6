import { setTimeout as wait } from 'node:timers/promises'
import type { OnfileRun } from '../../support/onfile/onfileRun.ts'
import type { Due } from './cardholderPlans.ts'
import type { Cardholder } from './cardholders.ts'
import type { OperatorDesk } from './operatorDesk.ts'

const TURN_MS = 250
/** The body of a push has come after that, or never will. */
const BODY_MS = 3_000

export interface FlowLimits {
  /** Users whose pushes are on their way. */
  readonly usersAtOnce: number
  /**
   * A user whose pushes do not come counts as served after that: they were lost before Knot knew whose they were, or their
   * process was killed between their start and the wire.
   */
  readonly giveUpMs: number
  /** What the product has before it, and the most that it may have when a user begins. */
  readonly backlog: () => number
  readonly backlogMost: number
}

interface OpenUser {
  readonly userId: string
  readonly sinceMs: number
  readonly left: Set<number>
}

/**
 * Lets happen what is to happen to all users, so many users at a time: the next ones begin when Knot has seen a push of
 * the ones before to each of their merchants. So the product always has work, and never a
 * backlog that outlives its deadlines.
 */
export class EventFlow {
  private readonly run: OnfileRun
  private readonly desk: OperatorDesk
  private readonly merchants: readonly number[]
  private readonly limits: FlowLimits
  private readonly waiting: Cardholder[]
  private readonly open = new Map<string, OpenUser>()
  private due: { readonly atMs: number; readonly userId: string; readonly due: Due }[] = []
  private pushesSeen = 0
  private admitting = true

  constructor(
    run: OnfileRun,
    desk: OperatorDesk,
    cardholders: readonly Cardholder[],
    merchants: readonly number[],
    limits: FlowLimits,
  ) {
    this.run = run
    this.desk = desk
    this.merchants = merchants
    this.limits = limits
    this.waiting = [...cardholders].reverse()
  }

  /** Users whose first record is not written yet. */
  get left(): number {
    return this.waiting.length
  }

  /** No further users: those that have begun are served to the end. */
  stopAdmitting(): void {
    this.admitting = false
  }

  /** Resolves when everything has happened and Knot has seen, or will not see, a push for each. */
  async write(): Promise<void> {
    while ((this.admitting ? this.waiting.length : 0) + this.due.length + this.open.size > 0) {
      this.settle()
      this.admit()
      await this.letHappen()
      await wait(TURN_MS)
    }
    await this.desk.done()
  }

  private settle(): void {
    const pushes = this.run.knot.pushes()
    for (; this.pushesSeen < pushes.length; this.pushesSeen++) {
      const { atMs, userId, merchantId, answeredAtMs } = pushes[this.pushesSeen]!
      // Its body is being read, unless its sender was killed meanwhile: the next turn looks at it and at what follows.
      if (userId === null && answeredAtMs === null && Date.now() - atMs < BODY_MS) return
      if (userId === null || merchantId === null) continue
      const user = this.open.get(userId)
      user?.left.delete(merchantId)
      if (user?.left.size === 0) this.open.delete(userId)
    }
  }

  private admit(): void {
    const nowMs = Date.now()
    for (const { userId, sinceMs } of this.open.values()) {
      if (nowMs - sinceMs > this.limits.giveUpMs) this.open.delete(userId)
    }
    if (this.limits.backlog() > this.limits.backlogMost) return
    while (this.admitting && this.open.size < this.limits.usersAtOnce) {
      const next = this.waiting.pop()
      if (next === undefined) return
      if (!next.isUncertain)
        this.open.set(next.userId, { userId: next.userId, sinceMs: nowMs, left: new Set(this.merchants) })
      for (const due of next.dues) this.due.push({ atMs: nowMs + due.afterMs, userId: next.userId, due })
    }
  }

  private async letHappen(): Promise<void> {
    const nowMs = Date.now()
    const now = this.due.filter(({ atMs }) => atMs <= nowMs)
    if (now.length === 0) return
    this.due = this.due.filter(({ atMs }) => atMs > nowMs)
    const records: { key: string; value: Buffer }[] = []
    for (const { userId, due } of now) {
      if (due.what === 'record') records.push({ key: due.key, value: due.value() })
      else if (due.what === 'order') this.desk.give(userId, due.words)
      else due.act()
    }
    if (records.length > 0) await this.run.sendLifecycle(...records)
  }
}
