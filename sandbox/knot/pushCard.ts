import { setTimeout as sleep } from 'node:timers/promises'
import type { Accounts, LinkedAccount } from './accounts.ts'
import { cardFault, userFault } from './cardRules.ts'
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
  readonly log: PushLog
  readonly notFoundStatus: 400 | 404
  readonly now: () => number
  readonly stopping: AbortSignal
  /** POST /card answers NO_ACCESS to everybody. */
  accessDenied: boolean
}

/** How the exchange ends: an answer, or a closed connection. */
export type PushEnd =
  | {
      readonly status: number
      readonly body: KnotErrorBody | { readonly message: 'Success' }
      readonly retryAfter?: number | string
    }
  | 'drop'

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

const scriptedAnswer = (http: PushScript['http']): PushEnd | undefined => {
  if (http?.kind !== 'answer') return undefined
  const { status, body = bareError(status), retryAfter } = http
  return { status, body, ...(retryAfter === undefined ? {} : { retryAfter }) }
}

/**
 * `POST /card`, after authentication: the body's form, the scripted fault, the card, the account, then the operation.
 * Accepting and starting the operation happen in one step, so that of two pushes at once one gets ONGOING_OPERATION.
 *
 * @throws KnotRefusal where Knot would refuse.
 */
export const pushCard = async (
  context: PushContext,
  host: 'api' | 'secure',
  body: unknown,
  entry: PushEntry,
): Promise<PushEnd> => {
  if (context.accessDenied) throw noAccess()
  const { target, payload } = readPushRequest(body, host)
  if (target.kind === 'switcher') entry.taskId = target.taskId
  const recipient = recipientOf(context, target)
  context.log.identify(entry, recipient.userId, recipient.merchantId)

  const { script, giveBack } = context.scripts.take(recipient.userId, recipient.merchantId)
  const { http } = script
  if (http?.kind === 'drop' && http.when === 'after_body') return 'drop'
  const answer = scriptedAnswer(http)
  if (answer !== undefined && http?.kind === 'answer' && !http.landed) return answer
  try {
    const card = await openCard(context, payload, entry)
    const account = eligibleAccount(context, recipient)
    context.log.noteCard(entry, card)
    const pushed = { last4: card.number.slice(-4), fingerprint: context.log.fingerprint(card) }
    context.operations.begin(account, pushed, script, recipient.ids)
    entry.landed = true
    if (target.kind === 'switcher') context.tasks.close(target.taskId)
  } catch (error) {
    if (error instanceof KnotRefusal) giveBack()
    throw error
  }
  if (http?.kind === 'hold') await sleep(http.holdMs, undefined, { signal: context.stopping }).catch(() => undefined)
  if (http?.kind === 'drop') return 'drop'
  return answer ?? { status: 200, body: { message: 'Success' } }
}
