import { seededChance } from './chance.ts'
import type { KnotErrorBody } from './knotErrors.ts'
import type { HttpFault, PushScript } from './script.ts'

/** A fault of one push: of its HTTP exchange, of its webhook, or of both. The rest of its script stays as it is. */
export type PushFault = Pick<PushScript, 'http' | 'duplicates' | 'dropWebhook' | 'webhookDelayMs' | 'overtaken'>

/**
 * `drop_unread`: the connection closes before the body is read. User and merchant stand in the body, so nobody knows yet whose
 * push it is: a step with this fault is for `*` and `*`, and happens to the next pushes that come, whoever's they are.
 */
export type PlannedFault = PushFault | 'drop_unread'

/** One step of a plan. Steps of the same user and merchant happen in the order in which they were added. */
export interface FaultStep {
  /** `*`: any user; nothing else with `drop_unread`. */
  readonly userId: string
  /** `*`: any merchant; nothing else with `drop_unread`. */
  readonly merchantId: number | '*'
  readonly fault: PlannedFault
  /** For so many pushes. Default 1. */
  readonly requests?: number
}

/** Faults by chance: the same seed and the same order of pushes give the same faults. */
export interface RandomFaults {
  readonly seed: number
  /** Of all pushes that no step is for, 0 to 1. */
  readonly share: number
  /** Longest delay of an answer or a webhook. Default 200 ms. */
  readonly maxDelayMs?: number
  /** Target of redirects: another origin, which must never see a card. None: no redirects. */
  readonly redirectTo?: string
}

/** A step that can never happen as written. */
export class FaultPlanError extends Error {
  override readonly name = 'FaultPlanError'
  readonly code = 'FAULT_PLAN'
}

interface OpenStep {
  readonly step: FaultStep
  left: number
}

/**
 * What goes wrong with which push. For each push: the first open step of exactly that account, else of that
 * user or merchant or of all (in the order added), else chance.
 */
export class FaultPlan {
  readonly #steps: OpenStep[] = []
  #random: { readonly faults: RandomFaults; readonly next: () => number } | null = null

  /** @throws FaultPlanError where a push would have to be known before its body is read, or `requests` is no count. */
  add(step: FaultStep): void {
    const { userId, merchantId, fault, requests = 1 } = step
    if (fault === 'drop_unread' && (userId !== '*' || merchantId !== '*')) {
      throw new FaultPlanError('drop_unread cannot tell one account from another: use * for user and merchant')
    }
    if (!Number.isInteger(requests) || requests < 1) {
      throw new FaultPlanError(`requests is ${requests}: it must be a whole number from 1 on`)
    }
    this.#steps.push({ step, left: requests })
  }

  /** Replaces the random mode; null ends it. @throws FaultPlanError where the share is not between 0 and 1. */
  random(faults: RandomFaults | null): void {
    if (faults !== null && !(faults.share >= 0 && faults.share <= 1)) {
      throw new FaultPlanError(`share is ${faults.share}: it must be between 0 and 1`)
    }
    this.#random = faults === null ? null : { faults, next: seededChance(faults.seed) }
  }

  /** Steps that have not happened (to the end) yet. */
  open(): number {
    return this.#steps.length
  }

  /**
   * At the head of a push: `drop_unread` where the first open step for everybody, or chance, says so. Otherwise what
   * chance gives this push, for `take`.
   */
  arrive(): PlannedFault | null {
    const first = this.#steps.find(({ step }) => step.userId === '*' && step.merchantId === '*')
    if (first?.step.fault === 'drop_unread') {
      this.#use(first)
      return 'drop_unread'
    }
    return this.#draw()
  }

  /** The fault of a push of that account, and null where all goes well. `drawn` is what `arrive` gave it. */
  take(userId: string, merchantId: number, drawn: PushFault | null): PushFault | null {
    const fits = ({ step }: OpenStep): boolean =>
      step.fault !== 'drop_unread' &&
      (step.userId === '*' || step.userId === userId) &&
      (step.merchantId === '*' || step.merchantId === merchantId)
    const own = this.#steps.find(
      open => fits(open) && open.step.userId === userId && open.step.merchantId === merchantId,
    )
    const open = own ?? this.#steps.find(fits)
    if (open === undefined || open.step.fault === 'drop_unread') return drawn
    this.#use(open)
    return open.step.fault
  }

  #use(open: OpenStep): void {
    open.left -= 1
    if (open.left === 0) this.#steps.splice(this.#steps.indexOf(open), 1)
  }

  #draw(): PlannedFault | null {
    if (this.#random === null) return null
    const { faults, next } = this.#random
    if (next() >= faults.share) return null
    const kinds = randomKinds(faults, next)
    return kinds[Math.floor(next() * kinds.length)] ?? null
  }
}

/** Name of a fault for the push log: `answer 503`, `answer 400 INVALID_JWE`, `drop in_answer`, `webhook lost`. */
export const faultName = (fault: PlannedFault): string => {
  if (fault === 'drop_unread') return 'drop unread'
  const names = [fault.http === undefined ? '' : httpFaultName(fault.http)]
  if (fault.dropWebhook) names.push('webhook lost')
  if (fault.duplicates) names.push('webhook duplicate')
  if (fault.webhookDelayMs) names.push('webhook delayed')
  if (fault.overtaken) names.push('webhook reordered')
  return names.filter(name => name !== '').join(', ')
}

const httpFaultName = (http: HttpFault): string => {
  switch (http.kind) {
    case 'answer':
      return http.body === undefined ? `answer ${http.status}` : `answer ${http.status} ${http.body.error_code}`
    case 'hold':
      return 'delay'
    case 'drop':
      return `drop ${http.when}`
    case 'body':
      return `${http.body} body`
    case 'redirect':
      return `redirect ${http.status ?? 307}`
  }
}

const refusal = (error_code: string): KnotErrorBody => ({
  error_type: 'INVALID_REQUEST',
  error_code,
  error_message: 'By chance.',
})

/** One of each kind, with what chance decides about it. */
const randomKinds = ({ maxDelayMs = 200, redirectTo }: RandomFaults, next: () => number): PlannedFault[] => {
  const landed = next() < 0.5
  const delayMs = Math.ceil(next() * maxDelayMs)
  const body = (['garbage', 'empty', 'huge'] as const)[Math.floor(next() * 3)]!
  const redirectStatus = ([302, 307, 308] as const)[Math.floor(next() * 3)]!
  return [
    'drop_unread',
    { http: { kind: 'drop', when: 'after_body' } },
    { http: { kind: 'drop', when: 'before_answer' } },
    { http: { kind: 'drop', when: 'in_answer' } },
    { http: { kind: 'answer', status: 429, retryAfter: 1 } },
    { http: { kind: 'answer', status: 429 } },
    // Documented as not accepted; one that was all the same is met by the busy account, or by the card being on file.
    { http: { kind: 'answer', status: 503, landed } },
    { http: { kind: 'answer', status: 500, landed } },
    { http: { kind: 'answer', status: 502, landed } },
    { http: { kind: 'answer', status: 400, body: refusal('MERCHANT_UNAVAILABLE') } },
    { http: { kind: 'answer', status: 400, body: refusal('INVALID_JWE') } },
    { http: { kind: 'hold', holdMs: delayMs } },
    { http: { kind: 'body', body, status: landed ? 200 : 500, landed } },
    ...(redirectTo === undefined
      ? []
      : [{ http: { kind: 'redirect', location: redirectTo, status: redirectStatus } } as const]),
    { duplicates: 1 },
    { dropWebhook: true },
    { webhookDelayMs: delayMs },
    { overtaken: true },
  ]
}
