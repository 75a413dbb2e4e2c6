import { setTimeout as sleep } from 'node:timers/promises'
import type { PrepareResult, PushResult } from '../provision/effects.ts'
import { newRun } from '../provision/lanes.ts'
import type { Run } from '../provision/lanes.ts'
import type { Performer } from '../provision/performer.ts'
import { judgePush } from '../provision/pushVerdict.ts'
import { endAfter, landedWith } from './landedRequest.ts'
import type { LandedRequest } from './landedRequest.ts'
import type { SuppressionPort } from './ports.ts'
import type { Task } from './readTask.ts'
import { taskCommandId } from './taskReport.ts'
import type { TaskEnd } from './taskReport.ts'

/** The push of a task, which starts once its beginning is committed. */
export interface TaskEffect {
  readonly task: Task
  /** Not on the wire from then on. */
  readonly notAfterMs: number
}

/** What the engine wants of the partition's pushes. */
export interface TaskGate {
  /** An operator has paused the partition here: nothing goes before the pause is over. */
  isPaused: boolean
  /** The partition is given up: what waits for anything does so no longer. */
  isDraining: boolean
}

const FIRST_WAIT_MS = 200
const LONGEST_WAIT_MS = 1_000
const PAUSED: PrepareResult = { kind: 'abandoned' }
const MISSED: TaskEnd = { result: 'NOT_SENT', reason: 'not_after' }

/**
 * Serves one task: permit, key, card, validation, last check, `POST /card`, with PROVISION's own performer. What Knot
 * certainly did not accept is tried again while the window is open; nothing else is. Where Knot may have taken a request
 * all the same (503), the end says so.
 */
export async function serveTask(
  performer: Performer,
  suppressions: SuppressionPort,
  gate: TaskGate,
  effect: TaskEffect,
  signal: AbortSignal,
  now: () => number,
): Promise<TaskEnd> {
  const commandId = taskCommandId(effect.task.taskId)
  // Whoever waits for a permit is looked through too seldom for a window of seconds.
  const closing = setTimeout(() => performer.withdraw(commandId), Math.max(0, effect.notAfterMs - now()) + 5)
  try {
    return await tryTask(performer, suppressions, gate, effect, signal, now)
  } finally {
    clearTimeout(closing)
  }
}

async function tryTask(
  performer: Performer,
  suppressions: SuppressionPort,
  gate: TaskGate,
  { task, notAfterMs }: TaskEffect,
  signal: AbortSignal,
  now: () => number,
): Promise<TaskEnd> {
  const { taskId, userId, merchantId, cardRef } = task
  if (cardRef === null) return { result: 'NOT_SENT', reason: 'card_unknown' }
  const commandId = taskCommandId(taskId)
  const isSuppressed = () => suppressions.isSuppressed(userId, cardRef, merchantId)
  const run = watchedRun(commandId, userId, isSuppressed)
  const target = { userId, merchantId, taskId }
  let rekeyed = false
  let landed: LandedRequest | null = null
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS)) {
    if (isSuppressed()) return endAfter(landed, { result: 'NOT_SENT', reason: 'suppressed' })
    if (signal.aborted || now() >= notAfterMs) return endAfter(landed, MISSED)
    const wanted = () => (signal.aborted || gate.isPaused ? undefined : run)
    const ready = gate.isPaused
      ? PAUSED
      : await performer.prepare({ kind: 'prepare', commandId, cardRef, merchantId, notAfterMs }, wanted)
    if (ready.kind === 'unusable') return endAfter(landed, refused(ready))
    if (ready.kind === 'prepared') {
      run.prepared = ready.prepared
      const pushed = await performer.push(
        { kind: 'push', commandId, target, sendByMs: notAfterMs, notAfterMs },
        run,
        signal,
      )
      const { vaultVersion } = ready.prepared
      landed = landedWith(landed, pushed.answer, vaultVersion)
      const history = { rekeyed, maybeLanded: landed !== null, cancelled: run.cancelled, confirmed: false }
      const verdict = judgePush(pushed.answer, pushed.veto, history)
      if (verdict.kind === 'answered' && verdict.result !== 'BUSY') {
        const { result, reason } = verdict
        return endAfter(landed, { result, reason, ...factsOf(pushed, vaultVersion) })
      }
      if (verdict.kind === 'at_once') {
        rekeyed = verdict.rekeyed
        if (rekeyed) run.refusedKey = pushed.usedKey
      }
    }
    if (gate.isDraining) return endAfter(landed, MISSED)
    await sleep(Math.min(waitMs, Math.max(0, notAfterMs - now())), undefined, { signal }).catch(() => undefined)
  }
}

/** A run that counts as cancelled as soon as a suppression is there: asked anew at each check, the one at the wire included. */
function watchedRun(commandId: string, userId: string, isSuppressed: () => boolean): Run {
  const run = newRun(commandId, userId, commandId, 'working')
  return Object.defineProperty(run, 'cancelled', { get: isSuppressed })
}

function refused({ result, reason, vaultStatus, vaultVersion }: Extract<PrepareResult, { kind: 'unusable' }>): TaskEnd {
  return { result, reason, vaultStatus, vaultVersion }
}

function factsOf({ answer }: PushResult, vaultVersion: string): Partial<TaskEnd> {
  if (answer.kind === 'vetoed' || answer.kind === 'unreachable') return {}
  const { httpStatus, errorCode, startedAtMs, answeredAtMs } = answer
  return { vaultStatus: 'active', vaultVersion, httpStatus, errorCode, startedAtMs, answeredAtMs }
}
