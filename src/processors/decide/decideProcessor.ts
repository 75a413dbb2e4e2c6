import { decide, decideTimer } from '../../domain/decide.ts'
import type { Decision, Erasure, ForgottenChange, StateView } from '../../domain/decision.ts'
import { merchantKey } from '../../domain/ids.ts'
import type { MerchantState } from '../../domain/merchantState.ts'
import type { Policy } from '../../domain/policy.ts'
import type { CardOutcome, CardSuppression, ProvisioningCommand, UserEvent } from '../../domain/records.ts'
import type { ForgottenUser, UserState } from '../../domain/userState.ts'
import type { Codec, Encoder, Processor, TaskContext, Timer } from '../../engine/processor.ts'
import type { Header, RecordView } from '../../kafka/recordBatch.ts'
import { appendedAtHeader, appendedAtOf } from '../appendedAt.ts'
import type { PanFields } from '../ingest/panFields.ts'
import type { DeadLetterPort, DecideMetrics } from './ports.ts'
import { pseudonymOf } from './pseudonym.ts'
import { readUserEvent } from './readUserEvent.ts'
import { changedTotals, NO_TOTALS, TOTALS_KEY } from './totals.ts'
import type { Totals } from './totals.ts'

/** DECIDE's state: by user id, by `merchantKey`, and of users who were erased by `pseudonymOf`. */
export interface DecideTables {
  readonly users: UserState
  readonly merchants: MerchantState
  readonly forgotten: ForgottenUser
  /** One entry: `TOTALS_KEY`. */
  readonly totals: Totals
}

export interface DecideProcessorOptions {
  readonly topics: {
    readonly commands: string
    readonly outcomes: string
    readonly suppressions: string
  }
  readonly userEventCodec: Codec<UserEvent>
  readonly commandEncoder: Encoder<ProvisioningCommand>
  readonly outcomeEncoder: Encoder<CardOutcome>
  readonly suppressionEncoder: Encoder<CardSuppression>
  readonly policy: Policy
  readonly metrics: DecideMetrics
  readonly deadLetter: DeadLetterPort
  readonly panFields: PanFields
}

type Context = TaskContext<DecideTables, never>

/**
 * DECIDE for one partition: reads an event or a due timer, asks the pure core, and applies its decision as a whole. All of
 * it goes to the partition of the same number; timers are keyed by the user.
 */
export class DecideProcessor implements Processor<DecideTables> {
  readonly #options: DecideProcessorOptions
  readonly #view = new TableView()

  constructor(options: DecideProcessorOptions) {
    this.#options = options
  }

  onOpened(ctx: Context): void {
    this.#options.metrics.suppressionsActive(ctx.partition, ctx.tables.totals.get(TOTALS_KEY) ?? NO_TOTALS)
  }

  onRecord(record: RecordView, ctx: Context): void {
    const { topic, partition } = ctx
    const appendedAtMs = appendedAtOf(record)
    // The user's events and outcomes share one partition count.
    const partitionOf = (userId: string) => ctx.partitionFor(this.#options.topics.outcomes, userId)
    const { panFields } = this.#options
    const from = { topic, partition, partitionOf, isOurs: appendedAtMs !== null, panFields }
    const read = readUserEvent(record, this.#options.userEventCodec, from)
    if (read.kind === 'unreadable') {
      this.#options.deadLetter(record, read.reason, ctx)
      return
    }
    if (read.isWithheld) this.#options.deadLetter(record, 'contains_pan', ctx)
    this.#view.context = ctx
    const decision = decide(this.#view, read.event, ctx.now, this.#options.policy)
    this.#apply(decision, ctx, causeOf(record, read.event, appendedAtMs))
  }

  onTimer(timer: Timer, ctx: Context): void {
    this.#view.context = ctx
    this.#apply(decideTimer(this.#view, timer.key, timer.name, ctx.now, this.#options.policy), ctx, null)
  }

  /** @param cause null where nobody waits for it: a timer, an answer that comes after a restart */
  #apply(decision: Decision, ctx: Context, cause: Cause | null): void {
    const { topics, metrics, commandEncoder, outcomeEncoder, suppressionEncoder } = this.#options
    const { userId, changedUser, erasure, forgotten } = decision
    if (erasure !== null || changedUser !== null) this.#count(userId, changedUser, ctx)
    if (erasure !== null) erase(userId, erasure, ctx)
    if (forgotten !== null) keepOrDrop(userId, forgotten, ctx)
    if (changedUser !== null) ctx.tables.users.put(userId, changedUser)
    for (const merchant of decision.changedMerchants) {
      ctx.tables.merchants.put(merchantKey(userId, merchant.merchant_id), merchant)
    }
    for (const { key, record } of decision.suppressions) {
      ctx.forward(topics.suppressions, ctx.partition, key, record, suppressionEncoder)
      if (record !== null) metrics.suppression(record.state, record.reason)
    }
    for (const command of decision.commands) {
      ctx.forward(topics.commands, ctx.partition, userId, command, commandEncoder, headersOf(command, cause))
      metrics.command(command.kind)
    }
    for (const outcome of decision.outcomes) {
      ctx.forward(topics.outcomes, ctx.partition, userId, outcome, outcomeEncoder)
      metrics.outcome(outcome.status, outcome.reason, outcome.merchant_id)
      if (cause !== null) ctx.measureCommit(cause.appendedAtMs, metrics.freshness(cause.topic, cause.path))
    }
    for (const { name, dueAtMs } of decision.timers) {
      if (dueAtMs === null) ctx.cancelTimer(userId, name)
      else ctx.schedule(userId, name, dueAtMs)
    }
    for (const kind of decision.ignored) metrics.ignored(ctx.topic, kind)
  }

  /** Before the user is put or erased: what is in force for the partition, more or less by this user's. */
  #count(userId: string, changedUser: UserState | null, { tables, partition }: Context): void {
    const before = tables.users.get(userId)?.suppressions ?? NONE
    const totals = changedTotals(tables.totals.get(TOTALS_KEY) ?? NO_TOTALS, before, changedUser?.suppressions ?? NONE)
    if (totals === null) return
    tables.totals.put(TOTALS_KEY, totals)
    this.#options.metrics.suppressionsActive(partition, totals)
  }
}

/** Tombstones for everything that has the user's id in its key. */
function erase(userId: string, { merchants }: Erasure, ctx: Context): void {
  const { tables } = ctx
  for (const merchantId of merchants) tables.merchants.delete(merchantKey(userId, merchantId))
  tables.users.delete(userId)
  ctx.cancelTimers(userId)
}

function keepOrDrop(userId: string, { left }: ForgottenChange, { tables }: Context): void {
  if (left === null) tables.forgotten.delete(pseudonymOf(userId))
  else tables.forgotten.put(pseudonymOf(userId), left)
}

/** What an outcome's freshness is measured from. */
interface Cause {
  /** The issuer's topic. */
  readonly topic: string
  readonly appendedAtMs: number
  readonly path: 'decided' | 'pushed'
}

/** An operator or a connector writes without our header: its record's own time counts. */
function causeOf(record: RecordView, { source, body }: UserEvent, appendedAtMs: number | null): Cause | null {
  const { topic } = source
  if (body.kind !== 'result') return { topic, appendedAtMs: appendedAtMs ?? record.timestamp, path: 'decided' }
  return appendedAtMs === null ? null : { topic, appendedAtMs, path: 'pushed' }
}

/** A command that waits by policy is not late. */
function headersOf(command: ProvisioningCommand, cause: Cause | null): { headers?: readonly Header[] } {
  if (cause === null || command.not_before !== null) return NO_HEADERS
  return { headers: appendedAtHeader(cause.appendedAtMs) }
}

const NO_HEADERS = {}
const NONE: UserState['suppressions'] = []

/** The tables of the current callback, as the core reads them. One per task: nothing is allocated per record. */
class TableView implements StateView {
  context: Context | null = null

  user(userId: string): UserState | undefined {
    return this.context?.tables.users.get(userId)
  }

  merchant(userId: string, merchantId: number): MerchantState | undefined {
    return this.context?.tables.merchants.get(merchantKey(userId, merchantId))
  }

  forgotten(userId: string): ForgottenUser | undefined {
    return this.context?.tables.forgotten.get(pseudonymOf(userId))
  }
}
