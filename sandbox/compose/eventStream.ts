import { setTimeout as sleep } from 'node:timers/promises'
import type { Issuer } from '../demo/issuer.ts'
import { lifecycleRecord } from '../demo/lifecycleRecord.ts'
import type { EventStep } from '../demo/story.ts'
import type { KnotSimulator } from '../knot/knotSimulator.ts'
import { testCard, testPerson } from '../people.ts'
import type { TestCard } from '../people.ts'
import type { Vault } from '../vault/vaultServer.ts'

const MERCHANTS = [10, 12, 16, 19, 36, 45] as const
/** Of a hundred events so many are closures and opt-outs; the rest are reissues. */
const CLOSED_PERCENT = 2
const OPT_OUT_PERCENT = 1
/** Of a hundred pushes so many fail the first time. */
const FAILING_PERCENT = 10

export interface EventStreamOptions {
  readonly users: number
  readonly eventsPerSecond: number
  /** Issuer's topic. */
  readonly topic: string
}

/** A bank's day without an end: cards are reissued, now and then closed or opted out, and some merchants refuse at first. */
export class EventStream {
  readonly #issuer: Issuer
  readonly #vault: Vault
  readonly #options: EventStreamOptions
  #cards = 0
  #written = 0

  constructor(issuer: Issuer, knot: KnotSimulator, vault: Vault, options: EventStreamOptions) {
    this.#issuer = issuer
    this.#vault = vault
    this.#options = options
    for (let user = 0; user < options.users; user++) this.#addUser(user, knot)
  }

  /** Events that Kafka has. */
  get written(): number {
    return this.#written
  }

  /** Writes events until told to stop. @throws what the producer throws when Kafka stays away */
  async run(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      await this.#write(Math.floor(Math.random() * this.#options.users), Math.random() * 100)
      await sleep(1_000 / this.#options.eventsPerSecond, undefined, { signal: stop }).catch(() => undefined)
    }
  }

  #addUser(user: number, knot: KnotSimulator): void {
    const userId = `user-${user}`
    this.#vault.put({ cardRef: `card-${user}`, userId, user: testPerson(user), card: this.#newCard() })
    for (const offset of [0, 1]) {
      const merchantId = MERCHANTS[(user + offset) % MERCHANTS.length]!
      knot.link({ userId, merchantId })
      if ((user * 2 + offset) % 100 >= FAILING_PERCENT) continue
      knot.script(userId, merchantId, { outcome: 'failed', reason: 'other' }, {})
    }
  }

  async #write(user: number, dice: number): Promise<void> {
    const card = `card-${user}`
    const type = typeOf(dice)
    if (type === 'updated') {
      this.#vault.setStatus(card, 'active')
      this.#vault.reissue(card, this.#newCard())
    }
    if (type === 'closed') this.#vault.setStatus(card, 'closed')
    const step: EventStep = {
      kind: 'event',
      atS: 0,
      type,
      says: '',
      card,
      user: dice < 50 ? 'header' : 'directory',
      encoding: this.#written % 2 === 0 ? 'avro' : 'json',
    }
    const record = lifecycleRecord(step, `user-${user}`, Date.now(), this.#issuer.schemaId)
    await this.#issuer.write(this.#options.topic, record)
    this.#written += 1
  }

  #newCard(): TestCard {
    this.#cards += 1
    return testCard(this.#cards)
  }
}

function typeOf(dice: number): 'updated' | 'closed' | 'opt_out' {
  if (dice < CLOSED_PERCENT) return 'closed'
  return dice < CLOSED_PERCENT + OPT_OUT_PERCENT ? 'opt_out' : 'updated'
}
