import { merchantLimit } from './limits.ts'
import type { PushLimits } from './limits.ts'
import { MerchantGate } from './merchantGate.ts'
import type { MerchantView } from './pacingView.ts'
import type { Waiter } from './waiter.ts'

export interface MerchantTurnsOptions {
  readonly limits: PushLimits
  readonly clockMs: () => number
  readonly onBreakerOpened: (merchantId: number | null) => void
  /** A merchant may have a turn that could not before. */
  readonly onRoom: () => void
}

/** The pushes that wait, by merchant, and whose turn it is: merchants one after the other, whatever waits for each. */
export class MerchantTurns {
  readonly #options: MerchantTurnsOptions
  readonly #gates = new Map<number | null, MerchantGate<Waiter>>()
  /** Merchants for whom somebody waits and that are worth a look now, in the order of their turns. */
  readonly #turns = new Set<MerchantGate<Waiter>>()
  #share = 1
  #waiting = 0

  constructor(options: MerchantTurnsOptions) {
    this.#options = options
  }

  get waiting(): number {
    return this.#waiting
  }

  view(): MerchantView[] {
    return [...this.#gates.values()]
      .map(gate => gate.view())
      .filter(({ waiting, inUse, breaker }) => waiting > 0 || inUse > 0 || breaker !== 'closed')
  }

  gateOf(merchantId: number | null): MerchantGate<Waiter> {
    const known = this.#gates.get(merchantId)
    if (known !== undefined) return known
    const { limits, clockMs, onBreakerOpened } = this.#options
    const gate = new MerchantGate<Waiter>({
      merchantId,
      limit: merchantLimit(limits, merchantId),
      breakerWaitMs: limits.breakerWaitMs,
      share: this.#share,
      clockMs,
      onBreakerOpened,
    })
    this.#gates.set(merchantId, gate)
    return gate
  }

  setShare(share: number): void {
    this.#share = share
    for (const gate of this.#gates.values()) {
      gate.setShare(share)
      this.offer(gate)
    }
  }

  add(waiter: Waiter): void {
    const gate = this.gateOf(waiter.request.merchantId)
    gate.line.add(waiter)
    this.#waiting++
    this.offer(gate)
  }

  /** One that was added waits no longer. */
  left({ request }: Waiter): void {
    this.gateOf(request.merchantId).line.left()
    this.#waiting--
  }

  /** The merchant may have a turn again: somebody came, a push to it ended, its breaker heard of something. */
  offer(gate: MerchantGate<Waiter>): void {
    clearTimeout(gate.timer)
    gate.timer = undefined
    if (gate.line.size > 0) this.#turns.add(gate)
  }

  /** The push whose turn it is, taken out of its line. Merchants that may not be pushed now come back by themselves. */
  take(): Waiter | undefined {
    for (const gate of this.#turns) {
      this.#turns.delete(gate)
      const waitMs = gate.waitMs()
      if (waitMs > 0) {
        this.#offerIn(gate, waitMs)
        continue
      }
      const waiter = gate.line.take()
      // To the end of the round, behind all the others that have somebody waiting.
      if (gate.line.size > 1) this.#turns.add(gate)
      if (waiter !== undefined) return waiter
    }
    return undefined
  }

  stop(): void {
    for (const gate of this.#gates.values()) clearTimeout(gate.timer)
  }

  #offerIn(gate: MerchantGate<Waiter>, waitMs: number): void {
    // Not before a push to it has ended: its end offers it.
    if (waitMs === Number.POSITIVE_INFINITY) return
    clearTimeout(gate.timer)
    const again = () => {
      this.offer(gate)
      this.#options.onRoom()
    }
    gate.timer = setTimeout(again, waitMs).unref()
  }
}
