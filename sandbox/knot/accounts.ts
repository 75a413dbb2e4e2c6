import { accountNotFound, userNotFound } from './knotErrors.ts'
import { logoOf, merchantOf } from './merchants.ts'

/** A user's account at a merchant. */
export interface LinkedAccount {
  readonly userId: string
  readonly merchantId: number
  connected: boolean
  /** Scope `update_card`: false for an account that was linked for another product. */
  updateCard: boolean
  /** `card_id` of the session that linked it, null where none was given. */
  cardId: string | null
  lastUserAction: { readonly attemptedAt: string; readonly status: string } | null
  /** The card that the merchant charges now, as the last accepted push left it. Never a card number. */
  cardOnFile: { readonly last4: string; readonly fingerprint: string } | null
}

/** The merchant accounts of all users. A user exists for Knot once an account of theirs has been linked. */
export class Accounts {
  readonly #byUser = new Map<string, Map<number, LinkedAccount>>()
  readonly #notFoundStatus: 400 | 404

  constructor(notFoundStatus: 400 | 404) {
    this.#notFoundStatus = notFoundStatus
  }

  link(userId: string, merchantId: number, changes: { updateCard: boolean; cardId: string | null }): LinkedAccount {
    const ofUser = this.#byUser.get(userId) ?? new Map<number, LinkedAccount>()
    this.#byUser.set(userId, ofUser)
    const before = ofUser.get(merchantId)
    const account = before ?? {
      userId,
      merchantId,
      connected: true,
      ...changes,
      lastUserAction: null,
      cardOnFile: null,
    }
    Object.assign(account, { connected: true, ...changes })
    ofUser.set(merchantId, account)
    return account
  }

  unlink(userId: string, merchantId: number): void {
    this.#byUser.get(userId)?.delete(merchantId)
  }

  of(userId: string): LinkedAccount[] {
    const accounts = this.#byUser.get(userId)
    if (accounts === undefined) throw userNotFound(this.#notFoundStatus)
    return [...accounts.values()]
  }

  get(userId: string, merchantId: number): LinkedAccount {
    const account = this.of(userId).find(candidate => candidate.merchantId === merchantId)
    if (account === undefined) throw accountNotFound(this.#notFoundStatus)
    return account
  }

  find(userId: string, merchantId: number): LinkedAccount | undefined {
    return this.#byUser.get(userId)?.get(merchantId)
  }
}

/** One account as `GET /accounts/get` shows it. A disconnected one is listed, without scopes. */
export const accountView = (account: LinkedAccount): object => {
  const merchant = merchantOf(account.merchantId)
  const scopes = account.connected && account.updateCard ? [{ type: 'update_card' }] : []
  return {
    merchant: { id: merchant.id, name: merchant.name, logo: logoOf(merchant) },
    connection: { status: account.connected ? 'connected' : 'disconnected', scopes },
    lifecycle: { status: account.lastUserAction?.status ?? null },
    last_user_action: {
      attempted_at: account.lastUserAction?.attemptedAt ?? null,
      status: account.lastUserAction?.status ?? null,
    },
  }
}
