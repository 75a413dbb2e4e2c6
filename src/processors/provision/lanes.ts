import type { PushKey } from '../../knot/cardUpdater.ts'
import type { PreparedCard } from './preparedCard.ts'

/**
 * What a command does right now. Memory only: the ledger says what of it must survive.
 *
 * - `idle`: may start as soon as it is the head of its lane
 * - `restored`: found in the ledger at the start; waits until the input has been read up to date
 * - `timer`: its durable timer will come
 * - `working`: an effect runs or is about to run
 * - `closed`: answered; only keeps the lane shut
 */
export type RunPhase = 'idle' | 'restored' | 'timer' | 'working' | 'closed'

/** One open command in memory. */
export interface Run {
  readonly commandId: string
  readonly userId: string
  readonly lane: string
  phase: RunPhase
  /** A CANCEL covered it after it had started: it must not go on the wire any more, or again. */
  cancelled: boolean
  /** That CANCEL came because Knot has confirmed something: a request of it that may have landed is the answer. */
  confirmed: boolean
  /** The current push has gone on the wire. */
  onWire: boolean
  /** Between *started* and the push. */
  prepared: PreparedCard | null
  /** The key that Knot answered INVALID_JWE to. */
  refusedKey: PushKey | null
  /** When the issuer's record behind it was appended; null where that is not known any more. For metrics. */
  appendedAtMs: number | null
}

export function newRun(commandId: string, userId: string, lane: string, phase: RunPhase): Run {
  return {
    commandId,
    userId,
    lane,
    phase,
    cancelled: false,
    confirmed: false,
    onWire: false,
    prepared: null,
    refusedKey: null,
    appendedAtMs: null,
  }
}

/** All open commands of a task: by id, in lanes (head first), and by user. */
export class Lanes {
  readonly #runs = new Map<string, Run>()
  readonly #lanes = new Map<string, Run[]>()
  readonly #users = new Map<string, Set<Run>>()

  get size(): number {
    return this.#runs.size
  }

  get(commandId: string): Run | undefined {
    return this.#runs.get(commandId)
  }

  head(lane: string): Run | undefined {
    return this.#lanes.get(lane)?.[0]
  }

  /** In the order of their records. */
  ofUser(userId: string): readonly Run[] {
    return [...(this.#users.get(userId) ?? [])]
  }

  all(): Run[] {
    return [...this.#runs.values()]
  }

  /** Adds at the end of its lane. */
  add(run: Run): void {
    this.#runs.set(run.commandId, run)
    const lane = this.#lanes.get(run.lane)
    if (lane === undefined) this.#lanes.set(run.lane, [run])
    else lane.push(run)
    const user = this.#users.get(run.userId)
    if (user === undefined) this.#users.set(run.userId, new Set([run]))
    else user.add(run)
  }

  remove(run: Run): void {
    if (!this.#runs.delete(run.commandId)) return
    const lane = this.#lanes.get(run.lane)!
    lane.splice(lane.indexOf(run), 1)
    if (lane.length === 0) this.#lanes.delete(run.lane)
    const user = this.#users.get(run.userId)!
    user.delete(run)
    if (user.size === 0) this.#users.delete(run.userId)
  }
}
