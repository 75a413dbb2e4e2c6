import type { KnotPort, VaultPort } from './ports.ts'

/** Answers of Knot's, or the lack of one, that say nothing about the user, the merchant or the card. */
const KNOT_FAILURES: ReadonlySet<string> = new Set(['unavailable', 'unreachable', 'ambiguous'])

/** A system that PROVISION calls. */
export type CalledSystem = 'the card vault' | 'Knot'

export interface Outage {
  /** As metrics name it. */
  readonly system: 'knot' | 'vault'
  /** For a person: which system, and what the last call met. */
  readonly reason: string
  /** The first failure since the last good answer. */
  readonly sinceMs: number
}

/**
 * Which of the systems that PROVISION calls failed when it was last called. Kept for `/readyz`: the commands
 * wait for themselves, each with its own back-off, and nothing is decided by this.
 */
export class Outages {
  readonly #now: () => number
  readonly #open = new Map<CalledSystem, { trouble: string; sinceMs: number }>()

  constructor(now: () => number) {
    this.#now = now
  }

  current(): readonly Outage[] {
    return [...this.#open].map(([system, { trouble, sinceMs }]) => ({
      system: system === 'Knot' ? ('knot' as const) : ('vault' as const),
      reason: `${system} failed when it was last called (${trouble}): what needs it is tried again`,
      sinceMs,
    }))
  }

  /** The vault, watched. */
  vault(port: VaultPort): VaultPort {
    const watch = <T extends { readonly kind: string; readonly trouble?: string }>(answer: T): T => {
      if (answer.kind === 'unavailable') this.#failed('the card vault', answer.trouble ?? 'no answer')
      else this.#answered('the card vault')
      return answer
    }
    return {
      card: async cardRef => watch(await port.card(cardRef)),
      status: async cardRef => watch(await port.status(cardRef)),
    }
  }

  /** Knot, watched. */
  knot(port: KnotPort): KnotPort {
    const watch = <T extends { readonly kind: string; readonly httpStatus?: number | null }>(answer: T): T => {
      if (KNOT_FAILURES.has(answer.kind)) {
        const status = answer.httpStatus ?? null
        this.#failed('Knot', status === null ? 'no answer' : `it answers ${status}`)
      } else if (answer.kind !== 'vetoed') this.#answered('Knot')
      return answer
    }
    return {
      accounts: async userId => watch(await port.accounts(userId)),
      // A key from the cache is no answer of Knot's.
      key: async refused => {
        const answer = await port.key(refused)
        return answer.kind === 'unavailable' ? watch(answer) : answer
      },
      seal: (card, key) => port.seal(card, key),
      push: async (target, card, lastCheck) => watch(await port.push(target, card, lastCheck)),
      credentialsAccepted: () => port.credentialsAccepted(),
    }
  }

  #failed(system: CalledSystem, trouble: string): void {
    this.#open.set(system, { trouble, sinceMs: this.#open.get(system)?.sinceMs ?? this.#now() })
  }

  #answered(system: CalledSystem): void {
    this.#open.delete(system)
  }
}
