import type { ProvisioningCommand } from '../../../../src/domain/records.ts'
import type { PushAnswer } from '../../../../src/knot/answers.ts'
import { cardWith } from '../../knot/cards.ts'
import type { Bed } from './fakePorts.ts'
import { coded, NO_NAMES, ok, provisionBed, limits } from './fakePorts.ts'

const PUSH_TIMEOUT_MS = 10_000

export const ANSWERS: Record<string, PushAnswer> = {
  accepted: ok,
  busy: coded('busy', 400, 'ONGOING_OPERATION'),
  invalid_jwe: coded('invalid_jwe', 400, 'INVALID_JWE'),
  relink: coded('relink', 400),
  unavailable: { ...coded('unavailable', 503), retryAfterMs: 2_000 },
  rate_limited: { ...coded('rate_limited', 429), retryAfterMs: null },
  ambiguous: { ...coded('ambiguous', 500), why: 'timeout' },
}
const NOT_ACCEPTED = ['invalid_jwe', 'unavailable', 'rate_limited']
/** Knot may have taken the card all the same. */
const MAY_HAVE_LANDED = 'unavailable'

/** One request that went on the wire. */
interface Request {
  readonly command: ProvisioningCommand
  readonly life: number
  readonly atMs: number
  answer: string | null
}

/** A push that stands before the wire or is on it. */
interface Pending {
  readonly life: number
  readonly lastCheck: () => boolean
  readonly resolve: (answer: PushAnswer) => void
  command: ProvisioningCommand | null
  request: Request | null
}

/**
 * Drives PROVISION against a Knot that watches: every rule is checked at the moment on the wire, or when a result is
 * committed. Throws at the first breach.
 */
export class LedgerModel {
  readonly bed: Bed
  readonly log: ProvisioningCommand[] = []
  readonly requests: Request[] = []
  private readonly pending: Pending[] = []
  private readonly cancelsRead: { readonly life: number; readonly cancel: ProvisioningCommand }[] = []
  private isPaused = false
  /** The last pause of this life: where the log ended when it did, and what had started by then. */
  private resumed: { readonly logEnd: number; readonly started: ReadonlySet<string> } | null = null
  private life = 0
  private seen = 0
  private readonly answers = new Map<string, string>()

  private constructor(bed: Bed) {
    this.bed = bed
    bed.knot.push = (target, _card, lastCheck) =>
      new Promise(resolve => {
        const { life } = this
        const command = this.startedCommand(target.userId, target.merchantId)
        this.pending.push({ life, lastCheck, resolve, command, request: null })
      })
  }

  static async open(): Promise<LedgerModel> {
    return new LedgerModel(await provisionBed({ limits: limits({ concurrency: 10_000 }) }))
  }

  produce(command: ProvisioningCommand): void {
    this.log.push(command)
  }

  read(count: number): void {
    const { task } = this.bed
    if (this.isPaused) return
    for (let i = 0; i < count && task.position < this.log.length; i++) {
      const command = this.log[task.position]!
      task.read(command)
      if (command.kind === 'CANCEL') this.cancelsRead.push({ life: this.life, cancel: command })
    }
  }

  /** The engine's rule: timers wait until the input has been read up to date. */
  advance(ms: number): void {
    this.bed.clock.ms += ms
    if (!this.isPaused && this.bed.task.position === this.log.length) this.bed.task.fireTimers()
  }

  pause(): void {
    if (this.isPaused) return
    this.isPaused = true
    this.bed.task.pause()
  }

  resume(): void {
    if (!this.isPaused) return
    this.isPaused = false
    const started = this.bed.task.ledger().filter(({ state }) => state === 'STARTED')
    this.resumed = { logEnd: this.log.length, started: new Set(started.map(({ command_id }) => command_id)) }
    this.bed.task.resume()
  }

  commit(): void {
    this.bed.task.commit()
    this.checkResults()
  }

  crash(zombie: boolean): void {
    this.bed.task.crash(zombie)
    this.life++
    this.isPaused = false
    this.resumed = null
  }

  /** A pending push reaches the wire; every rule about sending is checked here. */
  wire(index: number): void {
    const push = this.pending[index % Math.max(1, this.pending.length)]
    if (push?.request !== null) return
    if (!push.lastCheck()) {
      this.pending.splice(this.pending.indexOf(push), 1)
      push.resolve({ kind: 'vetoed' })
      return
    }
    const command = push.command!
    this.checkSending(command, push.life)
    push.request = { command, life: push.life, atMs: this.bed.clock.ms, answer: null }
    this.requests.push(push.request)
  }

  answer(index: number, kind: string): void {
    const push = this.pending[index % Math.max(1, this.pending.length)]
    if (push === undefined) return
    if (push.request === null) {
      this.wire(index)
      return
    }
    this.pending.splice(this.pending.indexOf(push), 1)
    push.request.answer = kind
    push.resolve(ANSWERS[kind]!)
  }

  /** One of the SWITCHes that were produced: a webhook may confirm any of them, whatever has become of it. */
  switchAt(index: number): ProvisioningCommand | undefined {
    const switches = this.log.filter(({ kind }) => kind === 'SWITCH')
    return switches[Math.max(0, switches.length - 1 - index)]
  }

  /** False: the card is closed. */
  setVault(hasCard: boolean): void {
    const { vault } = this.bed
    const card = hasCard ? cardWith() : null
    vault.cardAnswer = { kind: 'card', status: hasCard ? 'active' : 'closed', version: 'v1', card, names: NO_NAMES }
  }

  /** Everything is read, answered and waited out: now nothing may be open. */
  async finish(): Promise<void> {
    this.resume()
    this.bed.task.heartbeatAgeMs = 0
    this.setVault(true)
    for (let i = 0; i < 200; i++) {
      this.read(this.log.length)
      while (this.pending.length > 0) {
        this.wire(0)
        this.answer(0, 'accepted')
      }
      await this.bed.task.settle()
      this.checkResults()
      if (this.pending.length > 0) continue
      if (this.bed.task.ledger().length === 0) break
      this.advance(60_000)
    }
    const unanswered = this.log.filter(({ command_id }) => !this.answers.has(command_id))
    if (unanswered.length > 0) throw new Error(`never answered: ${unanswered.map(c => c.command_id).join()}`)
    if (this.bed.task.durable.timers.size > 0) throw new Error('a timer is left')
  }

  private startedCommand(userId: string, merchantId: number | null): ProvisioningCommand | null {
    const started = this.bed.task
      .ledger()
      .find(entry => entry.state === 'STARTED' && entry.user_id === userId && entry.merchant_id === merchantId)
    return this.log.find(({ command_id }) => command_id === started?.command_id) ?? null
  }

  private checkSending(command: ProvisioningCommand, life: number): void {
    const { command_id: id, decision_seq: seq } = command
    const say = (what: string) => new Error(`${id} went on the wire: ${what}`)
    const durable = this.bed.task.durable.ledger.get(id)
    if (life !== this.life) throw say('from a lost life')
    if (durable === undefined) throw say('without a committed entry')
    for (const request of this.requests.filter(other => laneOf(other.command) === laneOf(command))) {
      const { command: other, answer, atMs } = request
      if (answer === null && (request.life === life || this.bed.clock.ms < atMs + PUSH_TIMEOUT_MS)) {
        throw say(`while ${other.command_id} was in flight`)
      }
      if (other.decision_seq > seq) throw say(`after the later ${other.command_id}`)
      if (other === command && (answer === null || !NOT_ACCEPTED.includes(answer))) {
        throw say(`again after ${answer ?? 'no answer'}`)
      }
    }
    const cancel = this.cancelsRead.find(read => read.life === life && covers(read.cancel, command))
    if (cancel !== undefined) throw say(`after ${cancel.cancel.command_id} was read`)
    const { resumed } = this
    const isNew = resumed?.started.has(id) === false
    const unread = isNew ? this.log.slice(0, resumed.logEnd).find(other => covers(other, command)) : undefined
    if (unread !== undefined) throw say(`although ${unread.command_id} had come when the pause ended`)
    if (this.answers.has(id)) throw say(`after its answer ${this.answers.get(id)!}`)
  }

  private checkResults(): void {
    const { events } = this.bed.task.durable
    for (; this.seen < events.length; this.seen++) {
      const { body } = events[this.seen]!
      if (body.kind !== 'result') throw new Error('not a result')
      this.note(body.command_id, `${body.result}/${body.reason ?? ''}`)
      const cancelled = this.log.find(({ command_id }) => command_id === body.command_id)
      for (const { command_id } of body.removed) this.note(command_id, `removed/${cancelled?.reason ?? ''}`)
    }
  }

  private note(commandId: string, answer: string): void {
    const before = this.answers.get(commandId)
    if (before !== undefined) throw new Error(`${commandId} answered twice: ${before}, ${answer}`)
    this.answers.set(commandId, answer)
    const last = this.requests.findLast(({ command }) => command.command_id === commandId)
    const harmless = last === undefined || NOT_ACCEPTED.includes(last.answer ?? '')
    if (/^(NOT_SENT|removed|CANCELLED)/.test(answer) && !harmless) {
      throw new Error(
        `${commandId} is reported as ${answer} although Knot was asked and said ${last.answer ?? 'nothing'}`,
      )
    }
    this.checkDenial(commandId, answer)
    if (answer.startsWith('ACCEPTED') && last?.answer !== 'accepted') throw new Error(`${commandId} was not accepted`)
  }

  /**
   * Whoever hears that nothing was sent, or that the account was busy with another one's, sends a new command. So a command
   * of which a request may have landed is told so only where an order stops it, which nothing follows.
   */
  private checkDenial(commandId: string, answer: string): void {
    const mayHaveLanded = this.requests.some(
      ({ command, answer: given }) => command.command_id === commandId && given === MAY_HAVE_LANDED,
    )
    if (answer === 'AMBIGUOUS/server_error' && !mayHaveLanded) {
      throw new Error(`${commandId} is ambiguous although none of its requests may have landed`)
    }
    if (!mayHaveLanded || !/^(NOT_SENT|INVALID_CARD|BUSY|removed)/.test(answer)) return
    const command = this.log.find(({ command_id }) => command_id === commandId)!
    const isStopped = this.cancelsRead.some(({ cancel }) => cancel.reason !== 'confirmed' && covers(cancel, command))
    const isCalledBack = answer === 'NOT_SENT/suppressed' || answer.startsWith('removed/')
    if (isStopped && isCalledBack && answer !== 'removed/confirmed') return
    throw new Error(`${commandId} is told as ${answer} although a request of it may have landed`)
  }
}

function laneOf({ user_id, merchant_id }: ProvisioningCommand): string {
  return `${user_id}/${String(merchant_id)}`
}

function covers({ cancels, user_id, decision_seq }: ProvisioningCommand, command: ProvisioningCommand): boolean {
  if (cancels === null || user_id !== command.user_id || command.decision_seq >= decision_seq) return false
  return (
    (cancels.card_ref ?? command.card_ref) === command.card_ref &&
    (cancels.merchant_id ?? command.merchant_id) === command.merchant_id &&
    (cancels.command_id ?? command.command_id) === command.command_id
  )
}
