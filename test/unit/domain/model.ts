import type {
  CancelledCommand,
  CommandResult,
  KnotEvent,
  Lifecycle,
  MerchantAccount,
  OperatorCommand,
  ProvisioningCommand,
  SourcePosition,
  UserEvent,
  UserEventBody,
  VaultStatus,
} from '../../../src/domain/records.ts'
import { CONFIRMED } from '../../../src/domain/callBack.ts'
import { TASK_STARTED } from '../../../src/domain/taskResults.ts'
import { answerTo, reportOn } from './resultBody.ts'
import { account, USER } from './world.ts'
import type { World } from './world.ts'

export const CARDS = ['card-a', 'card-b']
export const MERCHANTS = [1, 2]

/** What Knot does with a push that reaches it. `lost`: the webhook never comes; `hidden`: nor does the account show it.
 * `landed`: answered 503, and taken all the same. */
export type KnotMood = 'updated' | 'otp' | 'other' | 'busy' | 'refused' | 'lost' | 'hidden' | 'landed'

/** Knot's moods while everything is settled, in turn. */
const SETTLING_MOODS: readonly KnotMood[] = ['updated', 'busy', 'lost', 'otp', 'hidden', 'other']

/** One move of the world outside of DECIDE. Numbers choose among what is there, modulo how much there is. */
export type Move =
  | { readonly do: 'lifecycle'; readonly type: string; readonly card: number; readonly minutesAgo: number }
  | {
      readonly do: 'operator'
      readonly action: OperatorCommand['action']
      /** Null: all. */
      readonly card: number | null
      readonly merchant: number | null
      readonly minutes: number | null
    }
  | { readonly do: 'redeliver'; readonly which: number }
  | { readonly do: 'deliver'; readonly count: number }
  | { readonly do: 'read'; readonly count: number }
  | { readonly do: 'start'; readonly which: number; readonly mood: KnotMood }
  | {
      readonly do: 'answer'
      readonly which: number
      readonly isDoubtful: boolean
      readonly vault: VaultStatus
      readonly isSameVersion: boolean
      readonly connected: readonly boolean[]
    }
  /** The command is lost, or its answer: nobody ever hears of it. */
  | { readonly do: 'lose'; readonly which: number }
  | { readonly do: 'webhook'; readonly which: number; readonly isRepeated: boolean }
  | {
      readonly do: 'foreign'
      readonly event: string
      readonly merchant: number
      /** `data.card_id`: null, or the index of a card. */
      readonly card: number | null
      readonly minutesAgo: number
    }
  /** SWITCHER serves a task of the user: its report that it starts, how it ends, and the webhook if Knot took the card. */
  | {
      readonly do: 'task'
      readonly card: number
      readonly merchant: number
      readonly mood: KnotMood
    }
  | { readonly do: 'pass'; readonly minutes: number }

type ResultFacts = Partial<CommandResult> & Pick<CommandResult, 'result'>

interface OpenCommand {
  readonly command: ProvisioningCommand
  startedAt: number | null
  mood: KnotMood
  isCancelled: boolean
  /** By a CANCEL that came because Knot has confirmed something. */
  isConfirmed: boolean
  /** Since when a request of it may have landed. */
  landedAt: number | null
}

/**
 * Everything around DECIDE for one user, in memory: the topic of its events with a backlog, PROVISION with its lanes and
 * its ledger, Knot, a vault, a clock. Records are read in order; between reading, starting, answering and delivering
 * anything may happen.
 */
export class Model {
  readonly world: World
  readonly log: UserEvent[] = []
  /** Positions of the records of the issuer, of Knot and of operators that were delivered. */
  readonly delivered: { readonly source: SourcePosition; readonly body: UserEventBody }[] = []
  /** Called before an event is given to DECIDE. */
  onDeliver: (event: UserEvent) => void = () => undefined
  /** Called when DECIDE has been told that a push has landed to which Knot had answered 503. */
  onLanded: (command: ProvisioningCommand) => void = () => undefined
  /** Called when PROVISION starts a command; `readSeq`: it has read every command up to this one. */
  onStart: (command: ProvisioningCommand, readSeq: number) => void = () => undefined
  readonly #sent: UserEvent[] = []
  readonly #webhooks: KnotEvent[] = []
  readonly #open: OpenCommand[] = []
  /** By the key of the webhook that confirms it. */
  readonly #landed = new Map<string, ProvisioningCommand>()
  #read = 0
  #offset = 0
  #vaultVersion = 1
  readonly #lastAction = new Map<number, Pick<MerchantAccount, 'last_action_at' | 'last_action_status'>>()

  constructor(world: World) {
    this.world = world
  }

  move(move: Move): void {
    switch (move.do) {
      case 'lifecycle':
        this.#issue(CARDS[move.card % CARDS.length]!, move.type, this.world.now - move.minutesAgo * 60_000)
        break
      case 'operator':
        this.#order(move)
        break
      case 'redeliver': {
        const event = pick(this.#sent, move.which)
        if (event !== undefined) this.#append({ ...event, ...this.#position(event.source.event_id) })
        break
      }
      case 'deliver':
        for (let i = 0; i < move.count; i++) this.deliver()
        break
      case 'read':
        for (let i = 0; i < move.count; i++) this.#readCommand()
        break
      case 'start': {
        const open = pick(this.#startable(), move.which)
        if (open !== undefined) this.#start(open, move.mood)
        break
      }
      case 'answer': {
        const open = pick(this.#started(), move.which)
        if (!move.isSameVersion) this.#vaultVersion++
        if (open !== undefined) this.#answer(open, move.isDoubtful, move.vault, move.connected)
        break
      }
      case 'lose': {
        const open = pick(this.#open, move.which)
        if (open !== undefined) this.#open.splice(this.#open.indexOf(open), 1)
        break
      }
      case 'webhook': {
        const webhook = pick(this.#webhooks, move.which)
        if (webhook === undefined) break
        if (!move.isRepeated) this.#webhooks.splice(this.#webhooks.indexOf(webhook), 1)
        this.#append({ ...this.#position(null), user_id: USER, occurred_at: webhook.timestamp, body: webhook })
        break
      }
      case 'foreign': {
        const merchantId = MERCHANTS[move.merchant % MERCHANTS.length]!
        const cardId = move.card === null ? null : CARDS[move.card % CARDS.length]!
        const timestamp = this.world.now - move.minutesAgo * 60_000
        const webhook = { ...this.#webhook(move.event, merchantId, timestamp, 'other'), card_id: cardId }
        this.#append({ ...this.#position(null), user_id: USER, occurred_at: webhook.timestamp, body: webhook })
        break
      }
      case 'task':
        this.#task(move)
        break
      case 'pass':
        // The engine lets no timer fire before the input has been read.
        if (this.log.length === 0) this.world.pass(move.minutes * 60_000)
        else this.world.now += move.minutes * 60_000
    }
  }

  deliver(): void {
    const event = this.log.shift()
    if (event === undefined) return
    if (event.body.kind !== 'result') {
      this.delivered.push({ source: event.source, body: event.body })
    }
    this.onDeliver(event)
    this.world.process(event)
    const landed = event.body.kind === 'knot' ? this.#landed.get(event.body.dedupe_key) : undefined
    if (landed !== undefined) this.onLanded(landed)
  }

  /** Everything is read, answered and delivered, and all timers fire; webhooks that are still out are lost. */
  settle(): void {
    const allConnected = MERCHANTS.map(() => true)
    for (;;) {
      while (this.log.length > 0) this.deliver()
      if (this.#read < this.world.commands.length) this.#readCommand()
      else if (this.#startable().length > 0) {
        const open = this.#startable()[0]!
        this.#start(open, SETTLING_MOODS[open.command.decision_seq % SETTLING_MOODS.length]!)
      } else if (this.#started().length > 0) {
        this.#vaultVersion++
        this.#answer(this.#started()[0]!, false, 'active', allConnected)
      } else if (this.world.timers.size > 0) {
        const due = Math.min(...this.world.timers.values())
        this.world.pass(Math.max(0, due - this.world.now))
      } else return
    }
  }

  // ----------------------------------------------------------------------------------------------------------- issuer

  #issue(card: string, type: string, updatedAt: number): void {
    const uid = `uid-${this.#offset}`
    const body: Lifecycle = {
      kind: 'lifecycle',
      own_stamp: true,
      event_uid: uid,
      card_ref: card,
      type,
      status: null,
      updated_at: updatedAt,
    }
    const event = { ...this.#position(uid), user_id: USER, occurred_at: updatedAt, body }
    this.#sent.push(event)
    this.#append(event)
  }

  #order({ action, card, merchant, minutes }: Extract<Move, { do: 'operator' }>): void {
    const body: OperatorCommand = {
      kind: 'operator',
      request_id: `request-${this.#offset}`,
      action,
      actor: 'someone',
      reason: 'because',
      card_ref: card === null ? null : CARDS[card % CARDS.length]!,
      merchant_id: merchant === null ? null : MERCHANTS[merchant % MERCHANTS.length]!,
      until: minutes === null ? null : this.world.now + minutes * 60_000,
    }
    this.#append({ ...this.#position(null), user_id: USER, occurred_at: this.world.now, body })
  }

  #position(eventId: string | null): { source: SourcePosition; origin: SourcePosition } {
    const source = { topic: 'input', partition: 0, offset: this.#offset++, event_id: eventId }
    return { source, origin: source }
  }

  #append(event: UserEvent): void {
    this.log.push(event)
  }

  // -------------------------------------------------------------------------------------------------------- PROVISION

  #readCommand(): void {
    const command = this.world.commands[this.#read]
    if (command === undefined) return
    this.#read++
    if (command.kind === 'CANCEL') this.#cancel(command)
    else
      this.#open.push({
        command,
        startedAt: null,
        mood: 'lost',
        isCancelled: false,
        isConfirmed: false,
        landedAt: null,
      })
  }

  #cancel(cancel: ProvisioningCommand): void {
    const removed: CancelledCommand[] = []
    const underWay: CancelledCommand[] = []
    const { cancels } = cancel
    for (const open of [...this.#open]) {
      const { command } = open
      if (cancels === null || command.decision_seq >= cancel.decision_seq) continue
      if (cancels.card_ref !== null && cancels.card_ref !== command.card_ref) continue
      if (cancels.merchant_id !== null && cancels.merchant_id !== command.merchant_id) continue
      if (cancels.command_id !== null && cancels.command_id !== command.command_id) continue
      if (open.startedAt === null) {
        this.#open.splice(this.#open.indexOf(open), 1)
        if (cancel.reason === CONFIRMED && open.landedAt !== null) {
          this.#result(command, { result: 'AMBIGUOUS', reason: 'server_error', started_at: open.landedAt })
        } else removed.push(command)
      } else {
        open.isCancelled = true
        if (cancel.reason === CONFIRMED) open.isConfirmed = true
        underWay.push(command)
      }
    }
    this.#result(cancel, { result: 'CANCELLED', removed, under_way: underWay })
  }

  /** Heads of lanes: one per merchant, one per card for what asks about all of them. */
  #startable(): OpenCommand[] {
    const lanes = new Set<string>()
    return this.#open.filter(open => {
      const { kind, card_ref, merchant_id } = open.command
      const lane = kind === 'DISCOVER' ? `* ${card_ref}` : String(merchant_id)
      if (lanes.has(lane)) return false
      lanes.add(lane)
      return open.startedAt === null
    })
  }

  #started(): OpenCommand[] {
    return this.#open.filter(open => open.startedAt !== null)
  }

  #start(open: OpenCommand, mood: KnotMood): void {
    const { command } = open
    const { now } = this.world
    if (command.not_after !== null && now >= command.not_after) {
      this.#open.splice(this.#open.indexOf(open), 1)
      if (open.landedAt === null) this.#result(command, { result: 'NOT_SENT', reason: 'not_after' })
      else {
        const facts = { reason: 'server_error', started_at: open.landedAt, answered_at: null }
        this.#result(command, { result: 'AMBIGUOUS', ...facts })
      }
      return
    }
    this.onStart(command, this.#readSeq())
    open.startedAt = now
    open.mood = mood
    if (command.kind !== 'SWITCH' || mood === 'busy' || mood === 'refused' || mood === 'hidden') return
    const status = mood === 'updated' || mood === 'landed' || mood === 'lost' ? 'enrolled' : 'failed'
    this.#lastAction.set(command.merchant_id!, { last_action_at: now + 2, last_action_status: status })
    if (mood === 'lost') return
    const event = mood === 'updated' || mood === 'landed' ? 'CARD_UPDATED' : 'CARD_FAILED'
    this.#webhooks.push(this.#webhook('CARD_UPDATING', command.merchant_id!, now + 1, mood))
    const end = this.#webhook(event, command.merchant_id!, now + 2, mood)
    this.#webhooks.push(end)
    if (mood === 'landed') this.#landed.set(end.dedupe_key, command)
  }

  #readSeq(): number {
    const next = this.world.commands[this.#read]
    return next === undefined ? Number.POSITIVE_INFINITY : next.decision_seq - 1
  }

  #answer(open: OpenCommand, isDoubtful: boolean, vault: VaultStatus, connected: readonly boolean[]): void {
    const { command, startedAt, mood } = open
    if (command.kind === 'SWITCH' && mood === 'landed') open.landedAt ??= startedAt
    // The 503 itself, or a repeat of it that the last check refuses: it waits, unless a CANCEL has come.
    const isRefused = mood === 'refused' && isDoubtful && open.landedAt !== null
    if (command.kind === 'SWITCH' && (mood === 'landed' || isRefused) && !open.isCancelled) {
      open.startedAt = null
      return
    }
    this.#open.splice(this.#open.indexOf(open), 1)
    const vaultVersion = `v${this.#vaultVersion}`
    const accounts: MerchantAccount[] = MERCHANTS.map((merchant_id, i) =>
      account({ merchant_id, connected: connected[i] ?? true }),
    )
    if (command.kind === 'RECONCILE' && isDoubtful) {
      this.#result(command, { result: 'REJECTED', reason: 'unknown_error' })
    } else if (command.kind === 'RECONCILE') {
      const last = this.#lastAction.get(command.merchant_id!)
      this.#result(command, { result: 'RECONCILED', accounts: accounts.map(seen => ({ ...seen, ...last })) })
    } else if (command.kind === 'DISCOVER') {
      this.#result(command, { result: 'DISCOVERED', vault_status: vault, vault_version: vaultVersion, accounts })
    } else if (open.isCancelled && isDoubtful && !(open.isConfirmed && open.landedAt !== null)) {
      this.#result(command, { result: 'NOT_SENT', reason: 'suppressed' })
    } else if (mood === 'busy' && open.landedAt === null) {
      this.#result(command, { result: 'BUSY', started_at: startedAt })
    } else if (mood === 'refused' && !(isDoubtful && open.landedAt !== null)) {
      const reason = isDoubtful ? 'send_by' : 'relink'
      this.#result(command, { result: isDoubtful ? 'NOT_SENT' : 'REJECTED', reason })
    } else {
      const isInDoubt = isDoubtful || mood === 'busy' || mood === 'landed'
      const result = isInDoubt ? 'AMBIGUOUS' : 'ACCEPTED'
      const since = isInDoubt ? (open.landedAt ?? startedAt) : startedAt
      this.#result(command, { result, started_at: since, vault_version: vaultVersion })
    }
  }

  #result(command: ProvisioningCommand, facts: ResultFacts): void {
    const body = answerTo(command, { answered_at: this.world.now, ...facts })
    const { source, origin } = command
    this.#append({ user_id: USER, source, origin, occurred_at: this.world.now, body })
  }

  // --------------------------------------------------------------------------------------------------------- SWITCHER

  #task({ card, merchant, mood }: Extract<Move, { do: 'task' }>): void {
    const merchantId = MERCHANTS[merchant % MERCHANTS.length]!
    const { now } = this.world
    const webhook = { ...this.#webhook('AUTHENTICATED', merchantId, now, mood), send_card: true }
    const position = this.#position(null)
    this.#append({ ...position, user_id: USER, occurred_at: now, body: webhook })
    const isTaken = mood !== 'busy' && mood !== 'refused'
    const reports: ResultFacts[] = [{ result: 'AMBIGUOUS', reason: TASK_STARTED, started_at: now }]
    if (mood === 'refused') reports.push({ result: 'REJECTED', reason: 'invalid_field' })
    else if (mood === 'busy') reports.push({ result: 'BUSY' })
    // `lost`: SWITCHER dies after its start.
    else if (mood !== 'lost') reports.push({ result: 'ACCEPTED', started_at: now, answered_at: now })
    for (const facts of reports) {
      const body = reportOn(position.source.offset, CARDS[card % CARDS.length]!, merchantId, facts)
      this.#append({ ...position, user_id: USER, occurred_at: now, body })
    }
    if (!isTaken || mood === 'lost' || mood === 'hidden') return
    this.#webhooks.push(this.#webhook(mood === 'updated' ? 'CARD_UPDATED' : 'CARD_FAILED', merchantId, now + 2, mood))
  }

  // ------------------------------------------------------------------------------------------------------------- Knot

  #webhook(event: string, merchantId: number, timestamp: number, mood: KnotMood): KnotEvent {
    return {
      kind: 'knot',
      event,
      merchant_id: merchantId,
      merchant_name: 'Uber',
      task_id: null,
      card_id: null,
      reason: event === 'CARD_FAILED' ? mood : null,
      send_card: null,
      timestamp,
      dedupe_key: `key-${this.#offset++}`,
    }
  }
}

function pick<T>(items: readonly T[], which: number): T | undefined {
  return items[which % Math.max(1, items.length)]
}
