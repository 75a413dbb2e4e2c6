import { setTimeout as sleep } from 'node:timers/promises'
import type { Accounts, LinkedAccount } from './accounts.ts'
import { cardFault, userFault } from './cardRules.ts'
import { faultName } from './faultPlan.ts'
import type { FaultPlan, PushFault } from './faultPlan.ts'
import type { JweKeys } from './jweKeys.ts'
import {
  KnotRefusal,
  accountDisconnected,
  accountNotFound,
  invalidCardData,
  invalidField,
  noAccess,
  ongoingOperation,
  unreadableJwe,
} from './knotErrors.ts'
import type { KnotErrorBody } from './knotErrors.ts'
import type { OperationIds, Operations } from './operations.ts'
import type { PushEnd } from './pushEnd.ts'
import type { FingerprintedCard, PushEntry, PushLog } from './pushLog.ts'
import { readPushRequest } from './pushRequest.ts'
import type { PushPayload, PushTarget } from './pushRequest.ts'
import type { PushScript, PushScripts } from './script.ts'
import type { Tasks } from './tasks.ts'

/** What the simulator keeps, as far as a push needs it. */
export interface PushContext {
  readonly accounts: Accounts
  readonly keys: JweKeys
  readonly operations: Operations
  readonly tasks: Tasks
  readonly scripts: PushScripts
  readonly faults: FaultPlan
  readonly log: PushLog
  readonly notFoundStatus: 400 | 404
  readonly now: () => number
  readonly stopping: AbortSignal
  /** POST /card answers NO_ACCESS to everybody. */
  accessDenied: boolean
}

/** A body for a scripted status that brings none of its own. */
const bareError = (status: number): KnotErrorBody => ({
  error_type: 'INVALID_REQUEST',
  error_code: 'UNKNOWN',
  error_message: `Scripted answer ${status}.`,
})

const openCard = async (context: PushContext, payload: PushPayload, entry: PushEntry): Promise<FingerprintedCard> => {
  const { form } = payload
  entry.form = form
  let opened: unknown = payload
  if (payload.form === 'jwe') {
    if (typeof payload.jwe !== 'string') throw unreadableJwe()
    context.log.noteJwe(entry, payload.jwe)
    opened = await context.keys.open(payload.jwe)
  }
  const { user, card } = (opened ?? {}) as { user?: unknown; card?: unknown }
  const fault = userFault(user) ?? cardFault(card, context.now())
  if (fault !== undefined) throw invalidCardData(form, fault)
  return card as FingerprintedCard
}

interface Recipient {
  readonly userId: string
  readonly merchantId: number
  readonly ids: OperationIds
}

const recipientOf = (context: PushContext, target: PushTarget): Recipient => {
  if (target.kind === 'updater') return { ...target, ids: context.operations.nextIds() }
  const task = context.tasks.find(target.taskId)
  if (task === undefined) throw invalidField('The selected task_id is invalid.')
  return { userId: task.account.userId, merchantId: task.account.merchantId, ids: task.ids }
}

const eligibleAccount = (context: PushContext, { userId, merchantId }: Recipient): LinkedAccount => {
  const account = context.accounts.get(userId, merchantId)
  if (!account.connected) throw accountDisconnected()
  if (!account.updateCard) throw accountNotFound(context.notFoundStatus)
  if (context.operations.isRunning(userId, merchantId)) throw ongoingOperation()
  return account
}

const oddBodies = {
  garbage: '<html><body>Bad \u0000 gateway',
  empty: '',
  huge: JSON.stringify({ message: 'Success', padding: 'x'.repeat(1 << 20) }),
}

/** The end that a script says in place of `Success`. */
export const scriptedEnd = (
  http: PushScript['http'],
): { readonly end: PushEnd; readonly landed: boolean } | undefined => {
  switch (http?.kind) {
    case 'answer': {
      const { status, body = bareError(status), retryAfter, headers = {}, landed = false } = http
      return { end: { status, body, headers, ...(retryAfter === undefined ? {} : { retryAfter }) }, landed }
    }
    case 'body':
      return { end: { status: http.status ?? 200, body: oddBodies[http.body] }, landed: http.landed ?? true }
    case 'redirect':
      return { end: { status: http.status ?? 307, body: '', headers: { location: http.location } }, landed: false }
    case 'drop':
      return { end: http.when === 'in_answer' ? 'cut' : 'drop', landed: http.when !== 'after_body' }
    default:
      return undefined
  }
}

/**
 * `POST /card`, after authentication: the body's form, the scripted fault, the card, the account, then the operation.
 * `drawn` is what chance gave this push. Accepting and starting the operation happen in one step, so that of two pushes
 * at once one gets ONGOING_OPERATION.
 *
 * @throws KnotRefusal where Knot would refuse.
 */
export const pushCard = async (
  context: PushContext,
  host: 'api' | 'secure',
  body: unknown,
  entry: PushEntry,
  drawn: PushFault | null,
): Promise<PushEnd> => {
  if (context.accessDenied) throw noAccess()
  const { target, payload } = readPushRequest(body, host)
  if (target.kind === 'switcher') entry.taskId = target.taskId
  const recipient = recipientOf(context, target)
  context.log.identify(entry, recipient.userId, recipient.merchantId)

  const { script: own, giveBack } = context.scripts.take(recipient.userId, recipient.merchantId)
  const fault = context.faults.take(recipient.userId, recipient.merchantId, drawn)
  if (fault !== null) entry.fault = faultName(fault)
  const script = { ...own, ...fault }
  const { http } = script
  const scripted = scriptedEnd(http)
  if (scripted?.landed === false) return scripted.end
  try {
    const card = await openCard(context, payload, entry)
    const account = eligibleAccount(context, recipient)
    context.log.noteCard(entry, card)
    const pushed = { last4: card.number.slice(-4), fingerprint: context.log.fingerprint(card) }
    context.operations.begin(account, pushed, script, recipient.ids, target.kind === 'switcher')
    entry.landed = true
    if (target.kind === 'switcher') context.tasks.close(target.taskId)
  } catch (error) {
    if (error instanceof KnotRefusal) {
      giveBack()
      entry.fault = null
    }
    throw error
  }
  if (http?.kind === 'hold') await sleep(http.holdMs, undefined, { signal: context.stopping }).catch(() => undefined)
  return scripted?.end ?? { status: 200, body: { message: 'Success' } }
}
