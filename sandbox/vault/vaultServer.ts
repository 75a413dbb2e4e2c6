import { timingSafeEqual } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { fastify } from 'fastify'
import type { TestCard, TestPerson } from '../people.ts'

export type VaultStatus = 'active' | 'inactive' | 'closed'

/** A card as it is put into the vault. */
export interface NewVaultCard {
  readonly cardRef: string
  /** Whose it is: the answer of the directory. */
  readonly userId: string
  readonly user: TestPerson
  readonly card: TestCard
  /** Default `active`. */
  readonly status?: VaultStatus
  readonly cardName?: string
  readonly customerName?: string
}

interface StoredCard extends NewVaultCard {
  readonly status: VaultStatus
  readonly version: number
}

export interface VaultOptions {
  /** Bearer token that every request must bring. Default `sandbox_vault_token`. */
  readonly token?: string
  /** Address to listen on. Default loopback. */
  readonly host?: string
  /** 0 (default) takes a free one. */
  readonly port?: number
}

/** A card vault and directory on this machine: the HTTP contract of docs/vault-openapi.yaml, and calls to steer it. */
export interface Vault {
  readonly url: string
  readonly token: string
  /** New or replaced, at version 1. */
  put(card: NewVaultCard): void
  /** New credential (or holder) for the same reference: the version goes up, a closed card stays closed. */
  reissue(cardRef: string, card: TestCard, user?: TestPerson): void
  /** The version stays: a change of status is not a new credential. */
  setStatus(cardRef: string, status: VaultStatus): void
  remove(cardRef: string): void
  /** `GET` answers 503 for everything while it is on. */
  setOutage(on: boolean): void
  /** Every answer waits that long. */
  setDelay(delayMs: number): void
  /** Requests so far, in order, without what they answered. */
  requests(): readonly { readonly path: string; readonly status: number }[]
  stop(): Promise<void>
}

const sameText = (left: string, right: string): boolean => {
  const [a, b] = [Buffer.from(left), Buffer.from(right)]
  return a.length === b.length && timingSafeEqual(a, b)
}

/** Starts the vault, on loopback unless told. It keeps its cards in memory and never prints one. */
export const startVault = async (options: VaultOptions = {}): Promise<Vault> => {
  const { token = 'sandbox_vault_token', host = '127.0.0.1', port = 0 } = options
  const cards = new Map<string, StoredCard>()
  const requests: { path: string; status: number }[] = []
  const stopping = new AbortController()
  let outage = false
  let delayMs = 0

  const stored = (cardRef: string): StoredCard => {
    const card = cards.get(cardRef)
    if (card === undefined) throw new RangeError(`The vault has no card ${cardRef}: put it first.`)
    return card
  }
  const statusOf = (card: StoredCard): object => ({
    card_ref: card.cardRef,
    version: String(card.version),
    status: card.status,
  })

  const server = fastify({ forceCloseConnections: true, routerOptions: { maxParamLength: 1024 } })
  server.addHook('onRequest', async (request, reply) => {
    if (delayMs > 0) await sleep(delayMs, undefined, { signal: stopping.signal }).catch(() => undefined)
    if (outage) return reply.code(503).send({ error: 'unavailable' })
    if (!sameText(request.headers.authorization ?? '', `Bearer ${token}`)) {
      return reply.code(401).send({ error: 'unauthorized' })
    }
    return undefined
  })
  server.addHook('onResponse', (request, reply, done) => {
    requests.push({ path: request.url, status: reply.statusCode })
    done()
  })
  const answer = (path: string, body: (card: StoredCard) => object): void => {
    server.get<{ Params: { cardRef: string } }>(path, (request, reply) => {
      const card = cards.get(request.params.cardRef)
      return card === undefined ? reply.code(404).send({ error: 'unknown_card' }) : reply.send(body(card))
    })
  }
  answer('/cards/:cardRef', card => ({
    ...statusOf(card),
    user: card.user,
    card: card.card,
    ...(card.cardName === undefined ? {} : { card_name: card.cardName }),
    ...(card.customerName === undefined ? {} : { customer_name: card.customerName }),
  }))
  answer('/cards/:cardRef/status', statusOf)
  answer('/cards/:cardRef/owner', card => ({ user_id: card.userId }))
  const url = await server.listen({ host, port })

  return {
    url,
    token,
    put: card => void cards.set(card.cardRef, { status: 'active', ...card, version: 1 }),
    reissue(cardRef, card, user) {
      const before = stored(cardRef)
      cards.set(cardRef, { ...before, card, user: user ?? before.user, version: before.version + 1 })
    },
    setStatus: (cardRef, status) => void cards.set(cardRef, { ...stored(cardRef), status }),
    remove: cardRef => void cards.delete(cardRef),
    setOutage: on => void (outage = on),
    setDelay: ms => void (delayMs = ms),
    requests: () => requests,
    async stop() {
      stopping.abort()
      await server.close()
    },
  }
}
