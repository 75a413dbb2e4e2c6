import { invalidField } from './knotErrors.ts'

/** Whom a push concerns: CardSwitcher names the task of an AUTHENTICATED webhook, CardUpdater the account. */
export type PushTarget =
  | { readonly kind: 'switcher'; readonly taskId: string }
  | { readonly kind: 'updater'; readonly userId: string; readonly merchantId: number }

/** The card of a push, not yet opened or checked. */
export type PushPayload =
  | { readonly form: 'plain'; readonly user: unknown; readonly card: unknown }
  | { readonly form: 'jwe'; readonly jwe: unknown }

export interface PushRequest {
  readonly target: PushTarget
  readonly payload: PushPayload
}

const targetOf = (body: Record<string, unknown>): PushTarget => {
  const { task_id: taskId, external_user_id: userId, merchant_id: merchantId } = body
  const updater = userId !== undefined || merchantId !== undefined
  if (taskId !== undefined && updater) {
    throw invalidField('The task_id cannot be sent together with external_user_id and merchant_id.')
  }
  if (taskId !== undefined) {
    if (typeof taskId !== 'string' || taskId === '') throw invalidField('The task_id must be a string.')
    return { kind: 'switcher', taskId }
  }
  if (!updater) throw invalidField('The task_id, or the external_user_id and the merchant_id, are required.')
  if (typeof userId !== 'string' || userId === '') throw invalidField('The external_user_id must be a string.')
  if (typeof merchantId !== 'number' || !Number.isInteger(merchantId)) {
    throw invalidField('The merchant_id must be an integer.')
  }
  return { kind: 'updater', userId, merchantId }
}

/**
 * Tells the four body forms of `POST /card` apart. Each host takes its own card form only, as Knot documents them: the
 * API host `jwe`, the secure host `user` and `card`.
 *
 * @throws KnotRefusal INVALID_FIELD where the body has no form or mixes two.
 */
export const readPushRequest = (body: unknown, host: 'api' | 'secure'): PushRequest => {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw invalidField('The body must be an object.')
  const fields = body as Record<string, unknown>
  for (const name of ['card_name', 'customer_name']) {
    if (fields[name] !== undefined && typeof fields[name] !== 'string')
      throw invalidField(`The ${name} must be a string.`)
  }
  const target = targetOf(fields)
  const plain = fields.user !== undefined || fields.card !== undefined
  const encrypted = fields.jwe !== undefined
  if (plain && encrypted) throw invalidField('The jwe cannot be sent together with user and card.')
  if (host === 'api') {
    if (!encrypted) throw invalidField('The jwe is required.')
    return { target, payload: { form: 'jwe', jwe: fields.jwe } }
  }
  if (encrypted) throw invalidField('The jwe is not accepted on this host.')
  return { target, payload: { form: 'plain', user: fields.user, card: fields.card } }
}
