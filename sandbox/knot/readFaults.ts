import { seededChance } from './chance.ts'
import { FaultPlanError, faultName } from './faultPlan.ts'
import type { HttpFault } from './script.ts'

/** Faults by chance of what is only read: accounts and the key. The same seed and order of requests give the same ones. */
export interface RandomReadFaults {
  readonly seed: number
  /** Of all reads, 0 to 1. */
  readonly share: number
  /** Longest delay of an answer. Default 200 ms. */
  readonly maxDelayMs?: number
}

/** What goes wrong with which `GET`, and how often each kind has happened. */
export class ReadFaults {
  readonly #happened = new Map<string, number>()
  #random: { readonly faults: RandomReadFaults; readonly next: () => number } | null = null

  /** Null ends them. @throws FaultPlanError where the share is not between 0 and 1. */
  random(faults: RandomReadFaults | null): void {
    if (faults !== null && !(faults.share >= 0 && faults.share <= 1)) {
      throw new FaultPlanError(`share is ${faults.share}: it must be between 0 and 1`)
    }
    this.#random = faults === null ? null : { faults, next: seededChance(faults.seed) }
  }

  /** The fault of the read that has just come; null where all goes well. */
  draw(): HttpFault | null {
    if (this.#random === null) return null
    const { faults, next } = this.#random
    if (next() >= faults.share) return null
    const kinds = readKinds(faults.maxDelayMs ?? 200, next)
    const fault = kinds[Math.floor(next() * kinds.length)]!
    const name = `read: ${faultName({ http: fault })}`
    this.#happened.set(name, (this.#happened.get(name) ?? 0) + 1)
    return fault
  }

  /** By name: `read: answer 503`. */
  happened(): ReadonlyMap<string, number> {
    return this.#happened
  }
}

const readKinds = (maxDelayMs: number, next: () => number): HttpFault[] => [
  { kind: 'hold', holdMs: Math.ceil(next() * maxDelayMs) },
  { kind: 'drop', when: 'after_body' },
  { kind: 'drop', when: 'in_answer' },
  { kind: 'answer', status: 429, retryAfter: 1 },
  ...[429, 500, 502, 503].map((status): HttpFault => ({ kind: 'answer', status })),
  ...(['garbage', 'empty', 'huge'] as const).map((body): HttpFault => ({ kind: 'body', body })),
]
