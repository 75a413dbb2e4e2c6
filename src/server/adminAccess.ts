import { createHash, timingSafeEqual } from 'node:crypto'
import type { Logger } from 'pino'
import type { Refusal } from './adminErrors.ts'
import { CallLimit, LimitPerAddress } from './callLimit.ts'

/** Of all callers with the token together. */
const CALLS = { burst: 20, everyMs: 200 } as const
/** Wrong tokens of one address. */
const WRONG_TOKENS = { burst: 5, everyMs: 10_000 } as const
const ADDRESSES = 1_000

export interface AdminAccessOptions {
  /** `admin.token` as it is now; null when it is not set. */
  readonly token: () => string | null
  readonly log: Logger
  /** Monotonic clock. */
  readonly nowMs?: () => number
}

/**
 * Who may make admin calls: whoever has the token, so many at a time. An address that sent several wrong ones is not
 * listened to for a while, so that guessing is slow and the log stays readable; others go on meanwhile.
 */
export class AdminAccess {
  readonly #options: AdminAccessOptions
  readonly #calls: CallLimit
  readonly #wrongTokens: LimitPerAddress

  constructor(options: AdminAccessOptions) {
    const nowMs = options.nowMs ?? (() => performance.now())
    this.#options = options
    this.#calls = new CallLimit(CALLS, nowMs)
    this.#wrongTokens = new LimitPerAddress(WRONG_TOKENS, ADDRESSES, nowMs)
  }

  /** Null where the call may go on. `authorization` is the header as it came. */
  refusal(authorization: string | undefined, address: string): Refusal | null {
    const expected = this.#options.token()
    if (expected === null) return NOT_SET
    const waitMs = this.#wrongTokens.waitMs(address)
    if (waitMs > 0) return tooMany('TOO_MANY_WRONG_TOKENS', 'Several wrong tokens came from this address.', waitMs)
    const given = /^bearer +(\S+) *$/i.exec(authorization ?? '')?.[1]
    if (given === undefined) return MISSING
    if (!isSame(given, expected)) {
      this.#wrongTokens.take(address)
      this.#options.log.warn({ address }, 'an admin call with a wrong token was refused')
      return WRONG
    }
    if (this.#calls.take()) return null
    return tooMany('TOO_MANY_CALLS', 'Too many admin calls at this instance.', this.#calls.waitMs())
  }
}

/** In a time that does not depend on where they differ, nor on their lengths. */
function isSame(given: string, expected: string): boolean {
  return timingSafeEqual(digest(given), digest(expected))
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text, 'utf8').digest()
}

function tooMany(code: string, what: string, retryAfterMs: number): Refusal {
  return { status: 429, code, error: `${what} Wait as long as Retry-After says.`, retryAfterMs }
}

const NOT_SET: Refusal = {
  status: 403,
  code: 'ADMIN_TOKEN_NOT_SET',
  error: 'Admin calls are off: admin.token (or admin.tokenFile) is not set. Whoever deploys onfile must set it.',
}
const MISSING: Refusal = {
  status: 401,
  code: 'TOKEN_MISSING',
  error: 'Send the token that admin.token has, as the header "Authorization: Bearer <token>".',
}
const WRONG: Refusal = {
  status: 401,
  code: 'TOKEN_WRONG',
  error: 'The token in the header Authorization is not the one that admin.token has here.',
}
