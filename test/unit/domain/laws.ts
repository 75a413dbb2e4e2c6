import { expect } from 'vitest'
import type { Decision } from '../../../src/domain/decision.ts'
import type { CardOutcome, CardSuppression, ProvisioningCommand, UserEvent } from '../../../src/domain/records.ts'
import type { Model } from './model.ts'
import { MINUTE, USER } from './world.ts'
import type { World } from './world.ts'

/** Something that no push may pass any more once PROVISION has read on to `seq`. */
interface Barrier {
  readonly card_ref: string | null
  readonly merchant_id: number | null
  readonly until: number | null
  /** `decision_seq` of the last record of the decision that set it. */
  readonly seq: number
}

/**
 * What holds for every history, checked record by record in the order of `decision_seq`, and push by push: guarantees G3,
 * G4 and G5 as far as DECIDE can break them.
 */
export class Laws {
  readonly #world: World
  #seq = 0
  #event: UserEvent | null = null
  readonly #ended = new Set<string>()
  readonly #openSwitches = new Map<number, ProvisioningCommand>()
  readonly #active = new Map<string, CardSuppression>()
  readonly #acceptedAt = new Map<number, number>()
  readonly #pushes = new Set<string>()
  /** Attempts that DECIDE knows to have landed. */
  readonly #landed = new Set<string>()
  /** By merchant and card. */
  readonly #newestVersion = new Map<string, number>()
  /** By suppression key. */
  readonly #suppressed = new Map<string, Barrier>()
  readonly #calledBack: Barrier[] = []
  /** By merchant: the card that it confirmed last, by Knot's time. */
  readonly #confirmed = new Map<number, { readonly card_ref: string; readonly at: number }>()
  #isForgotten = false
  /** What was ordered up to here is of a life of which nothing is known any more. */
  #forgottenSeq = 0

  constructor(model: Model) {
    this.#world = model.world
    model.world.onDecision = decision => this.#check(decision)
    model.onDeliver = event => this.#note(event)
    model.onStart = (command, readSeq) => this.#started(command, readSeq)
    model.onLanded = command => void this.#landed.add(attemptOf(command))
  }

  /** Facts about pushes come from PROVISION's answers, not from what DECIDE makes of them. */
  #note(event: UserEvent): void {
    this.#event = event
    const { body } = event
    if (body.kind === 'result') for (const { command_id } of body.removed) this.#notOut(command_id)
    if (body.kind !== 'result' || body.command_kind !== 'SWITCH' || body.merchant_id === null) return
    // A task is no command of ours, and its own report of every step.
    if (body.decision_seq === 0) return
    const command = this.#world.commands.find(({ command_id }) => command_id === body.command_id)!
    if (body.result === 'ACCEPTED' || body.result === 'AMBIGUOUS') {
      const push = attemptOf(command)
      expect(command.attempt).toBeLessThanOrEqual(3)
      expect(this.#pushes.has(push), `pushed twice: ${push}`).toBe(false)
      this.#pushes.add(push)
      if (command.decision_seq > this.#forgottenSeq) this.#acceptedAt.set(body.merchant_id, body.answered_at!)
    } else this.#notOut(body.command_id)
  }

  #notOut(commandId: string): void {
    for (const [merchantId, { command_id }] of this.#openSwitches) {
      if (command_id === commandId) this.#openSwitches.delete(merchantId)
    }
  }

  /** G4: once PROVISION has read on to where something was suppressed or called back, no push of before that starts. */
  #started(command: ProvisioningCommand, readSeq: number): void {
    if (command.kind !== 'SWITCH') return
    for (const barrier of [...this.#suppressed.values(), ...this.#calledBack]) {
      if (!covers(barrier, command) || command.decision_seq > barrier.seq) continue
      if (barrier.until !== null && barrier.until <= this.#world.now) continue
      expect(readSeq, 'a push that is suppressed or called back starts').toBeLessThan(barrier.seq)
    }
  }

  #check(decision: Decision): void {
    const records = [
      ...decision.outcomes.map(outcome => ({ seq: outcome.decision_seq, apply: () => this.#outcome(outcome) })),
      ...decision.commands.map(command => ({ seq: command.decision_seq, apply: () => this.#command(command) })),
      ...decision.suppressions.flatMap(({ key, record }) =>
        record === null ? [] : [{ seq: record.decision_seq, apply: () => this.#suppression(key, record) }],
      ),
    ].sort((a, b) => a.seq - b.seq)
    for (const record of records) {
      expect(record.seq).toBe(++this.#seq)
      record.apply()
    }
    for (const [key, { card_ref, merchant_id, until }] of this.#active) {
      if (this.#suppressed.get(key)?.until !== until) {
        this.#suppressed.set(key, { card_ref, merchant_id, until, seq: this.#suppressed.get(key)?.seq ?? this.#seq })
      }
    }
    const order = this.#event?.body
    if (order?.kind === 'operator' && (order.action === 'CANCEL' || decision.erasure !== null)) {
      this.#calledBack.push({ card_ref: order.card_ref, merchant_id: order.merchant_id, until: null, seq: this.#seq })
    }
    this.#event = null
    const lifted = decision.suppressions.filter(({ record }) => record?.state === 'LIFTED').map(({ key }) => key)
    const erased = decision.erasure === null ? [] : [...this.#active.keys()]
    const tombstones = decision.suppressions.filter(({ record }) => record === null).map(({ key }) => key)
    expect(tombstones.sort()).toEqual([...lifted, ...erased].sort())
    if (decision.forgotten !== null) this.#isForgotten = decision.forgotten.left !== null
    if (decision.erasure !== null) this.#forget()
  }

  /** The user begins anew: with nothing but the count of decisions. */
  #forget(): void {
    expect(this.#openSwitches.size, 'a SWITCH of an erased user is open').toBe(0)
    this.#forgottenSeq = this.#seq
    for (const memory of [this.#active, this.#suppressed, this.#acceptedAt, this.#newestVersion, this.#confirmed])
      memory.clear()
  }

  #outcome(outcome: CardOutcome): void {
    expect(outcome.outcome_id).toBe(`${USER}:${outcome.decision_seq}`)
    this.#confirm(outcome)
    expect(outcome.final).toBe(outcome.status !== 'ACCEPTED' && outcome.status !== 'RETRY_SCHEDULED')
    const { command_id: commandId, merchant_id: merchantId } = outcome
    if (commandId === null) return
    if (outcome.final) this.#ended.add(commandId)
    else expect(this.#ended.has(commandId), `${outcome.reason} after the end of ${commandId}`).toBe(false)
    const ends = outcome.final || outcome.status === 'RETRY_SCHEDULED'
    if (merchantId !== null && ends && this.#openSwitches.get(merchantId)?.command_id === commandId) {
      this.#openSwitches.delete(merchantId)
    }
  }

  /** An EXTERNAL confirmation without a card, or with one that nobody knows, says that nobody knows. */
  #confirm({ status, reason, merchant_id: merchantId, card_ref, occurred_at: at }: CardOutcome): void {
    const isConfirmation = status === 'UPDATED' || (status === 'EXTERNAL' && reason === 'updated')
    if (!isConfirmation || merchantId === null || card_ref === null) return
    const before = this.#confirmed.get(merchantId)
    if (before === undefined || before.at <= at) this.#confirmed.set(merchantId, { card_ref, at })
  }

  /** A card of which the issuer, or a task of the user's own, has told, and which is not closed. */
  #isLive(cardRef: string): boolean {
    const { cards, suppressions } = this.#world.state
    const isClosed = suppressions.some(({ card_ref, reason }) => card_ref === cardRef && reason === 'closed')
    return !isClosed && cards.some(({ card_ref }) => card_ref === cardRef)
  }

  /** G3: versions leave in their order. G5: one at a time, and after the result of the one before. */
  #command(command: ProvisioningCommand): void {
    expect(command.command_id).toBe(`${USER}:${command.decision_seq}`)
    expect(this.#isForgotten, 'a command for an erased user').toBe(false)
    if (command.kind !== 'SWITCH') return
    const merchantId = command.merchant_id!
    expect(this.#openSwitches.get(merchantId), 'two SWITCHes open at one merchant').toBeUndefined()
    this.#openSwitches.set(merchantId, command)
    expect(this.#landed.has(attemptOf(command)), 'a SWITCH of an attempt that has landed').toBe(false)
    const { now } = this.#world
    for (const active of this.#active.values()) {
      if (active.until !== null && active.until <= now) continue
      expect(covers(active, command), 'a SWITCH that is suppressed').toBe(false)
    }
    const holder = this.#confirmed.get(merchantId)?.card_ref ?? command.card_ref!
    const isOther = holder !== command.card_ref && this.#isLive(holder)
    expect(isOther, 'a SWITCH over another live card that is on file').toBe(false)
    const place = `${merchantId} ${command.card_ref}`
    expect(command.card_version!).toBeGreaterThanOrEqual(this.#newestVersion.get(place) ?? 0)
    this.#newestVersion.set(place, command.card_version!)
    expect(now - (this.#acceptedAt.get(merchantId) ?? 0)).toBeGreaterThanOrEqual(10 * MINUTE)
  }

  /** Nothing but an operator's order undoes an opt_out. */
  #suppression(key: string, record: CardSuppression): void {
    const before = this.#active.get(key)
    if (before?.reason === 'opt_out' && record.lifted_reason !== 'operator') {
      expect(`${record.state} ${record.reason}`).toBe('ACTIVE opt_out')
    }
    if (record.state === 'ACTIVE') {
      if (record.reason !== 'operator') expect(before?.reason).not.toBe(record.reason)
      this.#active.set(key, record)
    } else {
      expect(this.#active.delete(key)).toBe(true)
      this.#suppressed.delete(key)
    }
  }
}

function attemptOf({ origin, merchant_id, attempt }: ProvisioningCommand): string {
  return `${origin.offset} ${merchant_id} attempt ${attempt}`
}

function covers(scope: Pick<Barrier, 'card_ref' | 'merchant_id'>, command: ProvisioningCommand): boolean {
  const { card_ref, merchant_id } = scope
  return (
    (card_ref === null || card_ref === command.card_ref) &&
    (merchant_id === null || merchant_id === command.merchant_id)
  )
}
