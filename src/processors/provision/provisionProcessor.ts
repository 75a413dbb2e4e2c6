import { CONFIRMED } from '../../domain/callBack.ts'
import type { CancelledCommand, CommandResultCode, ProvisioningCommand, UserEvent } from '../../domain/records.ts'
import type {
  Codec,
  EffectOutcome,
  Encoder,
  Processor,
  TaskContext,
  TaskHandle,
  Timer,
} from '../../engine/processor.ts'
import type { RecordView } from '../../kafka/recordBatch.ts'
import type { AnswerCodes, AnswerTimes, PushAnswer } from '../../knot/answers.ts'
import { appendedAtHeader, appendedAtOf } from '../appendedAt.ts'
import type { Admission } from './admission.ts'
import { isOurTrouble, notAcceptedWaitMs, ownTroubleWaitMs } from './backoff.ts'
import type { LookResult, PrepareResult, ProvisionEffect, ProvisionEffectResult, PushResult } from './effects.ts'
import { Lanes, newRun } from './lanes.ts'
import type { Run } from './lanes.ts'
import { laneOf, openCommand } from './openCommand.ts'
import type { OpenCommand, ProvisionTables } from './openCommand.ts'
import { dropPrepared, Performer } from './performer.ts'
import type { DeadLetterPort, KnotPort, ProvisionLog, ProvisionMetrics, PushSwitch, VaultPort } from './ports.ts'
import { judgePush } from './pushVerdict.ts'
import { readCommand } from './readCommand.ts'
import { cancelledEvent, resultEvent } from './results.ts'
import type { ResultFacts } from './results.ts'

export interface ProvisionProcessorOptions {
  readonly task: TaskHandle
  readonly userEventsTopic: string
  readonly commandCodec: Codec<ProvisioningCommand>
  readonly userEventEncoder: Encoder<UserEvent>
  readonly knot: KnotPort
  readonly vault: VaultPort
  readonly admission: Admission
  readonly pushSwitch: PushSwitch
  readonly metrics: ProvisionMetrics
  readonly log: ProvisionLog
  readonly deadLetter: DeadLetterPort
  readonly openCommandLimit: number
  readonly sendWindowMs: number
  readonly pushTimeoutMs: number
  readonly retryScale: number
  readonly now: () => number
}

type Context = TaskContext<ProvisionTables, ProvisionEffect>

/** Timer of one command, and the one timer of a task that has just been opened, or resumed. */
const WAKE = 'wake'
const RESUME = 'resume'

/**
 * PROVISION for one partition. The way of a SWITCH (the same numbers in the tests):
 *
 * 1. its record is read: ledger WAITING, at the end of its lane
 * 2. at the head of its lane, `not_before` over: effect *prepare* (permit, key, card, validation, JWE)
 * 3. prepared and not cancelled: ledger STARTED with `send_by`
 * 4. that cycle commits
 * 5. effect *push*: last check at the wire, `POST /card`
 * 6. the answer goes to the user's events, the entry leaves the ledger, the lane moves on
 *
 * 2 only reads and waits for no commit: a command that finds its lane empty is STARTED by the cycle that read it.
 *
 * A crash before 4 leaves WAITING, or a record that is read again: nothing was sent, 2 again. After 4 it leaves STARTED:
 * reported AMBIGUOUS, never sent again, and the lane stays closed until the last moment at which the old owner's request
 * can have been on the wire. A CANCEL that is read before 3 removes the entry. After 3 it finds it under way and flags it
 * in memory, and the last check of 5 (same thread, no wait between check and write) refuses it: so no covered push starts
 * once a CANCEL was read, let alone committed. What was not accepted goes from 6 back to 2 within its attempt, unless a CANCEL covered it.
 */
export class ProvisionProcessor implements Processor<ProvisionTables, ProvisionEffect, ProvisionEffectResult> {
  readonly #options: ProvisionProcessorOptions
  readonly #performer: Performer
  readonly #lanes = new Lanes()
  #draining = false
  /** From the beginning of a pause until the input has been read past its end. */
  #paused = false

  constructor(options: ProvisionProcessorOptions) {
    this.#options = options
    this.#performer = new Performer(options)
  }

  onRestored(ctx: Context): void {
    const entries = [...ctx.tables.ledger.entries()].map(([, entry]) => entry)
    entries.sort((a, b) => a.decision_seq - b.decision_seq)
    for (const entry of entries) this.#restore(entry, ctx)
    if (this.#lanes.size > 0) ctx.schedule('', RESUME, ctx.now)
    this.#countOpen()
  }

  wantsInput(): boolean {
    return this.#lanes.size < this.#options.openCommandLimit
  }

  onRecord(record: RecordView, ctx: Context): void {
    const read = readCommand(record, this.#options.commandCodec)
    if (read.kind === 'unreadable') {
      this.#options.deadLetter(record, read.reason, ctx)
      return
    }
    const { command } = read
    if (command.kind === 'CANCEL') {
      this.#cancel(command, appendedAtOf(record), ctx)
      this.#options.metrics.appliedCancelOffset(ctx.partition, record.offset)
    } else if (this.#lanes.get(command.command_id) === undefined) {
      const entry = openCommand(command, command.kind)
      ctx.tables.ledger.put(entry.command_id, entry)
      const run = newRun(entry.command_id, entry.user_id, laneOf(entry), 'idle')
      run.appendedAtMs = appendedAtOf(record)
      this.#lanes.add(run)
      this.#advance(run.lane, ctx)
    }
    this.#countOpen()
  }

  onTimer(timer: Timer, ctx: Context): void {
    if (timer.name === RESUME) {
      this.#paused = false
      const waiting = this.#lanes.all().filter(({ phase }) => phase === 'restored' || phase === 'idle')
      for (const run of waiting) run.phase = 'idle'
      for (const run of waiting) this.#advance(run.lane, ctx)
      return
    }
    const run = this.#lanes.get(timer.key)
    if (run === undefined) return
    if (run.phase === 'closed') {
      this.#remove(run, ctx)
      this.#advance(run.lane, ctx)
    } else if (run.phase === 'timer') {
      run.phase = 'idle'
      this.#advance(run.lane, ctx)
    }
  }

  perform(effect: ProvisionEffect, signal: AbortSignal): Promise<ProvisionEffectResult> {
    const wanted = (): Run | undefined =>
      this.#startsNothing || signal.aborted ? undefined : this.#lanes.get(effect.commandId)
    switch (effect.kind) {
      case 'prepare':
        return this.#performer.prepare(effect, wanted)
      case 'push': {
        const run = this.#lanes.get(effect.commandId)
        if (run === undefined) return Promise.reject(new Error('a push without its command'))
        return this.#performer.push(effect, run, signal)
      }
      case 'look':
        return this.#performer.look(effect, wanted)
    }
  }

  onEffect(effect: ProvisionEffect, outcome: EffectOutcome<ProvisionEffectResult>, ctx: Context): void {
    const run = this.#lanes.get(effect.commandId)
    const entry = ctx.tables.ledger.get(effect.commandId)
    if (run === undefined || entry === undefined) {
      if (outcome.ok && outcome.value.kind === 'prepared') outcome.value.prepared.drop()
      return
    }
    if (!outcome.ok) this.#onFailure(effect, outcome.error, run, entry, ctx)
    else if (outcome.value.kind === 'pushed') this.#onPushed(outcome.value, run, entry, ctx)
    else this.#onGathered(outcome.value, run, entry, ctx)
    this.#countOpen()
  }

  /** Prepares that run end without a start; pushes that run end as they end. */
  onDraining(): void {
    this.#draining = true
    this.#performer.dismiss()
  }

  /** As `onDraining`, until it is resumed: what has started ends and is reported, the others go back to waiting. */
  onPaused(): void {
    this.#paused = true
    this.#performer.dismiss()
  }

  /**
   * A CANCEL may have come meanwhile, and behind whatever else has. So nothing starts yet, what is read now included: the
   * timer fires when the input has been read past this moment.
   */
  onResumed(ctx: Context): void {
    ctx.schedule('', RESUME, ctx.now)
  }

  get #startsNothing(): boolean {
    return this.#draining || this.#paused
  }

  // ------------------------------------------------------------------------------------------------------ starting

  /** Starts the head of a lane if nothing holds it; goes on while heads are answered on the spot. */
  #advance(lane: string, ctx: Context): void {
    for (;;) {
      const run = this.#lanes.head(lane)
      if (run?.phase !== 'idle' || this.#startsNothing) return
      const entry = ctx.tables.ledger.get(run.commandId)!
      if (!isOver(entry, ctx.now)) return this.#start(run, entry, ctx)
      this.#answerUnsent(run, entry, 'NOT_SENT', { reason: 'not_after' }, ctx)
    }
  }

  /** Step 2, or the timer until then. */
  #start(run: Run, entry: OpenCommand, ctx: Context): void {
    const dueAtMs = Math.max(entry.not_before ?? 0, entry.wake_at ?? 0)
    if (dueAtMs > ctx.now) {
      this.#wait(run, entry, dueAtMs, ctx)
      return
    }
    run.phase = 'working'
    const { command_id: commandId, user_id: userId, card_ref: cardRef, kind } = entry
    const { merchant_id: merchantId, not_after: notAfterMs } = entry
    if (kind === 'SWITCH') ctx.startLookUp({ kind: 'prepare', commandId, cardRef: cardRef!, merchantId, notAfterMs })
    else ctx.startLookUp({ kind: 'look', commandId, userId, cardRef: kind === 'DISCOVER' ? cardRef : null, notAfterMs })
  }

  #wait(run: Run, entry: OpenCommand, untilMs: number, ctx: Context): void {
    const wakeAtMs = entry.not_after === null ? untilMs : Math.min(untilMs, entry.not_after)
    run.phase = 'timer'
    ctx.tables.ledger.put(entry.command_id, { ...entry, wake_at: wakeAtMs })
    ctx.schedule(entry.command_id, WAKE, wakeAtMs)
  }

  /** Same attempt, same command, later. A request that a CANCEL covered meanwhile is not sent again. */
  #again(run: Run, entry: OpenCommand, cause: string, retryAfterMs: number | null, ctx: Context): void {
    this.#options.metrics.notAccepted(cause)
    if (isOurTrouble(cause)) {
      const waitMs = ownTroubleWaitMs(this.#options.task.sessionTimeoutMs)
      this.#wait(run, entry, ctx.now + waitMs, ctx)
      return
    }
    const tries = entry.tries + 1
    const waitMs = notAcceptedWaitMs(entry.command_id, tries, retryAfterMs, this.#options.retryScale)
    this.#wait(run, { ...entry, tries }, ctx.now + waitMs, ctx)
  }

  // --------------------------------------------------------------------------------------------------------- effects

  #onGathered(result: PrepareResult | LookResult, run: Run, entry: OpenCommand, ctx: Context): void {
    switch (result.kind) {
      case 'prepared':
        run.prepared = result.prepared
        if (this.#startsNothing || result.prepared.hasLapsed) this.#lay(run, ctx)
        else if (isOver(entry, ctx.now)) this.#closeUnsent(run, entry, 'NOT_SENT', { reason: 'not_after' }, ctx)
        else this.#commitStarted(run, entry, ctx)
        return
      case 'unusable': {
        const { reason, vaultStatus, vaultVersion } = result
        const facts = { reason, vault_status: vaultStatus, vault_version: vaultVersion }
        this.#closeUnsent(run, entry, result.result, facts, ctx)
        return
      }
      case 'looked':
        this.#onLooked(result, run, entry, ctx)
        return
      case 'not_ready':
        this.#again(run, entry, result.cause, result.retryAfterMs, ctx)
        return
      case 'no_permit':
      case 'abandoned':
        run.phase = 'idle'
        this.#advance(run.lane, ctx)
    }
  }

  /** Steps 3 and 4: *started* goes into this cycle, the push begins when it has committed. */
  #commitStarted(run: Run, entry: OpenCommand, ctx: Context): void {
    const sendByMs = ctx.now + this.#options.sendWindowMs
    ctx.tables.ledger.put(entry.command_id, {
      ...entry,
      state: 'STARTED',
      // Of requests that may have landed the first one counts: a result is not older than that.
      started_at: entry.started_at ?? ctx.now,
      send_by: sendByMs,
      vault_version: versionToName(entry, run.prepared?.vaultVersion ?? null),
    })
    ctx.startEffect({
      kind: 'push',
      commandId: entry.command_id,
      target: { userId: entry.user_id, merchantId: entry.merchant_id, taskId: entry.task_id },
      sendByMs,
      notAfterMs: entry.not_after,
    })
  }

  /** Prepared for nothing: its permit goes to others, it begins again when it may. */
  #lay(run: Run, ctx: Context): void {
    dropPrepared(run)
    run.phase = 'idle'
    this.#advance(run.lane, ctx)
  }

  #onLooked(result: Extract<LookResult, { kind: 'looked' }>, run: Run, entry: OpenCommand, ctx: Context): void {
    const facts: ResultFacts = {
      vault_status: result.vaultStatus,
      vault_version: result.vaultVersion,
      http_status: result.httpStatus,
      error_code: result.errorCode,
      started_at: result.startedAtMs,
      answered_at: result.answeredAtMs,
    }
    if (result.accounts === null) {
      this.#close(run, entry, 'REJECTED', { ...facts, reason: 'unknown_error' }, ctx)
    } else {
      const code = entry.kind === 'RECONCILE' ? 'RECONCILED' : 'DISCOVERED'
      this.#close(run, entry, code, { ...facts, accounts: result.accounts }, ctx)
    }
  }

  /** Step 6. */
  #onPushed({ answer, veto, usedKey, usedVersion }: PushResult, run: Run, started: OpenCommand, ctx: Context): void {
    const history = {
      rekeyed: started.rekeyed,
      maybeLanded: started.maybe_landed,
      cancelled: run.cancelled,
      confirmed: run.confirmed,
    }
    const verdict = judgePush(answer, veto, history)
    run.onWire = false
    switch (verdict.kind) {
      case 'answered': {
        const { result, reason } = verdict
        const facts: ResultFacts = { ...sentFacts(started), ...factsOf(answer), reason }
        const isOfFirst = result === 'AMBIGUOUS' && started.maybe_landed
        const own = isOfFirst ? { started_at: started.started_at } : { vault_version: usedVersion }
        this.#close(run, started, result, { ...facts, ...own }, ctx)
        return
      }
      case 'wait': {
        const entry = waiting({ ...started, maybe_landed: verdict.maybeLanded })
        this.#again(run, entry, verdict.cause, verdict.retryAfterMs, ctx)
        return
      }
      case 'at_once':
        if (answer.kind === 'invalid_jwe') run.refusedKey = usedKey
        this.#atOnce(run, { ...waiting(started), rekeyed: verdict.rekeyed }, verdict.cause, ctx)
    }
  }

  /** Step 2 again without a wait. The ledger says WAITING from here on: a crash starts it again, a CANCEL removes it. */
  #atOnce(run: Run, entry: OpenCommand, cause: string, ctx: Context): void {
    this.#options.metrics.notAccepted(cause)
    ctx.tables.ledger.put(entry.command_id, entry)
    run.phase = 'idle'
    this.#advance(run.lane, ctx)
  }

  /** An effect threw: a defect of ours. What was on the wire is ambiguous, everything else is tried again. */
  #onFailure(effect: ProvisionEffect, error: Error, run: Run, entry: OpenCommand, ctx: Context): void {
    dropPrepared(run)
    this.#options.log.error({ commandId: effect.commandId, effect: effect.kind, error: error.name }, 'an effect failed')
    if (effect.kind === 'push' && run.onWire) {
      this.#close(run, entry, 'AMBIGUOUS', { ...sentFacts(entry), reason: 'connection_lost' }, ctx)
    } else if (run.cancelled) {
      if (run.confirmed) this.#closeUnsent(run, entry, 'NOT_SENT', { reason: 'suppressed' }, ctx)
      else this.#close(run, entry, 'NOT_SENT', { reason: 'suppressed' }, ctx)
    } else {
      this.#again(run, waiting(entry), 'failed', null, ctx)
    }
  }

  // ---------------------------------------------------------------------------------------------------------- ending

  /** Answers a command; its lane moves on. */
  #close(run: Run, entry: OpenCommand, result: CommandResultCode, facts: ResultFacts, ctx: Context): void {
    this.#answer(run, entry, result, facts, ctx)
    this.#advance(run.lane, ctx)
  }

  #answer(run: Run, entry: OpenCommand, result: CommandResultCode, facts: ResultFacts, ctx: Context): void {
    this.#report(entry, result, facts, run.appendedAtMs, ctx)
    this.#remove(run, ctx)
  }

  /** `#close` of a command that goes no further. */
  #closeUnsent(run: Run, entry: OpenCommand, result: CommandResultCode, facts: ResultFacts, ctx: Context): void {
    this.#answerUnsent(run, entry, result, facts, ctx)
    this.#advance(run.lane, ctx)
  }

  /**
   * With `result`, unless a request of the command may have landed: then nothing else may be said than that, or its webhook
   * would find no attempt, and the card would be pushed a second time.
   */
  #answerUnsent(run: Run, entry: OpenCommand, result: CommandResultCode, facts: ResultFacts, ctx: Context): void {
    if (!entry.maybe_landed) this.#answer(run, entry, result, facts, ctx)
    else this.#answer(run, entry, 'AMBIGUOUS', { ...sentFacts(entry), reason: 'server_error' }, ctx)
  }

  #report(
    entry: OpenCommand,
    result: CommandResultCode,
    facts: ResultFacts,
    appendedAtMs: number | null,
    ctx: Context,
  ): void {
    this.#forward(resultEvent(entry, result, facts, ctx.now), appendedAtMs, ctx)
    this.#options.metrics.answered(entry.kind, result, facts.reason ?? null)
  }

  #forward(event: UserEvent, appendedAtMs: number | null, ctx: Context): void {
    const { userEventsTopic, userEventEncoder } = this.#options
    const options = appendedAtMs === null ? {} : { headers: appendedAtHeader(appendedAtMs) }
    ctx.forward(userEventsTopic, ctx.partition, event.user_id, event, userEventEncoder, options)
  }

  /** Out of the ledger and out of memory. */
  #remove(run: Run, ctx: Context): void {
    ctx.tables.ledger.delete(run.commandId)
    ctx.cancelTimer(run.commandId, WAKE)
    dropPrepared(run)
    this.#lanes.remove(run)
  }

  /** Removes what has not started, flags what has, and answers with both. */
  #cancel(cancel: ProvisioningCommand, appendedAtMs: number | null, ctx: Context): void {
    const removed: CancelledCommand[] = []
    const underWay: CancelledCommand[] = []
    const lanes = new Set<string>()
    const isConfirmed = cancel.reason === CONFIRMED
    for (const run of this.#lanes.ofUser(cancel.user_id)) {
      const entry = ctx.tables.ledger.get(run.commandId)
      if (entry === undefined || entry.state === 'REPORTED' || !covers(cancel, entry)) continue
      const { command_id, kind, card_ref, merchant_id } = entry
      if (entry.state === 'STARTED') {
        run.cancelled = true
        if (isConfirmed) run.confirmed = true
        underWay.push({ command_id, kind, card_ref, merchant_id })
      } else if (isConfirmed && entry.maybe_landed) {
        this.#performer.withdraw(command_id)
        this.#answer(run, entry, 'AMBIGUOUS', { ...sentFacts(entry), reason: 'server_error' }, ctx)
        lanes.add(run.lane)
      } else {
        removed.push({ command_id, kind, card_ref, merchant_id })
        this.#performer.withdraw(command_id)
        this.#remove(run, ctx)
        lanes.add(run.lane)
      }
    }
    for (const lane of lanes) this.#advance(lane, ctx)
    this.#forward(cancelledEvent(cancel, removed, underWay, ctx.now), appendedAtMs, ctx)
    this.#options.metrics.answered('CANCEL', 'CANCELLED', null)
  }

  // ------------------------------------------------------------------------------------------------------- restoring

  /**
   * A command that the previous owner had started may have been sent, and may still be until `send_by`, and then be on the
   * wire for as long as one request takes: its lane stays closed until that is over (by this machine's clock).
   */
  #restore(entry: OpenCommand, ctx: Context): void {
    if (entry.state === 'STARTED') {
      this.#report(entry, 'AMBIGUOUS', { ...sentFacts(entry), reason: 'restarted' }, null, ctx)
    }
    const run = newRun(entry.command_id, entry.user_id, laneOf(entry), 'restored')
    if (entry.state !== 'WAITING') {
      const openAtMs = entry.state === 'STARTED' ? entry.send_by! + this.#options.pushTimeoutMs : entry.wake_at!
      if (openAtMs <= ctx.now) {
        ctx.tables.ledger.delete(entry.command_id)
        ctx.cancelTimer(entry.command_id, WAKE)
        return
      }
      run.phase = 'closed'
      ctx.tables.ledger.put(entry.command_id, { ...entry, state: 'REPORTED', wake_at: openAtMs })
      ctx.schedule(entry.command_id, WAKE, openAtMs)
    }
    this.#lanes.add(run)
  }

  #countOpen(): void {
    this.#options.metrics.openCommands(this.#options.task.partition, this.#lanes.size)
  }
}

/** A started command whose request was not accepted. Where it may have landed all the same, it stays known when and with what. */
function waiting(started: OpenCommand): OpenCommand {
  const unsent: OpenCommand = { ...started, state: 'WAITING', wake_at: null, send_by: null }
  return started.maybe_landed ? unsent : { ...unsent, started_at: null, vault_version: null }
}

/**
 * Where requests of two versions may have landed nobody knows which of them the merchant has: then none is named, also
 * after a third one.
 */
function versionToName(entry: OpenCommand, prepared: string | null): string | null {
  return entry.maybe_landed && entry.vault_version !== prepared ? null : prepared
}

function isOver(entry: OpenCommand, nowMs: number): boolean {
  return entry.not_after !== null && nowMs >= entry.not_after
}

function covers(cancel: ProvisioningCommand, entry: OpenCommand): boolean {
  const { cancels } = cancel
  if (cancels === null || entry.decision_seq >= cancel.decision_seq) return false
  return (
    (cancels.card_ref === null || cancels.card_ref === entry.card_ref) &&
    (cancels.merchant_id === null || cancels.merchant_id === entry.merchant_id) &&
    (cancels.command_id === null || cancels.command_id === entry.command_id)
  )
}

/** What of a started command may have landed, and since when at most. */
function sentFacts(started: OpenCommand): ResultFacts {
  return { vault_status: 'active', vault_version: started.vault_version, started_at: started.started_at }
}

function factsOf(answer: PushAnswer): ResultFacts {
  const known: Partial<AnswerCodes & AnswerTimes> =
    answer.kind === 'vetoed' || answer.kind === 'unreachable' ? {} : answer
  return {
    http_status: known.httpStatus ?? null,
    error_code: known.errorCode ?? null,
    started_at: known.startedAtMs ?? null,
    answered_at: known.answeredAtMs ?? null,
  }
}
