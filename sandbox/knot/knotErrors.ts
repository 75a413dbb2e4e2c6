/** Knot's error object, as every refused request answers it (seeds 001, 002). */
export interface KnotErrorBody {
  readonly error_type: string
  readonly error_code: string
  readonly error_message: string
}

/** A refusal: HTTP status and body. Thrown inside the simulator, turned into the answer by the server. */
export class KnotRefusal extends Error {
  override readonly name = 'KnotRefusal'
  readonly code = 'KNOT_REFUSAL'
  readonly status: number
  readonly body: KnotErrorBody

  constructor(status: number, errorType: string, errorCode: string, message: string) {
    super(message)
    this.status = status
    this.body = { error_type: errorType, error_code: errorCode, error_message: message }
  }
}

export const invalidApiKeys = (): KnotRefusal =>
  new KnotRefusal(401, 'INVALID_INPUT', 'INVALID_API_KEYS', 'Invalid client_id or secret provided.')

export const noAccess = (): KnotRefusal =>
  new KnotRefusal(403, 'INVALID_REQUEST', 'NO_ACCESS', 'Please contact Knot for access to this endpoint.')

/** A field outside of the card data: ids, query parameters, the body as a whole. */
export const invalidField = (message: string): KnotRefusal =>
  new KnotRefusal(400, 'INVALID_REQUEST', 'INVALID_FIELD', message)

/**
 * Card and user data: the same rules answer `INVALID_FIELD` on the plain form and `INVALID_JWE` on the encrypted one, as
 * does a JWE that cannot be read at all.
 */
export const invalidCardData = (form: 'plain' | 'jwe', message: string): KnotRefusal =>
  new KnotRefusal(400, 'INVALID_REQUEST', form === 'jwe' ? 'INVALID_JWE' : 'INVALID_FIELD', message)

export const unreadableJwe = (): KnotRefusal => invalidCardData('jwe', 'The jwe is invalid.')

export const ongoingOperation = (): KnotRefusal =>
  new KnotRefusal(400, 'MERCHANT_ACCOUNT_ERROR', 'ONGOING_OPERATION', 'An existing operation is in progress.')

export const accountDisconnected = (): KnotRefusal =>
  new KnotRefusal(
    400,
    'MERCHANT_ACCOUNT_ERROR',
    'MERCHANT_ACCOUNT_DISCONNECTED',
    'The merchant account is disconnected.',
  )

/** Knot documents the two not-found codes without their HTTP status: the simulator's option chooses it. */
export const accountNotFound = (status: 400 | 404): KnotRefusal =>
  new KnotRefusal(status, 'MERCHANT_ACCOUNT_ERROR', 'MERCHANT_ACCOUNT_NOT_FOUND', 'The merchant account was not found.')

export const userNotFound = (status: 400 | 404): KnotRefusal =>
  new KnotRefusal(status, 'USER_ERROR', 'USER_NOT_FOUND', 'The user was not found.')
