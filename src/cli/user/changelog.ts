import type { MerchantState } from '../../domain/merchantState.ts'
import type { ForgottenUser, UserState } from '../../domain/userState.ts'
import type { RecordView } from '../../kafka/recordView.ts'
import { pseudonymOf } from '../../processors/decide/pseudonym.ts'
import {
  createForgottenUserCodec,
  createMerchantStateCodec,
  createUserStateCodec,
} from '../../processors/decide/stateCodecs.ts'
import type { KnownState } from './story.ts'

/** Which entry of the user a changelog key is: the tables of `DecideTables`. */
type Entry = 'user' | 'forgotten' | { readonly merchantId: number }

/** Follows the entries of one user through DECIDE's changelog: the last value of each key counts. */
export class StateReader {
  private readonly userId: string
  private readonly userKey: string
  private readonly forgottenKey: string
  private readonly lastByte: number
  private user: UserState | null = null
  private left: ForgottenUser | null = null
  private readonly merchants = new Map<number, MerchantState>()
  private readonly users = createUserStateCodec()
  private readonly ofMerchants = createMerchantStateCodec()
  private readonly ofForgotten = createForgottenUserCodec()

  constructor(userId: string) {
    this.userId = userId
    this.userKey = `users/${userId}`
    this.forgottenKey = `forgotten/${pseudonymOf(userId)}`
    this.lastByte = Buffer.from(userId, 'utf8').at(-1)!
  }

  /**
   * Takes the record into account where it is one of the user's. Never keeps it.
   * @throws ValueTooNewError where a newer release wrote the state
   */
  accept(record: RecordView): false {
    // Most keys are another user's: seen by one byte, without making a text of it.
    const isNear = record.keyEnd > 0 && record.buffer[record.keyEnd - 1] === this.lastByte
    const key = isNear || isForgottenKey(record) ? record.keyString() : null
    const entry = key === null ? null : this.entryOf(key)
    if (entry !== null) this.apply(entry, record)
    return false
  }

  known(): KnownState {
    if (this.user !== null) {
      const merchants = [...this.merchants.values()].sort((a, b) => a.merchant_id - b.merchant_id)
      return { kind: 'known', user: this.user, merchants }
    }
    return this.left === null ? { kind: 'unknown' } : { kind: 'forgotten', left: this.left }
  }

  private entryOf(key: string): Entry | null {
    if (key === this.userKey) return 'user'
    if (key === this.forgottenKey) return 'forgotten'
    const match = MERCHANT_KEY.exec(key)
    return match?.[2] === this.userId ? { merchantId: Number(match[1]) } : null
  }

  private apply(entry: Entry, { buffer, valueStart, valueEnd }: RecordView): void {
    const isGone = valueEnd < 0
    if (entry === 'user') this.user = isGone ? null : this.users.decode(buffer, valueStart, valueEnd)
    else if (entry === 'forgotten') this.left = isGone ? null : this.ofForgotten.decode(buffer, valueStart, valueEnd)
    else if (isGone) this.merchants.delete(entry.merchantId)
    else this.merchants.set(entry.merchantId, this.ofMerchants.decode(buffer, valueStart, valueEnd))
  }
}

/** `merchantKey` of the domain, in its table. */
const MERCHANT_KEY = /^merchants\/(\d+)\/(.*)$/s
const FORGOTTEN_FIRST_BYTE = 'f'.charCodeAt(0)

function isForgottenKey({ buffer, keyStart, keyEnd }: RecordView): boolean {
  return keyEnd > keyStart && buffer[keyStart] === FORGOTTEN_FIRST_BYTE
}
