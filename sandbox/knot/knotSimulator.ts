import { setTimeout as sleep } from 'node:timers/promises'
import { Accounts } from './accounts.ts'
import type { LinkedAccount } from './accounts.ts'
import { FaultPlan } from './faultPlan.ts'
import type { FaultStep, RandomFaults } from './faultPlan.ts'
import { JweKeys } from './jweKeys.ts'
import { logoOf, merchantOf } from './merchants.ts'
import { Operations } from './operations.ts'
import { PushLog } from './pushLog.ts'
import type { FingerprintedCard, PushEntry } from './pushLog.ts'
import { ReadFaults } from './readFaults.ts'
import type { RandomReadFaults } from './readFaults.ts'
import { apiServer, secureServer } from './routes.ts'
import type { RouteContext } from './routes.ts'
import { PushScripts } from './script.ts'
import type { PushScript } from './script.ts'
import { Tasks } from './tasks.ts'
import { WebhookSender } from './webhookSender.ts'
import type { WebhookDelivery, WebhookPayload } from './webhookSender.ts'

export interface KnotOptions {
  /** Default `sandbox_client`. */
  readonly clientId?: string
  /** API secret, also the key of webhook signatures. Default `sandbox_secret`. */
  readonly secret?: string
  /** Where webhooks go. More with `sendWebhooksTo`. */
  readonly webhookUrls?: readonly string[]
  /** From acceptance to result, where a script says nothing. Default 200 ms. */
  readonly webhookDelayMs?: number
  /** Before each of the two repeats of a webhook. Default 1 s; Knot takes minutes. */
  readonly webhookRetryDelayMs?: number
  /** Patience with the receiver of a webhook. Default 10 s, as Knot's. */
  readonly webhookTimeoutMs?: number
  /** Default 50 ms. */
  readonly duplicateGapMs?: number
  /** How long a task waits for its card. Default 15 s, as Knot's. */
  readonly taskWindowMs?: number
  /** HTTP status of USER_NOT_FOUND and MERCHANT_ACCOUNT_NOT_FOUND, which Knot does not document. Default 404. */
  readonly notFoundStatus?: 400 | 404
  /** Whether CardUpdater moves `last_user_action`, which Knot does not document. Default false. */
  readonly pushMovesLastUserAction?: boolean
  /** For accounts without a script of their own. Default: a success. */
  readonly defaultScript?: PushScript
  readonly now?: () => number
  /** Address to listen on. Default loopback. */
  readonly host?: string
  /** 0 (default) takes a free one. */
  readonly port?: number
  readonly securePort?: number
}

export interface LinkOptions {
  readonly userId: string
  readonly merchantId: number
  /** `card_id` of the session; Knot repeats it in webhooks. Default null. */
  readonly cardId?: string | null
  /** Scope `update_card`. Default true. */
  readonly updateCard?: boolean
  /** Sends AUTHENTICATED. Default false. */
  readonly announce?: boolean
  /** With `announce`: `send_card`, which opens a task that waits for a card. Default false. */
  readonly sendCard?: boolean
}

/** A Knot that runs on this machine: the API of seeds 000 to 003, and calls to steer and to look into it. */
export interface KnotSimulator {
  /** API host: accounts, key, encrypted cards. No trailing slash. */
  readonly url: string
  /** Secure host: plain cards. */
  readonly secureUrl: string
  readonly clientId: string
  readonly secret: string
  link(options: LinkOptions): void
  /** The merchant account needs a login. `announce` (default true) sends ACCOUNT_LOGIN_REQUIRED. */
  disconnect(userId: string, merchantId: number, options?: { readonly announce?: boolean }): void
  unlink(userId: string, merchantId: number): void
  /** What the next pushes to that account do, in order; the last one stays. None: back to the default. */
  script(userId: string, merchantId: number, ...scripts: readonly PushScript[]): void
  /** Faults of the next pushes, by user and merchant or `*`, in order. @throws FaultPlanError */
  planFaults(...steps: readonly FaultStep[]): void
  /** Faults by chance from now on; null ends them. @throws FaultPlanError */
  randomFaults(faults: RandomFaults | null): void
  /** The same for accounts and the key, which are only read. @throws FaultPlanError */
  randomReadFaults(faults: RandomReadFaults | null): void
  /** How often each fault of a read has happened, by name. */
  readFaults(): ReadonlyMap<string, number>
  /** Steps of `planFaults` that have not happened to the end. */
  faultsLeft(): number
  /** Makes an account busy, as the user's own session does, until the returned call. */
  occupy(userId: string, merchantId: number): () => void
  /** POST /card answers 403 NO_ACCESS. */
  denyAccess(denied: boolean): void
  /** Every request gets this status; null ends it. */
  setOutage(outage: { readonly status: number; readonly retryAfter?: number | string } | null): void
  /** The next `count` requests of any kind find their connection closed before their body is read. */
  dropNext(count: number): void
  /** A new key; JWEs for the old one are refused from now on. Resolves with the new `kid`. */
  rotateKey(): Promise<string>
  sendWebhooksTo(url: string): void
  /** Sends any webhook: other events, unknown ones, late ones. */
  announce(payload: WebhookPayload): void
  account(userId: string, merchantId: number): Readonly<LinkedAccount> | undefined
  /** Every `POST /card` in order, of one account, one user or all. */
  pushes(userId?: string, merchantId?: number): readonly Readonly<PushEntry>[]
  /** Most requests that were open at once for that account, from the body read to the answer given. */
  pushesInFlightMax(userId: string, merchantId: number): number
  /** What `PushEntry.fingerprint` and `cardOnFile.fingerprint` are for that card. */
  fingerprint(card: FingerprintedCard): string
  webhooks(): readonly WebhookDelivery[]
  /** Resolves when no operation runs, no task waits and no webhook is on its way. */
  settled(): Promise<void>
  stop(): Promise<void>
}

/** Starts the simulator, on loopback unless told. */
export const startKnot = async (options: KnotOptions = {}): Promise<KnotSimulator> => {
  const { clientId = 'sandbox_client', secret = 'sandbox_secret', now = Date.now, notFoundStatus = 404 } = options
  const stopping = new AbortController()
  const webhooks = new WebhookSender({
    secret,
    urls: options.webhookUrls ?? [],
    retryDelayMs: options.webhookRetryDelayMs ?? 1000,
    timeoutMs: options.webhookTimeoutMs ?? 10_000,
    now,
  })
  const operations = new Operations({
    webhooks,
    webhookDelayMs: options.webhookDelayMs ?? 200,
    duplicateGapMs: options.duplicateGapMs ?? 50,
    pushMovesLastUserAction: options.pushMovesLastUserAction ?? false,
    now,
  })
  const tasks = new Tasks(operations, webhooks, options.taskWindowMs ?? 15_000)
  const accounts = new Accounts(notFoundStatus)
  const keys = await JweKeys.create()
  const log = new PushLog()
  const scripts = new PushScripts(options.defaultScript ?? {})
  const faults = new FaultPlan()
  const readFaults = new ReadFaults()

  const link = ({
    userId,
    merchantId,
    cardId = null,
    updateCard = true,
    announce,
    sendCard = false,
  }: LinkOptions): void => {
    const account = accounts.link(userId, merchantId, { updateCard, cardId })
    if (!announce) return
    const ids = sendCard ? tasks.open(account) : operations.nextIds()
    webhooks.send(operations.payload('AUTHENTICATED', account, ids, { send_card: sendCard, entrypoint: null }))
  }
  const disconnect: KnotSimulator['disconnect'] = (userId, merchantId, { announce = true } = {}) => {
    accounts.get(userId, merchantId).connected = false
    const merchant = merchantOf(merchantId)
    if (!announce) return
    webhooks.send({
      event: 'ACCOUNT_LOGIN_REQUIRED',
      external_user_id: userId,
      merchant: { ...merchant, logo: logoOf(merchant) },
      timestamp: now(),
    })
  }
  const context: RouteContext = {
    accounts,
    keys,
    operations,
    tasks,
    scripts,
    faults,
    readFaults,
    log,
    notFoundStatus,
    now,
    stopping: stopping.signal,
    clientId,
    secret,
    accessDenied: false,
    outage: null,
    connectionsToDrop: 0,
    link: (userId, merchantId, cardId) => link({ userId, merchantId, cardId, announce: true, sendCard: true }),
    disconnect,
    unlink: (userId, merchantId) => accounts.unlink(userId, merchantId),
  }
  const api = apiServer(context)
  const secure = secureServer(context)
  const host = options.host ?? '127.0.0.1'
  const url = await api.listen({ host, port: options.port ?? 0 })
  const secureUrl = await secure.listen({ host, port: options.securePort ?? 0 })

  return {
    url,
    secureUrl,
    clientId,
    secret,
    link,
    disconnect,
    unlink: (userId, merchantId) => accounts.unlink(userId, merchantId),
    script: (userId, merchantId, ...list) => scripts.set(userId, merchantId, list),
    planFaults(...steps) {
      for (const step of steps) faults.add(step)
    },
    randomFaults: random => faults.random(random),
    randomReadFaults: random => readFaults.random(random),
    readFaults: () => readFaults.happened(),
    faultsLeft: () => faults.open(),
    occupy: (userId, merchantId) => operations.occupy(userId, merchantId),
    denyAccess: denied => void (context.accessDenied = denied),
    setOutage: outage => void (context.outage = outage),
    dropNext: count => void (context.connectionsToDrop = count),
    rotateKey: async () => (await keys.rotate()).kid,
    sendWebhooksTo: target => webhooks.addUrl(target),
    announce: payload => webhooks.send(payload),
    account: (userId, merchantId) => accounts.find(userId, merchantId),
    pushes: (userId, merchantId) => log.entries(userId, merchantId),
    pushesInFlightMax: (userId, merchantId) => log.openMax(userId, merchantId),
    fingerprint: card => log.fingerprint(card),
    webhooks: () => webhooks.deliveries,
    async settled() {
      for (;;) {
        while (!operations.isIdle()) await sleep(10)
        await webhooks.settled()
        if (operations.isIdle()) return
      }
    },
    async stop() {
      stopping.abort()
      operations.stop()
      await Promise.all([api.close(), secure.close()])
      await webhooks.stop()
    },
  }
}
